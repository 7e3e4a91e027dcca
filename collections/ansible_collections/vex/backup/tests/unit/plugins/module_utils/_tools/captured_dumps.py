# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Captured dumps of MyDumper 0.10.1 (``v0``) and 1.0.1 (``v1``) on MySQL 9.7, from ``fixtures/mydumper``."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    LEGACY,
    MODERN,
    Evidence,
    Version,
)

FIXTURES = pathlib.Path(__file__).parent / "fixtures" / "mydumper"
OLD = Version("0.10.1", LEGACY)
NEW = Version("1.0.1", MODERN)
FINISHED_METADATA = "Started dump at: 2026-11-22 18:27:02\nFinished dump at: 2026-11-22 18:27:02\n"
FINISHED_LINE = "2026-11-22 18:27:02 [INFO] - Finished dump at: 2026-11-22 18:27:02\n"
NO_POSITION = "2026-11-22 18:27:02 [WARNING] - Couldn't get master position - ERROR 1064: You have an error\n"
WHOLE = Evidence(0, FINISHED_LINE, FINISHED_METADATA, unfinished_metadata=False, binlog_enabled=False)


def captured(name: str, *, binlog_enabled: bool = False) -> Evidence:
    def read(suffix: str) -> t.Optional[str]:
        path = FIXTURES / f"{name}.{suffix}"
        return path.read_text(encoding="utf-8") if path.exists() else None

    status = (read("rc") or "").split(" :: ")[0]
    # v0-L has no metadata of its own; it was the same as that of v0-ok.
    metadata = FINISHED_METADATA if name == "v0-L" else read("metadata")
    return Evidence(int(status), (read("log") or "") + (read("stderr") or ""), metadata, False, binlog_enabled)
