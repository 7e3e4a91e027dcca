# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server that a restore loads into, and the program of this host that loads rows: the server's client."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import HEAP
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import option_file_text
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOAD, prepare, statement
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors
from ansible_collections.vex.backup.plugins.module_utils._tools.client import ARGUMENTS, Client

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# The client prints the marks between files without a heading, and at once.
CLIENT_ARGUMENTS = (*ARGUMENTS, "--skip-column-names", "--unbuffered")


class Target(t.NamedTuple):
    """A server to restore into.

    ``defaults_file`` is an option file with the login, for the client. ``session`` is the statement that sets the
    session of a load.
    """

    request: RestoreRequest
    server: Server
    client: Client
    defaults_file: str
    session: str
    deadline: Deadline
    log: RunLog

    def connect(self, *, raw: bool = False) -> Connection[Cursor]:
        """Log in, to look at what the server holds.

        :param raw: whether texts are returned as the bytes that the server sends
        """
        return connect(self.request.login, statement_timeout=self._timeout(), raw=raw)

    def connect_to_load(self) -> Connection[Cursor]:
        """Log in, and set the session of a load."""
        connection = connect(self.request.login, purpose=None, statement_timeout=self._timeout())
        with converted_errors(), connection.cursor() as cursor:
            cursor.execute(self.session)
        return connection

    def require_server(self, failure: str) -> None:
        """Check that the server still answers after a failure.

        :raises ServerUnavailable: naming the failure
        """
        try:
            self.connect().close()
        except ServerUnavailable as error:
            raise ServerUnavailable(f"{failure}; {error}") from None

    def client_arguments(self, database: str) -> t.List[str]:
        """Return the command of a client that uses *database*, without secrets."""
        return [self.client.path, f"--defaults-file={self.defaults_file}", *CLIENT_ARGUMENTS, f"--database={database}"]

    def _timeout(self) -> t.Optional[int]:
        left = self.deadline.remaining()
        return None if left is None else int(left) + 1


def load_session(login: Login, limits: t.Mapping[str, str], *, binlog: bool) -> str:
    """Return the statement that sets the session of a load.

    :param limits: of the dumped server, whose MEMORY tables may be larger than this session's would
    :param binlog: whether the load is written to the server's binary log
    :raises SessionRefused: when the server refuses a variable
    :raises RestoreFailed: when the account may not switch the binary log off
    """
    with contextlib.closing(connect(login, purpose=None)) as connection, converted_errors():
        heap = max(LOAD[HEAP], limits.get(HEAP, "0"), key=int)
        variables = prepare(connection, {**LOAD, HEAP: heap})
        if not binlog:
            variables["sql_log_bin"] = "0"
        with connection.cursor() as cursor:
            cursor.execute(statement(variables, login.instance))
    return statement(variables, login.instance)


def try_sessions(target: Target) -> None:
    """Open as many sessions as a load has at the same time, and end them.

    :raises ServerUnavailable: when the server's limits do not allow as many
    """
    with contextlib.ExitStack() as stack:
        for _number in range(target.request.threads + 1):
            stack.enter_context(contextlib.closing(target.connect_to_load()))


@contextlib.contextmanager
def login_file(login: Login) -> t.Iterator[str]:
    """Provide an option file with the login while the ``with`` block runs: no password is in a program's arguments."""
    with tempfile.NamedTemporaryFile("wb", prefix="vex-backup-", suffix=".cnf") as stream:
        stream.write(option_file_text(login, {}).encode("utf-8", "surrogateescape"))
        stream.flush()
        yield stream.name
