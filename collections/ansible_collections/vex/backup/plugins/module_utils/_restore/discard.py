# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removal of an unpacked backup after its restore."""

from __future__ import annotations

import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import time_of
from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning, Interrupted


def discard(root: str) -> t.List[str]:
    """Remove a backup; return a warning when it could not be removed, which does not make the restore fail.

    The directory around *root* is removed too if both have the name of the same run: ``backup_download`` creates it for
    this backup alone, and the archive is in it.
    """
    around, name = os.path.split(root)
    folder = around if os.path.basename(around) == name and time_of(name) is not None else root
    try:
        if os.path.islink(folder):
            # rmtree refuses a link too; from Python 3.13 on without a reason in the error.
            raise OSError("it is a symbolic link")
        with directory_lock(root, "another restore loads it"):
            shutil.rmtree(folder)
    except (OSError, AlreadyRunning, Interrupted) as error:
        reason = getattr(error, "strerror", None) or error
        return [f"the restored backup could not be removed: {reason}; remove {folder}"]
    return []
