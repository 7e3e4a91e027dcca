# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directories ``{path}.partial``: of a dump in progress, and of failed dumps, which are removed."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.lock import try_lock
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

_NAMES = "backup_????????_??????.partial"


@contextlib.contextmanager
def partial_directory(path: str) -> t.Iterator[None]:
    """Create *path* and lock it during the block, so that :func:`remove_failed_dumps` keeps it.

    The directory stays after the block.

    :raises OptionError: when it exists
    """
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        raise OptionError(
            f"{path} exists: another run of the same second writes to it or left it; start the backup again"
        ) from None
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try_lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def remove_failed_dumps(folder: str, keep: int) -> None:
    """Remove the partial directories of failed dumps in *folder*, except the newest *keep*."""
    with os.scandir(folder) as entries:
        directories = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    failed = sorted(path for path in directories if fnmatch.fnmatchcase(os.path.basename(path), _NAMES))
    for path in failed[: max(0, len(failed) - keep)]:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if try_lock(descriptor):
                shutil.rmtree(path)
        finally:
            os.close(descriptor)
