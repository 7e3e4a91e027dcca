"""``python -m tests.bench.web``: median, 95th percentile and worst time of every kind of page, and the peak memory."""

from __future__ import annotations

import argparse
import re
import secrets
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pymysql

import tests.bench.web
from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import split_statements
from tests.bench.web.data import DATABASE, ROOT, log_server
from tests.bench.web.load import Answer, Browser, ask, pages, searches
from tests.servers.mariadb import MariaDB
from tests.servers.process import ServerFailed
from tests.servers.webstatus import WebStatus


class Target(NamedTuple):
    """The longest times that are good enough, in milliseconds."""

    median: float
    ninety_fifth: float


class Measured(NamedTuple):
    """The answers to all clients, those to the searches of one client, and the app's peak memory in MB."""

    pages: list[Answer]
    searches: list[Answer]
    memory: float


GRANTS = ROOT / "collections/ansible_collections/vex/backup/roles/log_schema/files/grants/web.sql"
# The targets, in milliseconds and in MB (10^6 bytes).
PAGES = Target(median=100, ninety_fifth=250)
SEARCHES = Target(median=1000, ninety_fifth=2500)
MEMORY = 200


def main() -> int:
    """Measure; return 0 when every target is met, 1 when one is missed, 2 when the measurement failed."""
    parser = argparse.ArgumentParser(prog="scripts/bench web", description=tests.bench.web.__doc__)
    parser.add_argument("--clients", type=int, default=8, help="clients that ask for pages at the same time; default 8")
    parser.add_argument(
        "--seconds", type=float, default=30, help="time for the pages, and for the searches; default 30"
    )
    options = parser.parse_args()
    try:
        with log_server(say) as server, tempfile.TemporaryDirectory(prefix="vex-bench-") as folder:
            measured = measure(server, Path(folder), options.clients, options.seconds)
    except (ServerFailed, RuntimeError, OSError, pymysql.MySQLError) as error:
        sys.stderr.write(f"bench: failed: {type(error).__name__}: {error}\n")
        return 2
    return report(measured, options.seconds)


def measure(server: MariaDB, folder: Path, clients: int, seconds: float) -> Measured:
    """Start the app on the log database and ask it for pages, then for searches."""
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
        # The buffers of the server and the cache of the app are filled, as on any day.
        ask(browsers, pages(newest) | searches(), min(10, seconds))
        answers = ask(browsers, pages(newest), seconds)
        found = ask(browsers[:1], searches(), seconds)
        status = Path(f"/proc/{app.process.pid}/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    return Measured(answers, found, int(peak[1]) * 1024 / 1e6 if peak else 0.0)


def report(measured: Measured, seconds: float) -> int:
    """Print the numbers; return 1 when a target was missed."""
    say(f"{'page':26} {'answers':>8} {'median':>8} {'95th':>8} {'worst':>8}  ms")
    missed = [report_kinds(measured.pages, PAGES), report_kinds(measured.searches, SEARCHES)]
    missed.append(measured.memory >= MEMORY)
    per_second = len(measured.pages) / seconds
    say(f"{per_second:.0f} pages a second; peak memory {measured.memory:.0f} MB{'  missed' * missed[-1]}")
    return int(any(missed))


def report_kinds(answers: list[Answer], target: Target) -> bool:
    """Print one line for each kind of page; return whether the target was missed."""
    missed = False
    for kind in dict.fromkeys(answer.kind for answer in answers):
        times = sorted(answer.milliseconds for answer in answers if answer.kind == kind)
        median, ninety_fifth = statistics.median(times), times[int(len(times) * 0.95)]
        is_slow = median > target.median or ninety_fifth > target.ninety_fifth
        missed |= is_slow
        say(f"{kind:26} {len(times):8} {median:8.0f} {ninety_fifth:8.0f} {times[-1]:8.0f}{'  missed' * is_slow}")
    return missed


def say(line: str) -> None:
    """Print a line without delay."""
    print(line, flush=True)  # noqa: T201 - output for people


if __name__ == "__main__":
    sys.exit(main())
