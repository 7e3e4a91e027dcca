# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The last stage of a dump's files: the definitions are written, and all files are listed and on the disk."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    fsync_directory,
    fsync_file,
    list_files,
    sha256_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.definition_files import (
    BROKEN,
    write_definitions,
    write_script,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition

_DIGEST_THREADS = 4


class File(t.TypedDict):
    """A file as the manifest lists it: ``path`` from the dump's root, ``size`` in bytes, ``sha256`` in hexadecimal."""

    path: str
    size: int
    sha256: str


def finish_files(
    root: str,
    databases: t.Sequence[DatabaseDump],
    of_server: t.Mapping[str, t.Sequence[Definition]],
    compressor: t.Optional[Compressor],
    deadline: Deadline,
) -> t.List[File]:
    """Write the definitions below ``{root}/dump``, write all files there to the disk, and list them.

    :param of_server: the definitions of the server's own objects, by the name of their script
    :param compressor: ``None`` when the files stay as they are
    :raises CommandTimeout: when the deadline passes
    :raises DumpFailed, NotEnoughSpace: when a file cannot be compressed, or is damaged then
    """
    folder = os.path.join(root, "dump")
    scripts = [script for name, found in of_server.items() for script in write_script(folder, name, found)]
    for one in databases:
        place = os.path.join(folder, one.plan.directory)
        os.makedirs(place, 0o700, exist_ok=True)
        written = [*write_definitions(place, one.definitions), *write_script(place, BROKEN, one.broken)]
        scripts += [os.path.join(one.plan.directory, name) for name in written]
    if compressor:
        compressor.compress(folder, scripts, deadline.remaining())
        damaged = compressor.find_damaged(folder, [name + compressor.suffix for name in scripts], deadline.remaining())
        if damaged:
            raise DumpFailed(f"{damaged[0]} fails its integrity test after compression: check the disk and memory")
    with Threads(max_workers=_DIGEST_THREADS) as pool:
        files = [pending.result() for pending in [pool.submit(_finish, folder, name) for name in list_files(folder)]]
    for directory, _directories, _files in os.walk(folder):
        fsync_directory(directory)
    deadline.remaining()
    return files


def _finish(folder: str, name: str) -> File:
    path = os.path.join(folder, name)
    fsync_file(path)
    return {"path": os.path.join("dump", name), "size": os.path.getsize(path), "sha256": sha256_of(path)}
