# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of one run of the dump's tools: its inputs, and its results."""

from __future__ import annotations

import dataclasses
import errno
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.data_files import DataFiles
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, Plan
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, DumpFailed, NotEnoughSpace
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition

if t.TYPE_CHECKING:
    from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest

# Fingerprints by table.
Fingerprints = t.Dict[str, t.Dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class ToolRun:
    """One run of the tools.

    ``folder`` is the ``dump/`` directory, ``option_file`` the path of the file with the login and the settings of every
    session. ``lock`` is the descriptor of the instance's lock, which the tools inherit. ``files`` takes over each file
    with rows that is complete, by its path relative to ``folder``.
    """

    request: DumpRequest
    plan: Plan
    folder: str
    option_file: str
    deadline: Deadline
    lock: int
    log: RunLog
    files: DataFiles

    def append_dump_log(self, heading: str, text: str) -> None:
        """Append a tool's output to the dump log, which only its owner can read."""
        descriptor = os.open(self.request.dump_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "a", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(f"# {heading}\n{text.rstrip()}\n" if text.strip() else f"# {heading}\n")


def full_disk(folder: str) -> str:
    """Return the message for a full disk."""
    return f"the disk of {folder} is full: make room, or choose another work directory"


def explain_refusal(error: OSError, folder: str) -> BackupError:
    """Return the operating system's refusal as an error with a remedy.

    :param folder: the directory that the work writes to
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotEnoughSpace(full_disk(folder))
    return DumpFailed(
        f"the operating system refused: {error}; let the account that runs the backup write to {folder}, "
        "or choose another work directory"
    )


class LostObject(t.NamedTuple):
    """A view or stored program that the server cannot show; ``kind`` is its name in ``SHOW CREATE``."""

    kind: str
    name: str
    reason: str


@dataclasses.dataclass(frozen=True)
class DatabaseDump:
    """One database in the dump.

    ``plan`` is for its objects at the time of the snapshot. ``files`` are its files with rows by table, relative to
    its directory. ``definitions`` are in the order in which they can be created. ``broken`` are the definitions of
    tables that are not in the dump, because they cannot be read, ``lost`` are views and programs without a definition.
    """

    plan: DatabasePlan
    files: t.Mapping[str, t.Sequence[str]]
    collation: str
    definitions: t.Sequence[Definition]
    fingerprints: Fingerprints
    position: t.Optional[BinlogPosition]
    broken: t.Sequence[Definition] = ()
    lost: t.Sequence[LostObject] = ()
