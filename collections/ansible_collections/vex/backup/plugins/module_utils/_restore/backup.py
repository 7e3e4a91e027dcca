# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of an unpacked backup: read as they are, decompressed by their program on the way."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import read_blocks
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._tools.compressors import SUFFIXES


class Backup:
    """An unpacked backup, which is only read.

    :param root: its directory
    :param compression: of its files; a file may be there without it
    :raises ProgramMissing: when the host lacks the program that decompresses
    """

    def __init__(self, root: str, compression: str, deadline: Deadline) -> None:
        self._root = root
        self._suffix = SUFFIXES[compression]
        self._compressor = Compressor(compression) if self._suffix else None
        self._deadline = deadline

    def find(self, name: str) -> t.Optional[str]:
        """Return the path of a file below the root, ``None`` when the backup does not have it.

        :param name: the same path without the suffix of a compressor
        """
        for path in (name + self._suffix, name):
            if os.path.isfile(os.path.join(self._root, path)):
                return path
        return None

    def require(self, name: str) -> str:
        """Return the path of a file below the root, as :meth:`find` does.

        :raises RestoreFailed: when the backup does not have it
        """
        path = self.find(name)
        if path is None:
            raise RestoreFailed(f"{os.path.join(self._root, name)} is missing from the backup: unpack it again")
        return path

    def size(self, path: str) -> int:
        """Return the size of a file on the disk, in bytes."""
        return os.path.getsize(os.path.join(self._root, path))

    @contextlib.contextmanager
    def opened(self, path: str) -> t.Iterator[t.Iterator[bytes]]:
        """Provide the content of a file, in blocks, while the ``with`` block runs.

        :param path: as :meth:`find` returns it
        :raises RestoreFailed: at the end of the block, when the file is damaged
        """
        if self._compressor is None or not path.endswith(self._suffix):
            with open(os.path.join(self._root, path), "rb") as stream:
                yield read_blocks(stream)
            return
        with self._compressor.start_decompression(self._root, [path]) as program:
            yield program.output(self._deadline.remaining())
            done = program.wait(self._deadline.remaining())
        if done.returncode != 0:
            reason = done.stderr.strip()[-1000:] or f"it exited with {done.returncode}"
            raise RestoreFailed(f"{self._suffix[1:]} could not be decompressed: {reason}")

    def content(self, path: str) -> bytes:
        """Return the content of a file."""
        with self.opened(path) as blocks:
            return b"".join(blocks)


@contextlib.contextmanager
def locked(root: str, plan: RestorePlan, deadline: Deadline) -> t.Iterator[Backup]:
    """Provide an unpacked backup, which no other restore loads meanwhile.

    :raises AlreadyRunning: when another restore loads this backup
    :raises RestoreFailed: when a file of the backup is missing
    """
    refusal = f"another restore loads {root}: wait until it ends, or unpack the backup into another directory"
    with directory_lock(root, refusal):
        backup = Backup(root, plan.compression, deadline)
        for one in plan.databases:
            for table in one.tables.values():
                for name in table.files:
                    backup.require(os.path.join(one.directory, name))
        yield backup
