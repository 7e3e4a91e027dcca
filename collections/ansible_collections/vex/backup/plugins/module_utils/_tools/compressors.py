# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""zstd and gzip: their arguments and file suffixes. Pure functions."""

from __future__ import annotations

import typing as t

# File suffixes by the values of the option `compression`.
SUFFIXES = {"zstd": ".zst", "gzip": ".gz", "none": ""}


class CompressorTool(t.NamedTuple):
    """One of the two programs.

    ``compress`` are arguments that replace each file by its compressed form; ``shell_decompress`` is a command of a
    person that undoes that.
    """

    compress: t.Sequence[str]
    shell_decompress: str


# Write the content of the files to standard output, one after the other.
DECOMPRESS_TO_OUTPUT = ("-q", "-d", "-c")
TEST = ("-q", "-t")


def compressor_tool(name: str) -> CompressorTool:
    """Return the arguments of *name*, ``zstd`` or ``gzip``.

    zstd's level is 2. Measured with 964 MB of business rows: level 1 makes them a tenth larger in three quarters of
    the time, level 3 makes them a twentieth smaller in one and a half times the time. Rows of random digits are equally
    large at levels 1 and 2 within 2 %, and level 3 makes them larger.
    """
    if name == "gzip":
        return CompressorTool(("-q", "-6"), "gzip -d")
    return CompressorTool(("-q", "-2", "--rm"), "zstd -q -d --rm")
