"""``python -m tests.bench.web``: the app over a million backups, eight clients at once; medians, 95ths, peak memory."""

from __future__ import annotations

import argparse
import re
import secrets
import statistics
import sys
import tempfile
from pathlib import Path

import pymysql

import tests.bench.web
from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import split_statements
from tests.bench.web.data import DATABASE, ROOT, log_server
from tests.bench.web.load import Answer, Browser, ask, pages
from tests.servers.mariadb import MariaDB
from tests.servers.process import ServerFailed
from tests.servers.webstatus import WebStatus

GRANTS = ROOT / "collections/ansible_collections/vex/backup/roles/log_schema/files/grants/web.sql"
# Milliseconds, and MB (10^6 bytes).
MEDIAN, NINETY_FIFTH, MEMORY = 100, 250, 200


def main() -> int:
    """Measure: 0 when every target is met, 1 when one is not, 2 when it failed."""
    parser = argparse.ArgumentParser(prog="scripts/bench web", description=tests.bench.web.__doc__)
    parser.add_argument("--clients", type=int, default=8, help="how many ask at once; default 8")
    parser.add_argument("--seconds", type=float, default=30, help="for how long; default 30")
    options = parser.parse_args()
    try:
        with log_server(say) as server, tempfile.TemporaryDirectory(prefix="vex-bench-") as folder:
            answers, memory = measure(server, Path(folder), options.clients, options.seconds)
    except (ServerFailed, RuntimeError, OSError, pymysql.MySQLError) as error:
        sys.stderr.write(f"bench: failed: {type(error).__name__}: {error}\n")
        return 2
    return report(answers, memory, options.seconds)


def measure(server: MariaDB, folder: Path, clients: int, seconds: float) -> tuple[list[Answer], float]:
    """What the clients were answered, and the app's peak memory in MB."""
    settings = {
        "secret_key": secrets.token_urlsafe(48),
        "log_db_unix_socket": server.socket,
        "log_db_name": DATABASE,
        "log_db_user": "vex_backup_web",
        "log_db_password": secrets.token_hex(12),
    }
    server.create_account(settings["log_db_user"], settings["log_db_password"])
    grants = split_statements(GRANTS.read_text(encoding="utf-8"))
    server.execute(*(grant.replace("@'%'", f"@'{host}'") for grant in grants for host in ("localhost", "127.0.0.1")))
    newest = int(server.execute(f"SELECT MAX(id) FROM {DATABASE}.backup_log")[0][0])
    with WebStatus(folder, settings) as app:
        login, password = f"bench-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        app.create_administrator(login, password)
        browsers = [Browser(app.port, login, password) for _ in range(clients)]
        # What is remembered, by the server and by the app, is there as it is on any day.
        ask(browsers, pages(newest), min(5, seconds))
        answers = ask(browsers, pages(newest), seconds)
        status = Path(f"/proc/{app.process.pid}/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return answers, int(peak[1]) * 1024 / 1e6 if peak else 0.0


def report(answers: list[Answer], memory: float, seconds: float) -> int:
    """Print the numbers; 1 when a target was missed."""
    missed = False
    say(f"{'page':26} {'answers':>8} {'median':>8} {'95th':>8} {'worst':>8}  ms")
    for kind in dict.fromkeys(answer.kind for answer in answers):
        times = sorted(answer.milliseconds for answer in answers if answer.kind == kind)
        median, ninety_fifth = statistics.median(times), times[int(len(times) * 0.95)]
        is_slow = median >= MEDIAN or ninety_fifth >= NINETY_FIFTH
        missed |= is_slow
        say(f"{kind:26} {len(times):8} {median:8.0f} {ninety_fifth:8.0f} {times[-1]:8.0f}{'  missed' * is_slow}")
    missed |= memory >= MEMORY
    say(f"{len(answers) / seconds:.0f} answers a second; peak memory {memory:.0f} MB{'  missed' * (memory >= MEMORY)}")
    return int(missed)


def say(line: str) -> None:
    """Print, at once."""
    print(line, flush=True)  # noqa: T201 - it speaks to people


if __name__ == "__main__":
    sys.exit(main())
