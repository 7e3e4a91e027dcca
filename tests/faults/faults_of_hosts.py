"""More faults of the suite: disks, limits of servers, clocks, names and wrong options."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.disks import covered, fill, fill_inodes, read_only
from tests.faults.faults import Cause, Changes, Expected, Fault
from tests.faults.scene import Scene
from tests.servers.mariadb import MariaDB

DISKS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "a full disk": (fill, ("is full", "No space left on device")),
    "a disk without inodes": (fill_inodes, ("is full", "No space left on device")),
    "a disk that becomes read-only": (read_only, ("Read-only file system",)),
}


def on_disk(step: str, spoil: Callable[[Path], None]) -> Cause:
    """Give the work directory a disk of its own, and spoil it before a step."""

    @contextlib.contextmanager
    def cause(scene: Scene) -> Iterator[Changes]:
        with covered(scene.host.work, "size=64m,nr_inodes=2000"):
            scene.before[step] = lambda: spoil(scene.host.work)
            yield {}

    return cause


def faults_of_the_disk() -> Iterator[Fault]:
    group = "The disk of the work directory"
    after = {
        "open": Expected.NO_BACKUP,
        "dump": Expected.NO_BACKUP,
        "pack": Expected.NO_BACKUP,
        "upload": Expected.LATE_PROBLEM,
        "close": Expected.LATE_PROBLEM,
        "prune": Expected.LATE_PROBLEM,
        "mail": Expected.SUCCESS,
    }
    for step, expected in after.items():
        for name, (spoil, _words) in DISKS.items():
            yield Fault(group, f"{name}, before step `{step}`", expected, on_disk(step, spoil))


def stopped(server: str, step: str, until: str) -> Cause:
    """Stop a server's process before a step, as a machine that hangs; it goes on before the step *until*."""

    @contextlib.contextmanager
    def cause(scene: Scene) -> Iterator[Changes]:
        database = scene.host.installation.log_database.server if server == "log" else scene.host.installation.source
        pid = database.process.pid
        assert pid is not None
        scene.before[step] = lambda: os.kill(pid, signal.SIGSTOP)
        scene.before[until] = lambda: os.kill(pid, signal.SIGCONT)
        try:
            yield {"dump__connect_timeout": 2, "close__connect_timeout": 2, "prune__connect_timeout": 2}
        finally:
            os.kill(pid, signal.SIGCONT)

    return cause


def limited(server: Callable[[Scene], MariaDB], *statements: str, undo: tuple[str, ...]) -> Cause:
    """Change a server's settings for the run."""

    @contextlib.contextmanager
    def cause(scene: Scene) -> Iterator[Changes]:
        database = server(scene)
        database.execute(*statements)
        try:
            yield {}
        finally:
            database.execute(*undo)

    return cause


def crowded(server: Callable[[Scene], MariaDB]) -> Cause:
    """Use up the connections of a server."""

    @contextlib.contextmanager
    def cause(scene: Scene) -> Iterator[Changes]:
        database = server(scene)
        (before,) = database.execute("SELECT @@max_connections")
        with contextlib.ExitStack() as held:
            root = held.enter_context(contextlib.closing(database.connect()))
            with root.cursor() as cursor:
                cursor.execute("SET GLOBAL max_connections = 10")
                with contextlib.suppress(Exception):
                    for _ in range(20):
                        held.enter_context(contextlib.closing(database.connect(*_ordinary(scene, database))))
                try:
                    yield {}
                finally:
                    cursor.execute(f"SET GLOBAL max_connections = {before[0]}")

    return cause


def _ordinary(scene: Scene, database: MariaDB) -> tuple[str, str]:
    """Return an account without a connection of its own beyond the limit, unlike root."""
    installation = scene.host.installation
    return installation.account if database is installation.source else installation.log_database.writer


def log_server(scene: Scene) -> MariaDB:
    return scene.host.installation.log_database.server


def source_server(scene: Scene) -> MariaDB:
    found = scene.host.installation.source
    assert isinstance(found, MariaDB)
    return found


def faults_of_limits() -> Iterator[Fault]:
    group = "Servers at their limits"
    read_only_log = limited(log_server, "SET GLOBAL read_only = 1", undo=("SET GLOBAL read_only = 0",))
    kept = ("log database: ", "the record is kept in")
    yield Fault(group, "the log database is read-only", Expected.RECORD_WAITS, read_only_log, ("--read-only", *kept))
    yield Fault(group, "the log database has no connection left", Expected.RECORD_WAITS, crowded(log_server), kept)
    yield Fault(
        group,
        "the server that is backed up has no connection left",
        Expected.NO_BACKUP,
        crowded(source_server),
        ("Too many connections",),
    )
    read_only_source = limited(source_server, "SET GLOBAL read_only = 1", undo=("SET GLOBAL read_only = 0",))
    yield Fault(group, "the server that is backed up is read-only", Expected.SUCCESS, read_only_source)
    hung = stopped("log", "close", "mail")
    yield Fault(group, "the log database stops until the mail (SIGSTOP)", Expected.LATE_PROBLEM, hung, kept)
    yield Fault(
        group,
        "the server that is backed up stops (SIGSTOP)",
        Expected.NO_BACKUP,
        stopped("source", "dump", "close"),
        ("check login_unix_socket",),
    )


def named(hostname: str) -> Cause:
    """Give the host another name."""

    @contextlib.contextmanager
    def cause(scene: Scene) -> Iterator[Changes]:
        with scene.renamed(hostname):
            yield {}

    return cause


def faults_of_names() -> Iterator[Fault]:
    group = "Names"
    names = {
        "a host name with a line break": "db\n1",
        "a host name that is a path: `../`": "../../etc",
        "a host name of dots: `..`": "..",
        "a host name of 255 bytes": "d" * 255,
        "a host name with quotes and a semicolon": "db'; DROP TABLE backup_log; --\"",
        "a host name with letters of other scripts": "bänco-データ-😀",
        "a host name with a percent sign": "db%2e%2e",
        "a host name with blanks": " db 1 ",
    }
    for name, hostname in names.items():
        yield Fault(group, name, Expected.SUCCESS, named(hostname))


# The steps that write to the log database.
RECORDING = ("open", "record pack", "record upload", "close", "prune", "late")


def with_options(**changes: Any) -> Cause:
    """Give steps other options."""

    @contextlib.contextmanager
    def cause(_scene: Scene) -> Iterator[Changes]:
        yield changes

    return cause


def faults_of_options() -> Iterator[Fault]:
    group = "Configuration"
    wrong: dict[str, tuple[dict[str, Any], Expected, tuple[str, ...]]] = {
        "a word for a number of threads": ({"dump__threads": "many"}, Expected.NO_BACKUP, ("threads", "many")),
        "no thread": ({"dump__threads": 0}, Expected.NO_BACKUP, ("threads must be at least 1",)),
        "an unknown compression": ({"dump__compression": "rar"}, Expected.NO_BACKUP, ("compression", "rar")),
        "an unknown option": ({"dump__thread": 2}, Expected.NO_BACKUP, ("Unsupported parameters", "thread")),
        "a database that does not exist": ({"dump__databases": ["nada"]}, Expected.NO_BACKUP, ("nada",)),
        "a wrong password": ({"dump__login_password": "x"}, Expected.NO_BACKUP, ("refused the login of",)),
        "a wrong account": ({"dump__login_user": "nobody"}, Expected.NO_BACKUP, ("refused the login of",)),
        "a socket that does not exist": (
            {"dump__login_unix_socket": "/nonexistent/sock"},
            Expected.NO_BACKUP,
            ("/nonexistent/sock could not be reached",),
        ),
        "an archive level that does not exist": ({"pack__level": "11"}, Expected.NO_BACKUP, ("level", "11")),
        "an archive format that does not exist": ({"pack__format": "rar"}, Expected.NO_BACKUP, ("format", "rar")),
        "a wrong secret key": (
            {"upload__secret_key": "x"},
            Expected.NOT_UPLOADED,
            ("the secret key does not belong to the access key",),
        ),
        "an unknown access key": ({"upload__access_key": "x"}, Expected.NOT_UPLOADED, ("correct access_key",)),
        "an address without a scheme": (
            {"upload__endpoint_url": "store.example.org"},
            Expected.NOT_UPLOADED,
            ("endpoint",),
        ),
        "a part of 1 MiB": ({"upload__part_size": 1}, Expected.NOT_UPLOADED, ("part_size must be from 5",)),
        "an empty recipient": ({"mail__recipients": [""]}, Expected.NO_MAIL, ("is not a mail address",)),
        "a mail port out of range": ({"mail__smtp_port": 70000}, Expected.MAIL_WAITS, ("smtp_port",)),
        "TLS where the mail server has none": (
            {"mail__smtp_security": "starttls"},
            Expected.MAIL_WAITS,
            ("does not support",),
        ),
        "a log database that does not exist": (
            {f"{step}__login_database": "nada" for step in RECORDING},
            Expected.RECORD_WAITS,
            ("log database: ",),
        ),
        "a wrong password of the log database": (
            {f"{step}__login_password": "x" for step in RECORDING},
            Expected.RECORD_WAITS,
            ("refused the login of",),
        ),
    }
    for name, (changes, expected, words) in wrong.items():
        yield Fault(group, name, expected, with_options(**changes), words)


HOST_FAULTS = [
    *faults_of_the_disk(),
    *faults_of_limits(),
    *faults_of_names(),
    *faults_of_options(),
]
