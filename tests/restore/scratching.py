"""Scratch servers, as a proof has them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_folder import ScratchFolder, remove_folder
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_server import ScratchRequest, scratch
from tests.servers.database_server import DatabaseServer
from tests.servers.mysql import MySQL


@contextlib.contextmanager
def scratch_server(
    source: DatabaseServer,
    folder: Path,
    limits: dict[str, str],
    *,
    lower_case_table_names: int = 0,
    encryption_key_ids: tuple[int, ...] = (),
) -> Iterator[DatabaseServer]:
    """Run a scratch server of the source's product below *folder*, with these limits and keys."""
    path = folder / "scratch"
    given = ScratchRequest(
        path=str(path),
        state="present",
        product="mysql" if isinstance(source, MySQL) else "mariadb",
        # Another account cannot enter the folder of the tests' servers, to load their plugins.
        user="root",
        lower_case_table_names=lower_case_table_names,
        limits=limits,
        encryption_key_ids=encryption_key_ids,
        needed_bytes=0,
        abandoned_after=600,
        run_log=None,
    )
    started = scratch(given, RunLog(None))
    server = type(source)(folder / "unused")
    server.socket = started["socket"]
    try:
        yield server
    finally:
        remove_folder(ScratchFolder(str(path)))
