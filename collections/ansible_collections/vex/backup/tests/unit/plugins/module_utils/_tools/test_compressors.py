# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The arguments of zstd and gzip."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import compressor_tool


@pytest.mark.parametrize(
    ("name", "compress", "command"),
    [("zstd", ("-q", "-2", "--rm"), "zstd -q -d --rm"), ("gzip", ("-q", "-6"), "gzip -d")],
)
def test_arguments(name: str, compress: object, command: str) -> None:
    tool = compressor_tool(name)
    assert (tool.compress, tool.shell_decompress) == (compress, command)
