# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What could not be delivered (records, mails), kept in files until it can be."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import fsync_directory, write_json_durably

SUFFIX = ".json"
CORRUPT = ".corrupt"
# A folder that cannot be entered holds nothing of ours either: lock() has warned of it.
NOTHING_THERE = (FileNotFoundError, NotADirectoryError, PermissionError)

Content = t.TypeVar("Content")


class Spool:
    """Files of one kind in a folder that only its owner enters; each holds one JSON object.

    :param folder: made with mode 0700 when absent
    :param kind: ``records`` or ``mails``: the folder within
    """

    def __init__(self, folder: str, kind: str) -> None:
        self._parent = folder
        self._folder = os.path.join(folder, kind)
        #: Sentences for the module's result.
        self.warnings: t.List[str] = []

    def __str__(self) -> str:
        return self._folder

    @contextlib.contextmanager
    def lock(self) -> t.Iterator[None]:
        """Keep other processes of this host out of the spool for the length of the block.

        Where the folder cannot be made or opened, the block runs all the same, with a warning: nothing can be kept
        there, but most of what comes need not be kept.
        """
        with contextlib.ExitStack() as held:
            try:
                self._make_folder()
                # The folder itself is locked, so that a full disk cannot keep a lock file from being made.
                descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            except OSError as error:
                self.warnings.append(f"the spool {self._folder} cannot be used: {error.strerror}")
            else:
                held.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def names(self) -> t.List[str]:
        """What is kept, in the order of the names."""
        with contextlib.suppress(*NOTHING_THERE):
            return sorted(name[: -len(SUFFIX)] for name in os.listdir(self._folder) if name.endswith(SUFFIX))
        return []

    def unreadable(self) -> t.List[str]:
        """A sentence on the files that :meth:`read` set aside; none once someone has removed them."""
        with contextlib.suppress(*NOTHING_THERE):
            names = sorted(name for name in os.listdir(self._folder) if name.endswith(CORRUPT))
            if names:
                files = ", ".join(names)
                return [f"what was kept in {self._folder} could not be read: look at {files} by hand, then remove it"]
        return []

    def write(self, name: str, content: t.Mapping[str, t.Any]) -> None:
        """Keep *content* under *name*, durably, in place of what had that name."""
        self._make_folder()
        write_json_durably(self._path(name), content)

    def read(self, name: str, parse: t.Callable[[t.Any], Content]) -> t.Optional[Content]:
        """What is kept under *name*; ``None`` when there is nothing, or nothing that can be read.

        A file that cannot be read is set aside as ``.corrupt``: see :meth:`unreadable`.

        :param parse: makes sense of the file's JSON; raises KeyError, TypeError or ValueError where there is none
        """
        path = self._path(name)
        try:
            with open(path, encoding="utf-8") as stream:
                return parse(json.load(stream))
        except NOTHING_THERE:
            return None
        except (KeyError, TypeError, ValueError):
            os.replace(path, path + CORRUPT)
            return None

    def remove(self, name: str) -> None:
        """Forget what is kept under *name*, durably, so that it cannot be replayed after a power cut."""
        with contextlib.suppress(*NOTHING_THERE):
            os.unlink(self._path(name))
            fsync_directory(self._folder)

    def _make_folder(self) -> None:
        # Each by itself: makedirs gives its mode to the last folder only.
        os.makedirs(self._parent, mode=0o700, exist_ok=True)
        os.makedirs(self._folder, mode=0o700, exist_ok=True)

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name + SUFFIX)
