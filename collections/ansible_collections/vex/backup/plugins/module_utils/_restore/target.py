# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server that a restore loads into, and the programs of this host that load: myloader and the server's client."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing, RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import option_file_text
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore, RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors, shortened
from ansible_collections.vex.backup.plugins.module_utils._tools import myloader
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    LEGACY,
    Version,
    environment,
    parse_version,
)

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# The server alone limits the size of a statement: a large BLOB is one statement.
CLIENT_ARGUMENTS = ("--default-character-set=utf8mb4", "--comments", "--binary-mode", "--max-allowed-packet=1G")
# A server in strict mode refuses tables with zero dates, which another server took. mysqldump sets the same mode.
LOADER_MODE = "sql_mode = 'NO_AUTO_VALUE_ON_ZERO'"
# Rows that a CHECK constraint would refuse today are restored as they were dumped.
UNCHECKED = {"mariadb": ["check_constraint_checks = 0"], "mysql": []}
ERROR_CHARACTERS = 1000


class Programs(t.NamedTuple):
    """The programs that load: paths, and the version of myloader, ``None`` when it is not needed."""

    client: str
    loader: str
    version: t.Optional[Version]

    def __str__(self) -> str:
        return f"myloader {self.version.text}" if self.version else os.path.basename(self.client)


class Target(t.NamedTuple):
    """A server to restore into. ``defaults_file`` is an option file with the login, for the programs."""

    request: RestoreRequest
    server: Server
    programs: Programs
    defaults_file: str
    deadline: Deadline
    log: RunLog

    def connect(self) -> Connection[Cursor]:
        """Log in, and switch the binary log off for the connection if the request asks for it."""
        left = self.deadline.remaining()
        connection = connect(self.request.login, statement_timeout=None if left is None else int(left) + 1)
        if not self.request.binlog:
            with converted_errors(), connection.cursor() as cursor:
                cursor.execute("SET SESSION sql_log_bin = 0")
        return connection

    def run_client(self, script: str, one: DatabaseRestore, database: t.Optional[str]) -> None:
        """Run an SQL script with the server's client.

        :param database: the database to use; ``None`` when the script chooses it
        :raises RestoreFailed: with the end of what the client wrote
        """
        settings = session_settings(self.server.product, binlog=self.request.binlog)
        argv = [
            self.programs.client,
            f"--defaults-file={self.defaults_file}",
            *CLIENT_ARGUMENTS,
            *([f"--init-command={settings}"] if settings else []),
            *([f"--database={database}"] if database is not None else []),
        ]
        done = run(argv, environment=environment(), stdin=script, timeout=self.deadline.remaining())
        if done.returncode != 0:
            client, file = os.path.basename(self.programs.client), os.path.basename(script)
            reason = " ".join(done.stderr.split())[-ERROR_CHARACTERS:] or f"exit status {done.returncode}"
            raise RestoreFailed(f"{client} could not load {file} of {one.name} into {one.target}: {reason}")

    def run_loader(self, plan: RestorePlan, one: DatabaseRestore, folder: str) -> None:
        """Load a directory of MyDumper's files with myloader.

        :raises RestoreFailed: with the errors in its output; its exit status is 0 after some of them
        """
        load = myloader.Load(
            directory=folder,
            defaults_file=self.defaults_file,
            threads=self.request.threads,
            binlog=self.request.binlog,
            target=one.target if one.target != one.name else None,
            source=one.name if plan.shared or one.table is not None else None,
            table=one.table,
        )
        arguments = myloader.arguments(t.cast("Version", self.programs.version), load)
        done = run([self.programs.loader, *arguments], environment=environment(), timeout=self.deadline.remaining())
        failures = myloader.failures(done.returncode, f"{done.stderr}\n{done.stdout}")
        if failures:
            raise RestoreFailed(f"myloader could not load {one.name} into {one.target}: {shortened(failures)}")


def session_settings(product: str, *, binlog: bool) -> str:
    """Return the statement that the client executes first, empty for none.

    MySQL has no ``check_constraint_checks``, and switching the binary log off takes a privilege of its own.
    """
    settings = [*UNCHECKED[product], *([] if binlog else ["sql_log_bin = 0"])]
    return f"SET SESSION {', '.join(settings)}" if settings else ""


def find_programs(plan: RestorePlan, server: Server) -> Programs:
    """Find the client of the server and, if the backup needs it, the myloader of its generation.

    :raises ProgramMissing: naming the package to install
    """
    names = ["mariadb", "mysql"] if server.product == "mariadb" else ["mysql", "mariadb"]
    client = find_program(names, "install the package mariadb-client or mysql-client")
    if all(one.by_client for one in plan.databases):
        return Programs(client, "", None)
    loader = find_program(["myloader"], "install the package mydumper, 0.10.x or 0.20 and later")
    version = parse_version(run([loader, "--version"], timeout=60).stdout)
    if version.generation != plan.generation:
        wanted = "0.10.x" if plan.generation == LEGACY else "0.20 or later"
        raise ProgramMissing(
            f"the backup was made by MyDumper {wanted}, and the myloader {version.text} of this host cannot read its "
            f"files: restore from a host with MyDumper {wanted}"
        )
    return Programs(client, loader, version)


@contextlib.contextmanager
def login_file(login: Login, server: Server) -> t.Iterator[str]:
    """Provide an option file with the login while the ``with`` block runs: no password is in a program's arguments."""
    first = f"SET SESSION {', '.join([LOADER_MODE, *UNCHECKED[server.product]])}"
    with tempfile.NamedTemporaryFile("wb", prefix="vex-backup-", suffix=".cnf") as stream:
        text = option_file_text(login, {}, first, "myloader")
        stream.write(text.encode("utf-8", "surrogateescape"))
        stream.flush()
        yield stream.name
