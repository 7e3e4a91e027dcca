"""Dumps that lose a connection or a program while applications write, and the rows that such a dump holds."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import pymysql

from tests.faults.gates import arguments_of, parent_of
from tests.modules import ModuleProcess
from tests.playbook import HANGS
from tests.servers.database_server import DatabaseServer

DATABASE = "kills"
ACCOUNT = ("killed", "its password")
# Rows at first. MyDumper dumps two tables, one of them in two chunks, in about the time that the client takes for the
# third, whose FLOAT MyDumper would round.
ROWS = {"large": 2**18, "wide": 2**18, "exact": 2**17}
_VALUES = {"large": ("INT", "{}"), "wide": ("TEXT", "REPEAT(SHA2({}, 256), 5)"), "exact": ("FLOAT", "{} / 7")}
PROGRAMS = {"mydumper": ("mydumper",), "client": ("mariadb", "mysql")}
# A connection of any kind, one with a statement, the statement alone, or a program with its connections.
KINDS = ("connection", "busy", "query", *PROGRAMS)
SIGNALS = (signal.SIGTERM, signal.SIGKILL, signal.SIGABRT)
_ID = re.compile(rb"^(?:INSERT INTO .* VALUES ?)?,?\((\d+),", re.MULTILINE)


class Outcome(NamedTuple):
    """One dump: when and what was killed, and the result of the module. ``seconds`` counts from the dump's start."""

    seconds: float
    victim: str
    result: dict[str, Any]

    @property
    def status(self) -> int:
        """The status of the dump."""
        return int(self.result["status"])


class Killing:
    """Dumps of *server*, in *folder*."""

    def __init__(self, server: DatabaseServer, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self.path = folder / "dump"

    def dump(self, moment: float | None = None, kind: str = "", choice: random.Random | None = None) -> Outcome:
        """Dump once; *moment* seconds after the start, kill what *kind* says."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        run = ModuleProcess("mysql_dump", self._options())
        guard = threading.Timer(HANGS, abort, [run])
        guard.start()
        try:
            began = self._appearance(Path(f"{self.path}.partial"), run)
            victim = ""
            if moment is not None and choice is not None:
                time.sleep(moment)
                victim = self._kill(run, kind, choice)
            ended = self._appearance(self.path, run)
            return Outcome(ended - began, victim, run.result())
        finally:
            guard.cancel()
            if run.process.poll() is None:
                abort(run)
                run.process.communicate()

    def rows(self) -> dict[str, list[int]]:
        """Return the ids in the dump's files, by table; no code of the product reads the rows."""
        manifest = json.loads((self.path / "manifest.json").read_text("utf-8"))
        (database,) = manifest["databases"]
        folder = self.path / database["directory"]
        return {
            table["name"]: [
                int(found) for file in table["files"] for found in _ID.findall((folder / file).read_bytes())
            ]
            for table in database["tables"]
        }

    def _options(self) -> dict[str, Any]:
        user, password = ACCOUNT
        return {
            "login_unix_socket": self._server.socket,
            "login_user": user,
            "login_password": password,
            "path": str(self.path),
            "dump_log": str(self._folder / "dump.log"),
            "databases": [DATABASE],
            "compression": "none",
            "threads": 2,
            "space_factor": 0,
            "keep_failed": 0,
        }

    def _appearance(self, path: Path, run: ModuleProcess) -> float:
        """Wait until the dump has made *path*, or has ended; return the time."""
        while not path.exists() and run.process.poll() is None:
            time.sleep(0.005)
        return time.monotonic()

    def _kill(self, run: ModuleProcess, kind: str, choice: random.Random) -> str:
        """Kill one victim of *kind*, or any connection; return its description, empty when the dump has ended."""
        while not (found := self._victims(run, kind)):
            if run.process.poll() is not None:
                return ""
            kind = "connection"
        number, name = choice.choice(found)
        if kind in PROGRAMS:
            sent = choice.choice(SIGNALS)
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, sent)
            return f"{sent.name} to {name}"
        # The connection may have ended meanwhile.
        with contextlib.suppress(pymysql.err.MySQLError):
            self._server.execute(f"KILL {'QUERY ' if kind == 'query' else ''}{number}")
        return f"KILL of {kind}: {name}"

    def _victims(self, run: ModuleProcess, kind: str) -> list[tuple[int, str]]:
        """Return the programs or connections of *kind*, with their ids and names."""
        if kind in PROGRAMS:
            names = [(pid, os.path.basename((arguments_of(pid) or [""])[0])) for pid in children(run.process.pid)]
            return [(pid, name) for pid, name in names if name in PROGRAMS[kind]]
        rows = self._server.execute(
            "SELECT ID, COMMAND, INFO FROM information_schema.PROCESSLIST"
            f" WHERE USER = '{ACCOUNT[0]}'{'' if kind == 'connection' else ' AND INFO IS NOT NULL'} ORDER BY ID"
        )
        return [(number, f"{command} {str(info)[:80]}") for number, command, info in rows]


class Writer:
    """An application that adds a row to each table in one transaction, again and again."""

    def __init__(self, server: DatabaseServer) -> None:
        self._server = server
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _write(self) -> None:
        with contextlib.closing(self._server.connect(database=DATABASE)) as connection, connection.cursor() as cursor:
            connection.autocommit(False)
            written = 0
            while not self._stopped.wait(0.005):
                written += 1
                for table, rows in ROWS.items():
                    cursor.execute(f"INSERT INTO {table} VALUES ({rows + written}, 1)")
                connection.commit()


def fill(server: DatabaseServer, *grants: str) -> None:
    """Create the database, and the account with its *grants*."""
    server.create_account(*ACCOUNT, *grants)
    server.execute(
        f"CREATE DATABASE {DATABASE}",
        f"USE {DATABASE}",
        *(statement for name in ROWS for statement in _large(name)),
    )


def abort(run: ModuleProcess) -> None:
    """End a dump and its programs. Where Python's fault handler is on, it prints the stack of each thread."""
    for pid in [run.process.pid, *children(run.process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGABRT)


def children(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _is_child(pid, parent)]


def _is_child(pid: int, parent: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return parent_of(pid) == parent
    return False


def _large(name: str) -> Iterator[str]:
    kind, value = _VALUES[name]
    yield f"CREATE TABLE {name} (id INT PRIMARY KEY, x {kind})"
    yield f"INSERT INTO {name} VALUES (1, {value.format(1)})"
    rows = 1
    while rows < ROWS[name]:
        yield f"INSERT INTO {name} SELECT id + {rows}, {value.format(f'(id + {rows})')} FROM {name}"
        rows *= 2
