"""A log database with a million backups. It is made once a day, because the dashboard shows today, and then cached."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import inspect
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import SchemaRequest, bring_up_to_date
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import resolve_login
from tests.bench.web import recipe
from tests.servers.cache import cache_directory
from tests.servers.mariadb import MariaDB

ROOT = Path(__file__).resolve().parents[3]
MIGRATIONS = ROOT / "collections/ansible_collections/vex/backup/roles/log_schema/files/migrations"
DATABASE = "vex_backup"
LOG_SIZE = "--innodb-log-file-size=512M"
# The memory that a small server would give to it.
MEMORY = "--innodb-buffer-pool-size=1G"
LOADING = ["--skip-log-bin", MEMORY, LOG_SIZE, "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"]

Say = Callable[[str], None]


@contextlib.contextmanager
def log_server(say: Say) -> Iterator[MariaDB]:
    """Run a server whose :data:`DATABASE` has the log of 500 servers for two thousand nights."""
    folder = cache_directory() / "bench"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "web.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cached = folder / f"web-{_digest()}-{datetime.datetime.now(datetime.UTC):%Y%m%d}"
        if not cached.exists():
            _make(cached, say)
        with MariaDB(cached, options=[MEMORY, LOG_SIZE]) as server:
            yield server


def _digest() -> str:
    """Return a digest of the recipe and the schema, on which the data depend."""
    digest = hashlib.sha256(inspect.getsource(recipe).encode())
    for path in sorted(MIGRATIONS.glob("*.sql")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _make(cached: Path, say: Say) -> None:
    for old in cached.parent.glob("web-*"):
        shutil.rmtree(old)
    partial = cached.with_name(f"{cached.name}.partial")
    started = time.monotonic()
    say(f"making the log of {recipe.BACKUPS:,} backups, once a day ...")
    with MariaDB(partial, options=LOADING) as server:
        login = resolve_login({"login_unix_socket": server.socket, "login_user": "root", "connect_timeout": 5})
        bring_up_to_date(
            SchemaRequest(login, DATABASE, str(MIGRATIONS), create_database=True, patience=0), check_mode=False
        )
        now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}"
        server.execute(
            f"USE {DATABASE}",
            "SET time_zone = '+00:00'",
            *recipe.statements(now),
            "ANALYZE TABLE backup_log, upload_s3_log",
        )
    partial.rename(cached)
    say(f"made in {time.monotonic() - started:.0f} s; kept in {cached}")
