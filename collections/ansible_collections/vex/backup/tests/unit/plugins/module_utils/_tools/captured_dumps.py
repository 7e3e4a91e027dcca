# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Captured dumps of MyDumper 0.10.1 (``v0``) and 1.0.1 (``v1``) on MySQL 9.7, from ``fixtures/mydumper``."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import Driver
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import Evidence
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_0_10 import MyDumper010
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_1 import MyDumper1

FIXTURES = pathlib.Path(__file__).parent / "fixtures" / "mydumper"
OLD = MyDumper010()
NEW = MyDumper1()
DRIVERS: t.List[Driver] = [OLD, NEW]
FINISHED_METADATA = "Started dump at: 2026-11-22 18:27:02\nFinished dump at: 2026-11-22 18:27:02\n"
FINISHED_LINE = "2026-11-22 18:27:02 [INFO] - Finished dump at: 2026-11-22 18:27:02\n"
WHOLE = Evidence(0, FINISHED_LINE, FINISHED_METADATA, unfinished_metadata=False)


def captured(name: str) -> t.Tuple[Driver, Evidence]:
    """Return the driver and the traces of a capture."""

    def read(suffix: str) -> t.Optional[str]:
        path = FIXTURES / f"{name}.{suffix}"
        return path.read_text(encoding="utf-8") if path.exists() else None

    status = (read("rc") or "").split(" :: ")[0]
    # v0-L has no metadata of its own; it was the same as that of v0-ok.
    metadata = FINISHED_METADATA if name == "v0-L" else read("metadata")
    driver = OLD if name.startswith("v0") else NEW
    return driver, Evidence(int(status), (read("log") or "") + (read("stderr") or ""), metadata, False)
