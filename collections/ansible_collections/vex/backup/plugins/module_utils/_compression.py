# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compress the files of a dump in place, on all cores, and test what came out.

``xargs`` spreads the files over processes: it takes names from standard input, however many and however odd.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._command import Completed, find_program, run
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, NotEnoughSpace

# zstd spreads one file over the cores by itself, so a single big table is compressed at full speed too; gzip cannot.
# Level 3 was measured the best of size and time on rows of digits and on rows of text.
_ARGUMENTS = {"zstd": ["-q", "-3", "--rm"], "gzip": ["-q", "-6"]}
SUFFIXES = {"zstd": ".zst", "gzip": ".gz", "none": ""}
DECOMPRESS = {"zstd": "zstd -q -d --rm", "gzip": "gzip -d"}


class Compressor:
    """One of ``zstd`` and ``gzip``, found on this host.

    :raises ProgramMissing: when the host has no such program
    """

    def __init__(self, name: str) -> None:
        self.suffix = SUFFIXES[name]
        self._name = name
        self._program = find_program([name], f"install {name}, or choose another compression")
        self._cores = os.cpu_count() or 1

    def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
        """Replace each of *names* (relative to *folder*) by its compressed form.

        :raises DumpFailed, NotEnoughSpace: when one could not be compressed; it is still there then
        """
        options = [*_ARGUMENTS[self._name]]
        if self._name == "zstd":
            options.append(f"-T{self._cores}")
        done = self._spread(folder, names, options, 1 if self._name == "zstd" else self._cores, timeout)
        if "No space left on device" in done.stderr:
            raise NotEnoughSpace(
                f"{self._name} could not compress the dump, the disk of {folder} is full: make room, or choose another "
                "work directory"
            )
        if done.returncode != 0:
            raise DumpFailed(f"{self._name} failed: {done.stderr.strip()[-1000:] or done.returncode}")

    def broken(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> t.List[str]:
        """Those compressed files that do not pass their own test."""
        if self._spread(folder, names, ["-q", "-t"], self._cores, timeout).returncode == 0:
            return []
        return [name for name in names if self._spread(folder, [name], ["-q", "-t"], 1, timeout).returncode != 0]

    def _spread(
        self, folder: str, names: t.Sequence[str], options: t.Sequence[str], processes: int, timeout: t.Optional[float]
    ) -> Completed:
        # Few names a process, so that all processes stay busy to the end.
        share = max(1, min(64, len(names) // (processes * 4)))
        return run(
            ["xargs", "-0", "-r", "-P", str(processes), "-n", str(share), self._program, *options, "--"],
            cwd=folder,
            stdin=b"\0".join(os.fsencode(name) for name in names),
            timeout=timeout,
        )
