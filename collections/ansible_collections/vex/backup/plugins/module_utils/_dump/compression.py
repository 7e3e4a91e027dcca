# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compression of a dump's files in place, and the test of the compressed files."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import (
    Completed,
    Running,
    find_program,
    run,
    running,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    DumpFailed,
    NotEnoughSpace,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import (
    DECOMPRESS_TO_OUTPUT,
    SUFFIXES,
    TEST,
    compressor_tool,
)

# The system limits the length of a command: a name has at most 255 bytes, and all of them together 2 MiB.
_MOST_NAMES = 1000


class Compressor:
    """The program ``zstd`` or ``gzip`` of this host.

    In all methods, ``folder`` is a directory, ``names`` are files relative to it, and ``timeout`` is in seconds,
    ``None`` for no limit.

    :raises ProgramMissing: when the host has no such program
    """

    def __init__(self, name: str) -> None:
        self.suffix = SUFFIXES[name]
        self._name = name
        self._program = find_program([name], f"install {name}, or choose another compression")
        self._tool = compressor_tool(name)

    def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
        """Replace each file by its compressed form.

        :raises DumpFailed, NotEnoughSpace: when a file could not be compressed; that file is still there
        """
        if not names:
            return
        done = self._run(folder, names, self._tool.compress, timeout)
        if "No space left on device" in done.stderr:
            raise NotEnoughSpace(
                f"{self._name} could not compress the dump because the disk of {folder} is full: make room there, or "
                "choose another work directory"
            )
        if done.returncode != 0:
            reason = done.stderr.strip()[-1000:] or f"it exited with {done.returncode}"
            raise DumpFailed(f"{self._name} could not compress the dump in {folder}: {reason}")

    def start_decompression(self, folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        """Start the program that writes the files' content to its output, one after the other."""
        return running([self._program, *DECOMPRESS_TO_OUTPUT, "--", *names], cwd=folder, piped=True)

    def find_damaged(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> t.List[str]:
        """Return the compressed files that do not pass their own test."""
        if not names or self._run(folder, names, TEST, timeout).returncode == 0:
            return []
        return [name for name in names if self._run(folder, [name], TEST, timeout).returncode != 0] or list(names)

    def _run(
        self, folder: str, names: t.Sequence[str], options: t.Sequence[str], timeout: t.Optional[float]
    ) -> Completed:
        for start in range(0, len(names), _MOST_NAMES):
            some = names[start : start + _MOST_NAMES]
            done = run([self._program, *options, "--", *some], cwd=folder, timeout=timeout)
            if done.returncode != 0:
                break
        return done
