# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directories ``{path}.partial``: of a dump in progress, and of failed dumps, which are removed."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import rename
from ansible_collections.vex.backup.plugins.module_utils._common.lock import removing, try_lock
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

_NAMES = "backup_????????_??????.partial*"


@contextlib.contextmanager
def partial_directory(path: str) -> t.Iterator[None]:
    """Create *path* and lock it during the block, so that :func:`remove_failed_dumps` keeps it.

    The directory stays after the block.

    :raises OptionError: when it exists
    """
    exists = f"{path} exists: another run of the same second writes to it or left it; start the backup again"
    if os.path.lexists(path):
        raise OptionError(exists)
    # It gets its name only when it is locked: others remove what looks like a failed dump and is not locked.
    unnamed = f"{path}.new"
    os.makedirs(unnamed, mode=0o700, exist_ok=True)
    descriptor = os.open(unnamed, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Who held the lock before may have renamed what it made.
        if not try_lock(descriptor) or os.path.lexists(path):
            raise OptionError(exists)
        rename(unnamed, path)
        yield
    finally:
        os.close(descriptor)


def remove_failed_dumps(folder: str, keep: int) -> None:
    """Remove the partial directories of failed dumps in *folder*, except the newest *keep*.

    Directories that another process or account uses stay, and take no place of a failed dump.
    """
    with os.scandir(folder) as entries:
        directories = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    failed = [path for path in directories if fnmatch.fnmatchcase(os.path.basename(path), _NAMES)]
    for path in sorted(failed, reverse=True):
        with removing([path]) as used:
            if used is not None:
                continue
            if keep > 0:
                keep -= 1
            else:
                shutil.rmtree(path)
