"""A request to dump a test server by its socket."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login


def dump_request(socket: str, path: Path, **changes: Any) -> DumpRequest:
    """Return a request to dump all databases of the server at *socket* into *path*, by its root."""
    made = DumpRequest(
        login=Login("", 0, socket, "root", "", None),
        path=str(path),
        dump_log=str(path.parent / "dump.log"),
        run_log=None,
        databases=[],
        exclude_databases=[],
        exclude_tables=[],
        schema_only_tables=[],
        mode="individual",
        threads=2,
        routines=True,
        triggers=True,
        events=True,
        accounts=False,
        compression="none",
        checksums="sample",
        long_query_guard=60,
        timeout=600,
        space_factor=0.0,
        keep_failed=0,
        run_uuid=None,
        hostname=None,
        check_mode=False,
    )
    return dataclasses.replace(made, **changes)
