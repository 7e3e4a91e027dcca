"""Calls of ``backup_log_record``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.integration.log_db import LogDatabase, migrate, record
from tests.servers.mariadb import MariaDB

DOWN: dict[str, Any] = {"login_unix_socket": "/nowhere.sock"}


class Writer:
    """The calls of the module for one database and one spool."""

    def __init__(self, database: LogDatabase, spool: Path) -> None:
        self.database = database
        self.spool = spool
        self.options = {**database.login, "hostname": "db1", "spool_dir": str(spool)}

    def __call__(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        return record({**self.options, **options}, check_mode=check_mode)

    def kept(self) -> list[str]:
        """Return the names in the spool, with those of unreadable files."""
        return sorted(path.name for path in (self.spool / "records").glob("*"))

    def backups(self, columns: str = "run_uuid, status_backup") -> list[tuple[Any, ...]]:
        return self.database.rows(f"SELECT {columns} FROM backup_log ORDER BY id")

    def uploads(self, columns: str = "run_uuid, status_upload") -> list[tuple[Any, ...]]:
        return self.database.rows(
            f"SELECT {columns} FROM upload_s3_log u JOIN backup_log b ON b.id = u.backup_id ORDER BY u.id"
        )


@contextlib.contextmanager
def migrated(server: MariaDB, spool: Path) -> Iterator[Writer]:
    """Create a log database on *server* for the block; yield its writer, which keeps records in *spool*."""
    database = LogDatabase(server)
    migrate(database.login)
    try:
        yield Writer(database, spool)
    finally:
        database.drop()
