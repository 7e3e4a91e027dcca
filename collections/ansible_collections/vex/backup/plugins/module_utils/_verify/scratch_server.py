# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A scratch server: an empty server on a socket in a directory of its own, for test restores."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import re
import shutil
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run, start_server
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children, undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    NotEnoughSpace,
    OptionError,
    ProgramMissing,
    ScratchFailed,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import LIMITS, PAGE
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import describe
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_folder import (
    Owner,
    ScratchFolder,
    claim_folder,
    remove_folder,
    remove_instance,
    write_owner,
)
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_keys import mariadb_keys, mysql_keys
from ansible_collections.vex.backup.plugins.module_utils._verify.server_process import ServerProcess, start_of

START_SECONDS = 120
LOG_CHARACTERS = 1500
# The kernel's sun_path has 108 bytes, the last one a NUL.
SOCKET_BYTES = 107

_PROGRAMS = {"mariadb": ("mariadbd", "mysqld"), "mysql": ("mysqld",)}
# The data are thrown away after a crash, so nothing has to reach the disk in time.
_OPTIONS = (
    "--skip-networking",
    "--skip-log-bin",
    "--event-scheduler=OFF",
    "--max-allowed-packet=1G",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=256M",
)
_LIMIT_VALUE = re.compile(r"[\w, ]+")
# MySQL refuses to start without the directory of its package for files that clients read and write.
_START_OPTIONS: t.Mapping[str, t.Sequence[str]] = {"mariadb": (), "mysql": ("--secure-file-priv=NULL",)}
_PRODUCT_OPTIONS = {
    "mariadb": ("--innodb-log-file-size=256M",),
    "mysql": ("--mysqlx=OFF", "--loose-federated", "--innodb-redo-log-capacity=512M"),
}


@dataclasses.dataclass(frozen=True)
class ScratchRequest:
    """The options of ``mysql_scratch``, by name. ``abandoned_after`` is in seconds; ``present`` needs a ``product``.

    ``limits`` are settings of the server that was backed up, by name. ``encryption_key_ids`` are the numbers of the
    keys that its tables need.
    """

    path: str
    state: str
    product: t.Optional[str]
    user: t.Optional[str]
    lower_case_table_names: int
    limits: t.Mapping[str, str]
    encryption_key_ids: t.Sequence[int]
    needed_bytes: int
    abandoned_after: int
    run_log: t.Optional[str]


def scratch(request: ScratchRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Claim the directory, start a server there, or remove both.

    :returns: the result of ``mysql_scratch``
    :raises AlreadyRunning: when another run uses the directory
    :raises ScratchFailed: when the directory belongs to somebody else, or the server does not start
    :raises NotEnoughSpace, OptionError, ProgramMissing: for what the server needs and does not have
    """
    folder = ScratchFolder(os.path.abspath(request.path))
    with ending_children():
        if request.state == "absent":
            return {"changed": remove_folder(folder)}
        logs = os.path.dirname(request.run_log) if request.run_log else None
        replaced = claim_folder(folder, logs, request.abandoned_after)
        result = {"changed": True, "replaced": replaced, "work": folder.work}
        if request.state == "claimed":
            return result
        version = start(folder, request, logs)
    log.info(f"the scratch server, {request.product} {version}, answers on {folder.socket}")
    return {**result, "socket": folder.socket, "server_version": version}


def start(folder: ScratchFolder, request: ScratchRequest, logs: t.Optional[str]) -> str:
    """Start an empty server in place of the previous one; return its version."""
    if len(os.fsencode(folder.socket)) > SOCKET_BYTES:
        raise OptionError(
            f"path {folder.path} is too long for a socket in it: the kernel allows {SOCKET_BYTES} bytes, "
            "choose a shorter path"
        )
    product = t.cast("str", request.product)
    found = find_server(product)
    account = server_account(request.user)
    remove_instance(folder)
    _require_space(folder, request.needed_bytes)
    for directory in (folder.instance, os.path.join(folder.instance, "tmp")):
        os.mkdir(directory, 0o700)
        if account:
            os.chown(directory, account.pw_uid, account.pw_gid)
    program = own_program(folder, found) if product == "mysql" else [found, "--no-defaults"]
    server = server_arguments(folder, program, account)
    keys: t.List[str] = []
    if request.encryption_key_ids:
        is_mysql = product == "mysql"
        keys = mysql_keys(folder, server) if is_mysql else mariadb_keys(folder, request.encryption_key_ids, account)
    # MySQL accepts another value only while the data directory is created.
    case = f"--lower-case-table-names={request.lower_case_table_names}"
    page = limit_arguments(request.limits, [PAGE])
    argv = [*server, case, *page, *_START_OPTIONS[product], *keys]
    create_data(folder, argv, product, account, page)
    limits = limit_arguments(request.limits)
    # A signal between the two statements would leave a server that no later run knows of.
    with undisturbed():
        pid = start_server([*argv, *_OPTIONS, *_PRODUCT_OPTIONS[product], *limits], folder.log)
        process = ServerProcess(pid, start_of(pid))
        write_owner(folder, Owner(logs, process))
    return _wait(folder, process)


def find_server(product: str) -> str:
    """Return the path of the product's server program.

    :raises ProgramMissing: naming the package to install
    """
    remedy = f"install {product}'s server on the host that verifies; it need not run"
    for name in _PROGRAMS[product]:
        with contextlib.suppress(ProgramMissing):
            found = find_program([name], remedy)
            # MariaDB's server may have the name mysqld too.
            if ("MariaDB" in run([found, "--no-defaults", "--version"], timeout=60).stdout) == (product == "mariadb"):
                return found
    raise ProgramMissing(f"this host has no server of {product} to restore into: {remedy}")


def own_program(folder: ScratchFolder, program: str) -> t.List[str]:
    """Return the beginning of a command for MySQL that reads no manifest of components beside the host's program.

    The components in that one use the keys of the host's own server.
    """
    os.mkdir(folder.program)
    os.chmod(folder.program, 0o755)  # noqa: S103 - the server's account reads there, and only this account writes
    link = os.path.join(folder.program, os.path.basename(program))
    os.symlink(program, link)
    # MySQL looks for its other files from the place of its program.
    return [link, "--no-defaults", f"--basedir={os.path.dirname(os.path.dirname(os.path.realpath(program)))}"]


def server_account(user: t.Optional[str]) -> t.Optional[pwd.struct_passwd]:
    """Return the account that the server runs as, ``None`` for the present one, which only root can change.

    :raises OptionError: when there is no such account
    """
    if os.geteuid() != 0:
        return None
    for name in [user] if user else ["mysql", "nobody"]:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise OptionError(f"this host has no account {user or 'mysql'!r} to run the server as: set user to another account")


def server_arguments(
    folder: ScratchFolder, program: t.Sequence[str], account: t.Optional[pwd.struct_passwd]
) -> t.List[str]:
    """Return the command that both creates the data and starts the server."""
    return [
        *program,
        *([f"--user={account.pw_name}"] if account else []),
        f"--datadir={os.path.join(folder.instance, 'data')}",
        f"--tmpdir={os.path.join(folder.instance, 'tmp')}",
        f"--socket={folder.socket}",
        f"--pid-file={os.path.join(folder.instance, 'server.pid')}",
    ]


def limit_arguments(limits: t.Mapping[str, str], names: t.Iterable[str] = LIMITS) -> t.List[str]:
    """Return the options that give a server the limits of another, where its version knows them.

    :param limits: from a manifest, so that only the values of these *names* count, and only as they may look
    """
    given = {name.replace("_", "-"): str(limits.get(name, "")) for name in names}
    return [f"--loose-{name}={value}" for name, value in given.items() if _LIMIT_VALUE.fullmatch(value)]


def create_data(
    folder: ScratchFolder,
    server: t.Sequence[str],
    product: str,
    account: t.Optional[pwd.struct_passwd],
    page: t.Sequence[str],
) -> None:
    """Create the data directory of an empty server.

    :param server: the server's command
    :param page: the option for the size of its pages, empty for the usual size
    :raises ScratchFailed: with the end of what the program wrote
    """
    if product == "mysql":
        argv = [*server, "--initialize-insecure"]
    else:
        argv = [
            find_program(["mariadb-install-db", "mysql_install_db"], "install the package mariadb-server"),
            "--no-defaults",
            *([f"--user={account.pw_name}"] if account else []),
            f"--datadir={os.path.join(folder.instance, 'data')}",
            f"--tmpdir={os.path.join(folder.instance, 'tmp')}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--skip-name-resolve",
            "--force",
            *page,
        ]
    done = run(argv, cwd=folder.instance if account is None else "/", timeout=START_SECONDS)
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()[-LOG_CHARACTERS:]
        raise ScratchFailed(f"the data of the scratch server could not be created in {folder.path}: {output}")


def _require_space(folder: ScratchFolder, needed: int) -> None:
    free = shutil.disk_usage(folder.path).free
    if free < needed:
        raise NotEnoughSpace(
            f"{folder.path} has {free // 10**6} MB free and the restore needs about {needed // 10**6} MB: free space "
            "there, or choose another directory"
        )


def _wait(folder: ScratchFolder, server: ServerProcess) -> str:
    """Wait until the server answers; return its version."""
    login = resolve_login({"login_unix_socket": folder.socket, "login_user": "root", "login_password": ""})
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(ServerUnavailable), connect(login) as connection:
            return describe(connection).version
        if not server.runs or time.monotonic() > deadline:
            with open(folder.log, encoding="utf-8", errors="replace") as stream:
                output = stream.read().strip()[-LOG_CHARACTERS:]
            raise ScratchFailed(f"the scratch server did not start in {folder.path}: {output}")
        time.sleep(0.1)
