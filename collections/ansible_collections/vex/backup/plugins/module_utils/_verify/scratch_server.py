# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A private server to try a restore on: empty, on a socket in a folder of its own, thrown away afterwards.

What runs there is known by its process id and start time, so that the next one removes what a killed one left.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import stat
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import write_json_durably
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run, start_server
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AlreadyRunning,
    NotEnoughSpace,
    OptionError,
    ProgramMissing,
    ScratchFailed,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.abandoned_runs import is_alive
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import describe

START_SECONDS = 120
END_SECONDS = 60
LOG_CHARACTERS = 1500
SOCKET_BYTES = 107

_PROGRAMS = {"mariadb": ("mariadbd", "mysqld"), "mysql": ("mysqld",)}
# Nothing here is worth a write to the disk before its time: after a crash it is thrown away.
_OPTIONS = (
    "--skip-networking",
    "--skip-log-bin",
    "--event-scheduler=OFF",
    "--max-allowed-packet=1G",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=256M",
)
_OWN_OPTIONS = {
    "mariadb": ("--innodb-log-file-size=256M",),
    "mysql": ("--mysqlx=OFF", "--innodb-redo-log-capacity=512M"),
}


class Place(t.NamedTuple):
    """Where things are: ``owner`` is this account's alone, ``instance`` the server's."""

    path: str

    @property
    def owner(self) -> str:
        """What runs here, and for whom."""
        return os.path.join(self.path, "owner.json")

    @property
    def instance(self) -> str:
        """The server's own folder."""
        return os.path.join(self.path, "instance")

    @property
    def work(self) -> str:
        """For the files of whoever uses the server."""
        return os.path.join(self.path, "work")

    @property
    def socket(self) -> str:
        """Where the server listens."""
        return os.path.join(self.instance, "server.sock")

    @property
    def log(self) -> str:
        """What the server says."""
        return os.path.join(self.path, "server.log")

    @property
    def parts(self) -> t.Sequence[str]:
        """All that can be in the folder."""
        return (self.owner, f"{self.owner}.partial", self.instance, self.work, self.log)


def scratch(params: t.Mapping[str, t.Any], log: RunLog) -> t.Dict[str, t.Any]:
    """Claim the folder, start a server there, or throw all of it away.

    :param params: the options of ``mysql_scratch``
    :returns: its result
    :raises AlreadyRunning: when somebody who is alive uses the folder
    :raises ScratchFailed: when the folder is another's, or the server does not start
    :raises NotEnoughSpace, OptionError, ProgramMissing: what stands in the way
    """
    place = Place(os.path.abspath(params["path"]))
    if params["state"] == "absent":
        return {"changed": remove(place)}
    logs = os.path.dirname(params["run_log"]) if params["run_log"] else None
    replaced = claim(place, logs, params["abandoned_after"])
    result = {"changed": True, "replaced": replaced, "work": place.work}
    if params["state"] == "claimed":
        return result
    version = start(place, params, logs)
    log.info(f"scratch: {params['product']} {version} answers on {place.socket}")
    return {**result, "socket": place.socket, "server_version": version}


def claim(place: Place, logs: t.Optional[str], patience: int) -> bool:
    """Make the folder ours, and remove what somebody who was killed left there; whether there was anything.

    :param logs: folder of the logs of whoever uses it: it is in use as long as that one is alive
    :param patience: seconds without a sign of life after which that one is dead
    """
    there = _require_own(place)
    owner = _owner(place)
    if there and logs and owner.get("logs") == logs:
        return False
    if owner.get("logs") and is_alive(owner["logs"], patience):
        raise AlreadyRunning(f"another verification uses {place.path}: wait for its end, or set another folder for one")
    if logs and not os.path.isdir(logs):
        raise ScratchFailed(
            f"{logs} cannot be made, and by it others see that somebody works in {place.path}: make it, writable for "
            "this account, or choose another folder for the logs"
        )
    replaced = remove(place)
    os.makedirs(place.path)
    os.chmod(place.path, 0o711)  # noqa: S103 - the server's account passes through it, and nobody else writes there
    os.mkdir(place.work, 0o700)
    write_json_durably(place.owner, {"logs": logs})
    return replaced


def start(place: Place, params: t.Mapping[str, t.Any], logs: t.Optional[str]) -> str:
    """Start an empty server in the folder, in place of the one before; its version."""
    if len(os.fsencode(place.socket)) > SOCKET_BYTES:
        raise OptionError(f"path {place.path} is too long for a socket in it: the kernel takes {SOCKET_BYTES} bytes")
    program = _find_server(params["product"])
    account = _account(params["user"])
    _end_server(place)
    free = shutil.disk_usage(place.path).free
    if free < params["needed_bytes"]:
        raise NotEnoughSpace(
            f"{place.path} has {free // 10**6} MB free and the restore needs about "
            f"{params['needed_bytes'] // 10**6} MB: make room, or choose another folder for it"
        )
    for folder in (place.instance, os.path.join(place.instance, "tmp")):
        os.mkdir(folder, 0o700)
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
    # What it is must be known to MySQL from the first on.
    argv = [*_argv(place, program, account), f"--lower-case-table-names={params['lower_case_table_names']}"]
    _initialise(place, argv, params["product"], account)
    # One that is not written down would run on without its folder.
    with undisturbed():
        process = start_server([*argv, *_OPTIONS, *_OWN_OPTIONS[params["product"]]], place.log)
        write_json_durably(place.owner, {"logs": logs, "pid": process, "started": _started(process)})
    return _wait(place, process)


def remove(place: Place) -> bool:
    """End the server and remove the folder with all in it; whether there was one."""
    if not _require_own(place):
        return False
    _end_server(place)
    shutil.rmtree(place.path)
    return True


def _require_own(place: Place) -> bool:
    """Whether the folder is there, and then that it is one of ours."""
    if not os.path.lexists(place.path):
        return False
    found = os.lstat(place.path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise ScratchFailed(
            f"{place.path} is not a folder that only this account writes to: choose another, or remove it"
        )
    others = set(os.listdir(place.path)) - {os.path.basename(part) for part in place.parts}
    if others:
        raise ScratchFailed(f"{place.path} holds {min(others)!r}, which is not ours: choose an empty folder")
    return True


def _end_server(place: Place) -> None:
    owner = _owner(place)
    if owner.get("pid"):
        _end(int(owner["pid"]), owner.get("started"))
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(place.instance)


def _find_server(product: str) -> str:
    remedy = f"install {product}'s server on the host that verifies; it need not run"
    for name in _PROGRAMS[product]:
        with contextlib.suppress(ProgramMissing):
            # A mysqld may be MariaDB's.
            found = find_program([name], remedy)
            if ("MariaDB" in run([found, "--no-defaults", "--version"], timeout=60).stdout) == (product == "mariadb"):
                return found
    raise ProgramMissing(f"no server of {product} is on this host to restore into: {remedy}")


def _account(user: t.Optional[str]) -> t.Optional[pwd.struct_passwd]:
    if os.geteuid() != 0:
        return None
    for name in [user] if user else ["mysql", "nobody"]:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise OptionError(f"there is no account {user or 'mysql'!r} on this host to run the server as")


def _argv(place: Place, program: str, account: t.Optional[pwd.struct_passwd]) -> t.List[str]:
    return [
        program,
        "--no-defaults",
        *([f"--user={account.pw_name}"] if account else []),
        f"--datadir={os.path.join(place.instance, 'data')}",
        f"--tmpdir={os.path.join(place.instance, 'tmp')}",
        f"--socket={place.socket}",
        f"--pid-file={os.path.join(place.instance, 'server.pid')}",
    ]


def _initialise(place: Place, server: t.Sequence[str], product: str, account: t.Optional[pwd.struct_passwd]) -> None:
    data = os.path.join(place.instance, "data")
    if product == "mysql":
        argv = [*server, "--initialize-insecure"]
    else:
        remedy = "install the rest of MariaDB's server"
        argv = [
            find_program(["mariadb-install-db", "mysql_install_db"], remedy),
            "--no-defaults",
            *([f"--user={account.pw_name}"] if account else []),
            f"--datadir={data}",
            f"--tmpdir={os.path.join(place.instance, 'tmp')}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--force",
        ]
    done = run(argv, cwd=place.instance if account is None else "/", timeout=START_SECONDS)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-LOG_CHARACTERS:]
        raise ScratchFailed(f"the server to restore into could not be prepared in {place.path}: {said}")


def _wait(place: Place, process: int) -> str:
    """The version of the server, once it answers."""
    login = {"login_unix_socket": place.socket, "login_user": "root", "login_password": ""}
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(ServerUnavailable), connect(resolve_login(login)) as connection:
            return describe(connection).version
        if not _started(process) or time.monotonic() > deadline:
            with open(place.log, encoding="utf-8", errors="replace") as stream:
                said = stream.read().strip()[-LOG_CHARACTERS:]
            raise ScratchFailed(f"the server to restore into did not start in {place.path}: {said}")
        time.sleep(0.1)


def _owner(place: Place) -> t.Dict[str, t.Any]:
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError), open(place.owner, encoding="utf-8") as stream:
        return dict(json.load(stream))
    return {}


def _end(process: int, started: t.Any) -> None:
    """End a server, if the process is still the one that was started."""
    for number, patience in ((signal.SIGTERM, END_SECONDS), (signal.SIGKILL, END_SECONDS)):
        deadline = time.monotonic() + patience
        if _started(process) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)
        while _started(process) == started and time.monotonic() < deadline:
            time.sleep(0.05)


def _started(process: int) -> t.Optional[str]:
    """When a process started, in ticks since boot; ``None`` for one that is gone or only waits to be looked after."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as stream:
            state, *rest = stream.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else rest[18]
