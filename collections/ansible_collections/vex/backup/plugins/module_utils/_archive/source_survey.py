# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory to pack: its contents, and the compression level for it."""

from __future__ import annotations

import os
import stat
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import ArchiveFailed

STORE = 0
DEFAULT_LEVEL = 5
COMPRESSED_SUFFIXES = (".zst", ".gz", ".xz", ".bz2", ".lz4", ".zip", ".7z")


class Tree(t.NamedTuple):
    """The contents of a directory, itself included: ``size`` and ``compressed`` (in compressed files) are bytes."""

    folders: int
    files: int
    size: int
    compressed: int


def survey(source: str) -> Tree:
    """Count the contents of the directory *source*.

    :raises ArchiveFailed: for anything but directories and regular files: the target of a link depends on the host
        that unpacks it, and a pipe would be read forever
    """
    folders = files = size = compressed = 0
    pending = [source]
    while pending:
        folders += 1
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    pending.append(entry.path)
                    continue
                _refuse_irregular(entry.path, status.st_mode)
                files += 1
                size += status.st_size
                compressed += status.st_size if entry.name.endswith(COMPRESSED_SUFFIXES) else 0
    return Tree(folders, files, size, compressed)


def resolve_level(level: str, tree: Tree) -> int:
    """Return the level, 0 to 9, that ``auto`` means for *tree*: compressed files are stored."""
    if level != "auto":
        return int(level)
    return STORE if 2 * tree.compressed > tree.size else DEFAULT_LEVEL


def _refuse_irregular(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
        raise ArchiveFailed(f"{path} is {kind}: only files and directories are packed; remove it")
