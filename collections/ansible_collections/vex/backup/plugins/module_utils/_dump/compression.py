# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compression of a dump's files in place, on all processors, and the test of the compressed files.

``xargs`` divides the files among processes: it reads the names from standard input, so their number and their
characters are not limited.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import (
    Completed,
    Running,
    find_program,
    run,
    running,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DumpFailed,
    NotEnoughSpace,
    RestoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import (
    DECOMPRESS_TO_OUTPUT,
    SUFFIXES,
    TEST,
    compressor_tool,
)

_MOST_NAMES_PER_PROCESS = 64


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
        self._cores = os.cpu_count() or 1
        self._tool = compressor_tool(name, self._cores)

    def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
        """Replace each file by its compressed form.

        :raises DumpFailed, NotEnoughSpace: when a file could not be compressed; that file is still there
        """
        done = self._run(folder, names, self._tool.compress, self._tool.processes or self._cores, timeout)
        self._require_success(done, folder, "compress the dump", DumpFailed)

    def decompress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
        """Replace each file by its decompressed form; a second name of the compressed file stays.

        :raises RestoreFailed, NotEnoughSpace: when a file could not be decompressed
        """
        done = self._run(folder, names, self._tool.decompress, self._cores, timeout)
        self._require_success(done, folder, "decompress the backup", RestoreFailed)

    def start_decompression(self, folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        """Start the program that writes the files' content to its output, one after the other."""
        return running([self._program, *DECOMPRESS_TO_OUTPUT, "--", *names], cwd=folder, piped=True)

    def start_test(self, folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        """Start the program that tests the files, and exits with 0 if all pass."""
        return running([self._program, *TEST, "--", *names], cwd=folder)

    def find_damaged(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> t.List[str]:
        """Return the compressed files that do not pass their own test."""
        if self._run(folder, names, TEST, self._cores, timeout).returncode == 0:
            return []
        return [name for name in names if self._run(folder, [name], TEST, 1, timeout).returncode != 0]

    def _require_success(self, done: Completed, folder: str, action: str, failure: t.Type[BackupError]) -> None:
        if "No space left on device" in done.stderr:
            raise NotEnoughSpace(
                f"{self._name} could not {action} because the disk of {folder} is full: make room there, or choose "
                "another work directory"
            )
        if done.returncode != 0:
            reason = done.stderr.strip()[-1000:] or f"it exited with {done.returncode}"
            raise failure(f"{self._name} could not {action} in {folder}: {reason}")

    def _run(
        self, folder: str, names: t.Sequence[str], options: t.Sequence[str], processes: int, timeout: t.Optional[float]
    ) -> Completed:
        # Few names for each process, so that all processes are busy until the end.
        share = max(1, min(_MOST_NAMES_PER_PROCESS, len(names) // (processes * 4)))
        return run(
            ["xargs", "-0", "-r", "-P", str(processes), "-n", str(share), self._program, *options, "--"],
            cwd=folder,
            stdin=b"\0".join(os.fsencode(name) for name in names),
            timeout=timeout,
        )
