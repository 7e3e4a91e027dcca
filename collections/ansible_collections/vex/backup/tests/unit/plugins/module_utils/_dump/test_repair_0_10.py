# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The repair of chunks that MyDumper 0.10 writes without a header."""

from __future__ import annotations

import pathlib

from ansible_collections.vex.backup.plugins.module_utils._dump.repair_0_10 import repair_files
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_0_10 import DATA_HEADER

ROWS = b"INSERT INTO `t` VALUES\n(1);\n"


def test_a_later_chunk_without_a_header_gets_one(tmp_path: pathlib.Path) -> None:
    contents = {"d.t.00001.sql": ROWS, "d.t.00002.sql": DATA_HEADER + ROWS, "d.t.00003.sql": ROWS}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    repair_files(str(tmp_path), list(contents))
    assert (tmp_path / "d.t.00001.sql").read_bytes() == ROWS
    assert (tmp_path / "d.t.00002.sql").read_bytes() == DATA_HEADER + ROWS
    assert (tmp_path / "d.t.00003.sql").read_bytes() == DATA_HEADER + ROWS
