# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directory of a scratch server: its owner, its content and its removal.

``owner.json`` names the logs of the run that uses the directory and the process of its server, so that the next run
removes what a killed run left.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import write_json_durably
from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning, ScratchFailed
from ansible_collections.vex.backup.plugins.module_utils._log_db.abandoned_runs import is_alive
from ansible_collections.vex.backup.plugins.module_utils._verify.server_process import (
    ServerProcess,
    end_server,
    servers_of,
)


class Owner(t.NamedTuple):
    """The content of ``owner.json``: the directory of the run's logs, and the process of its server."""

    logs: t.Optional[str] = None
    server: t.Optional[ServerProcess] = None


class ScratchFolder(t.NamedTuple):
    """The paths in the directory of a scratch server.

    ``instance`` belongs to the server's account. ``program`` does not: a link in it is executed before the server
    changes to that account.
    """

    path: str

    @property
    def owner(self) -> str:
        """Return the path of ``owner.json``."""
        return os.path.join(self.path, "owner.json")

    @property
    def instance(self) -> str:
        """Return the directory of the server."""
        return os.path.join(self.path, "instance")

    @property
    def program(self) -> str:
        """Return the directory of what the server's program reads beside itself."""
        return os.path.join(self.path, "program")

    @property
    def work(self) -> str:
        """Return the directory for the files of the run that uses the server."""
        return os.path.join(self.path, "work")

    @property
    def socket(self) -> str:
        """Return the path of the server's socket."""
        return os.path.join(self.instance, "server.sock")

    @property
    def log(self) -> str:
        """Return the path of the server's log."""
        return os.path.join(self.path, "server.log")

    @property
    def parts(self) -> t.Sequence[str]:
        """Return all paths that can be in the directory."""
        return (self.owner, f"{self.owner}.partial", self.instance, self.program, self.work, self.log)


def claim_folder(folder: ScratchFolder, logs: t.Optional[str], abandoned_after: int) -> bool:
    """Create the directory for a run; return whether a killed run's directory was removed first.

    :param logs: directory of the run's logs: the directory is in use as long as somebody writes there
    :param abandoned_after: seconds without a write after which the other run is abandoned
    :raises AlreadyRunning: when another run uses the directory
    :raises ScratchFailed: when the directory belongs to somebody else, or *logs* does not exist
    """
    exists = _check_own(folder)
    owner = _read_owner(folder)
    if exists and logs and owner.logs == logs:
        return False
    if owner.logs and is_alive(owner.logs, abandoned_after):
        raise AlreadyRunning(
            f"another verification uses {folder.path}: wait until it ends, or set another directory for one of them"
        )
    if logs and not os.path.isdir(logs):
        raise ScratchFailed(
            f"{logs} does not exist and could not be created, so other runs could not see that {folder.path} is in "
            "use: create it, writable for this account, or choose another directory for the logs"
        )
    replaced = remove_folder(folder)
    os.makedirs(folder.path)
    os.chmod(folder.path, 0o711)  # noqa: S103 - the server's account passes through it, and nobody else writes there
    os.mkdir(folder.work, 0o700)
    write_owner(folder, Owner(logs))
    return replaced


def remove_folder(folder: ScratchFolder) -> bool:
    """End the server and remove the directory; return whether it existed.

    :raises ScratchFailed: when the directory belongs to somebody else
    """
    if not _check_own(folder):
        return False
    remove_instance(folder)
    shutil.rmtree(folder.path)
    return True


def remove_instance(folder: ScratchFolder) -> None:
    """End the server, if one runs, and remove its data and its keys."""
    server = _read_owner(folder).server
    # A run that was killed while it started its server has not named it.
    for one in [*([server] if server else []), *servers_of(os.path.join(folder.instance, "data"))]:
        end_server(one)
    for directory in (folder.instance, folder.program):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(directory)


def write_owner(folder: ScratchFolder, owner: Owner) -> None:
    """Write ``owner.json``."""
    process = owner.server._asdict() if owner.server else {}
    write_json_durably(folder.owner, {"logs": owner.logs, **process})


def _read_owner(folder: ScratchFolder) -> Owner:
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError), open(folder.owner, encoding="utf-8") as stream:
        content = dict(json.load(stream))
        pid = content.get("pid")
        return Owner(content.get("logs"), ServerProcess(int(pid), content.get("started")) if pid else None)
    return Owner()


def _check_own(folder: ScratchFolder) -> bool:
    """Return whether the directory exists.

    :raises ScratchFailed: when it is not the directory of a scratch server of this account
    """
    if not os.path.lexists(folder.path):
        return False
    found = os.lstat(folder.path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ScratchFailed(
            f"{folder.path} is not a directory that only this account writes to: choose another path, or remove it"
        )
    others = set(os.listdir(folder.path)) - {os.path.basename(part) for part in folder.parts}
    if others:
        raise ScratchFailed(
            f"{folder.path} holds {min(others)!r}, which does not belong to a scratch server: choose an empty directory"
        )
    return True
