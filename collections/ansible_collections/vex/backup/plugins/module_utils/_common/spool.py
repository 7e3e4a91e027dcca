# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records, mails and messages that could not be delivered, in files until they can be."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    PARTIAL,
    fsync_directory,
    rename,
    write_json_durably,
)

SUFFIX = ".json"
CORRUPT = ".corrupt"
# A directory that cannot be entered has no readable files either; lock() has warned of it.
NOTHING_THERE = (FileNotFoundError, NotADirectoryError, PermissionError)

Content = t.TypeVar("Content")


class Spool:
    """Files of one kind in a directory that only its owner can enter; each holds one JSON object.

    :param folder: created with mode 0700 when absent
    :param kind: ``records``, ``mails`` or ``messages``, the name of the subfolder
    """

    def __init__(self, folder: str, kind: str) -> None:
        self._parent = folder
        self._folder = os.path.join(folder, kind)
        #: Warnings for the module's result.
        self.warnings: t.List[str] = []

    def __str__(self) -> str:
        return self._folder

    @contextlib.contextmanager
    def lock(self) -> t.Iterator[None]:
        """Lock the spool against other processes of this host during the block.

        If the directory cannot be created or opened, the block still runs, with a warning: most records and mails are
        delivered at once and need no spool.
        """
        with contextlib.ExitStack() as held:
            try:
                self._make_folder()
                # The directory itself is the lock: a lock file could not be created on a full disk.
                descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            except OSError as error:
                self.warnings.append(f"the spool {self._folder} cannot be used: {error.strerror}")
            else:
                held.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._remove_partial()
            yield

    def names(self) -> t.List[str]:
        """Return the names of the entries, sorted."""
        with contextlib.suppress(*NOTHING_THERE):
            return sorted(name[: -len(SUFFIX)] for name in os.listdir(self._folder) if name.endswith(SUFFIX))
        return []

    def unreadable(self) -> t.List[str]:
        """Return a warning about the files that :meth:`read` renamed; an empty list if there are none."""
        with contextlib.suppress(*NOTHING_THERE):
            names = sorted(name for name in os.listdir(self._folder) if name.endswith(CORRUPT))
            if names:
                files = ", ".join(names)
                return [f"entries of the spool {self._folder} cannot be read: inspect {files}, then remove them"]
        return []

    def write(self, name: str, content: t.Mapping[str, t.Any]) -> None:
        """Write the entry *name*, durably; replace an earlier one."""
        self._make_folder()
        write_json_durably(self._path(name), content)

    def read(self, name: str, parse: t.Callable[[t.Any], Content]) -> t.Optional[Content]:
        """Return the entry *name*; ``None`` if it does not exist or cannot be read.

        A file that cannot be read is renamed to ``.corrupt``: see :meth:`unreadable`.

        :param parse: converts the file's JSON; raises KeyError, TypeError or ValueError if that has another form
        """
        path = self._path(name)
        try:
            with open(path, encoding="utf-8") as stream:
                return parse(json.load(stream))
        except NOTHING_THERE:
            return None
        except (KeyError, TypeError, ValueError):
            rename(path, path + CORRUPT)
            return None

    def remove(self, name: str) -> None:
        """Remove the entry *name*, durably, so that it is not delivered again after a power cut."""
        path = self._path(name)
        # A disk that is read-only refuses to remove even what does not exist.
        if os.path.lexists(path):
            with contextlib.suppress(*NOTHING_THERE):
                os.unlink(path)
                fsync_directory(self._folder)

    def _remove_partial(self) -> None:
        """Remove what killed processes were writing: nobody else writes while this process has the lock."""
        # A directory that is only readable still has entries to deliver.
        with contextlib.suppress(OSError):
            for name in os.listdir(self._folder):
                if name.endswith(SUFFIX + PARTIAL):
                    os.unlink(os.path.join(self._folder, name))

    def _make_folder(self) -> None:
        # Two calls: makedirs gives its mode to the last directory only.
        os.makedirs(self._parent, mode=0o700, exist_ok=True)
        os.makedirs(self._folder, mode=0o700, exist_ok=True)

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name + SUFFIX)
