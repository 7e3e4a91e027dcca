# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The choice between compressing chunks during the dump and only waiting for MyDumper."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import running
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump import run_mydumper as run_mydumper_module
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import ToolRun
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import LEGACY, MODERN, Version

OLD, NEW = Version("0.10.0", LEGACY), Version("1.0.1", MODERN)
SERVER = Server("mariadb", "10.11.18-MariaDB", (10, 11, 18), "'vex'@'%'", "abc", False)


@pytest.mark.parametrize(
    ("version", "compression", "compressed"),
    [(OLD, "zstd", ["d.t.00001.sql"]), (OLD, None, []), (NEW, "zstd", [])],
)
def test_only_chunks_of_0_10_are_compressed_during_the_dump(
    tmp_path: pathlib.Path, version: Version, compression: t.Optional[str], compressed: t.List[str]
) -> None:
    for number in "12":
        (tmp_path / f"d.t.0000{number}.sql").touch()
    plan = Plan(SERVER, "individual", [], "/bin/mydumper", version, None)
    compressor = Compressor(compression) if compression else None
    run = ToolRun(t.cast("t.Any", None), plan, "", "", Deadline(0, "the dump"), 0, RunLog(None), compressor)
    with running(["sleep", "1"]) as program:
        _completed, chunks = run_mydumper_module._wait(run, program, str(tmp_path))
    assert list(chunks) == compressed
