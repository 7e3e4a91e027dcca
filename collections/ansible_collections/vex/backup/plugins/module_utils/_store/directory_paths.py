# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of a directory that is a store: their keys, their unfinished names, and the errors of the system."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import fsync_directory
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused

# The name of a file that is being written, beside the one that it becomes.
UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<id>[0-9a-f]{16})\.partial", re.DOTALL)
# Errors of a file server that is away, or of a disk that comes back.
AWAY = frozenset(
    (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.EAGAIN)
)
FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
DENIED = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


class Found(t.NamedTuple):
    """A file: the key that it has or will have, its name and the system's description of it."""

    key: str
    name: str
    stat: os.stat_result


class Tree:
    """The files below a directory. No key leads out of it, and no symbolic link is followed below it.

    :param root: an absolute path, which somebody else made: a missing one may be a disk that is not mounted
    :raises OptionError: for another path
    """

    def __init__(self, root: str) -> None:
        if not os.path.isabs(root):
            raise OptionError(f"path must be absolute, and is {root}")
        self.root = os.path.normpath(root)

    def url(self, key: str) -> str:
        """Return ``file://path/key``."""
        return f"file://{self.root}/{key}"

    def require(self) -> None:
        """Check that the directory is there.

        :raises Refused: with the reason ``PLACE`` when it is not
        """
        if not os.path.isdir(self.root):
            raise Refused(
                f"{self.root} is not a directory: mount it, make it or correct path; it is never made by itself, "
                "because the disk may only be away",
                Reason.PLACE,
            )

    def path(self, key: str) -> str:
        """Return the path of a key's file.

        :raises Refused: when the key would lead out of the directory, or there is a symbolic link on its way
        """
        self.require()
        names = key.split("/")
        if any(name in ("", ".", "..") or "\0" in name or UNFINISHED.fullmatch(name) for name in names):
            raise Refused(f"{self.url(key)}: {key!r} is no key for a directory: correct key", Reason.OTHER)
        path = self.root
        for name in names:
            path = os.path.join(path, name)
            if os.path.islink(path):
                raise Refused(f"{path} is a symbolic link, which is not followed: remove it", Reason.OTHER)
        return path

    def found(self, prefix: str, *, unfinished: bool = False) -> t.Iterator[Found]:
        """Yield the files whose keys start with *prefix*, in no order.

        :param unfinished: those that are being written instead; the key is the one that they become
        """
        self.require()
        above = prefix.rpartition("/")[0]
        start = self.path(above) if above else self.root
        for folder, entry in _files(start):
            found = UNFINISHED.fullmatch(entry.name)
            name = entry.name if found is None else found["name"]
            key = os.path.relpath(os.path.join(folder, name), self.root)
            if (found is not None) == unfinished and key.startswith(prefix):
                # Another host may remove or name it at this moment.
                with contextlib.suppress(FileNotFoundError):
                    yield Found(key, entry.name, entry.stat(follow_symlinks=False))

    @contextlib.contextmanager
    def errors(self, key: str, doing: str) -> t.Iterator[None]:
        """Raise the errors of the system in words.

        :param doing: what the block does, such as ``reading``
        """
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                # The directory itself explains it better.
                self.require()
            raise explain(error, f"{doing} {self.url(key)}") from error


def _files(folder: str) -> t.Iterator[t.Tuple[str, os.DirEntry[str]]]:
    """Yield the regular files below a folder; none when it does not exist, as a bucket has none with such a prefix."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        elif entry.is_file(follow_symlinks=False):
            yield folder, entry


def unfinished_path(path: str, upload_id: str) -> str:
    """Return the path of the file that becomes *path*, while it is being written."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.{upload_id}.partial")


def new_id() -> str:
    """Return an id that no other file that is being written has."""
    return secrets.token_hex(8)


def explain(error: OSError, doing: str) -> StoreFailed:
    """Return the error for a refusal of the system.

    :param doing: such as ``reading file:///backups/a``
    """
    said = f"{doing}: {error.strerror or error}"
    if error.errno in AWAY:
        failed = StoreFailed(f"{said}: check the disk, or the server that the directory is mounted from")
        failed.may_pass = True
        return failed
    if error.errno in FULL:
        return Refused(f"{said}: make room there, or keep fewer backups", Reason.OTHER)
    if error.errno in DENIED:
        return Refused(f"{said}: let this user do that there, by the owner and mode of the directories", Reason.DENIED)
    if isinstance(error, FileNotFoundError):
        return Refused(f"{said}: the object is not there", Reason.MISSING)
    return Refused(f"{said}: check path and key", Reason.OTHER)


def make_folders(folder: str, root: str) -> None:
    """Make a folder below *root* and what leads to it, readable for their owner alone, so that they survive."""
    if folder == root or os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    make_folders(above, root)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    fsync_directory(above)
