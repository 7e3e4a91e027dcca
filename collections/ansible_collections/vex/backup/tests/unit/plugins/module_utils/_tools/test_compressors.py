# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The arguments of zstd and gzip."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import compressor_tool


@pytest.mark.parametrize(("cores", "processes"), [(1, 1), (2, 2), (16, 2)])
def test_zstd_divides_a_file_among_the_processors(cores: int, processes: int) -> None:
    tool = compressor_tool("zstd", cores)
    assert tool.compress == ("-q", "-2", "--rm", f"-T{cores}")
    assert tool.processes == processes


def test_gzip_uses_one_process_per_processor() -> None:
    tool = compressor_tool("gzip", 4)
    assert (tool.compress, tool.processes) == (("-q", "-6"), None)


@pytest.mark.parametrize(("name", "command"), [("zstd", "zstd -q -d --rm"), ("gzip", "gzip -d")])
def test_commands_for_people(name: str, command: t.Optional[str]) -> None:
    assert compressor_tool(name, 2).shell_decompress == command
