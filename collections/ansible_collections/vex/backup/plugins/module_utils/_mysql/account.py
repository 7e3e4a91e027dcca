# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup's account on a server: it has the privileges that a dump needs and no others, or does not exist."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AccountRefused,
    OptionError,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as servers
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import (
    DumpScope,
    Levels,
    by_level,
    needed,
    parse_grants,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.cursors import Cursor

# A change of these would lock administrators out, or break the server's own views.
NEVER_CHANGED = ("root", "mysql", "mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema", "debian-sys-maint")
# The plugin that lets the system user of the same name log in.
SOCKET_PLUGINS = {"mariadb": "unix_socket", "mysql": "auth_socket"}
SOCKET_CLAUSES = {"mariadb": "IDENTIFIED VIA unix_socket", "mysql": "IDENTIFIED WITH auth_socket"}
PLUGIN_IS_NOT_LOADED = 1524


@dataclasses.dataclass(frozen=True)
class AccountRequest:
    """The options of ``mysql_account``.

    ``password`` is ``None`` for an account that the system user of the same name uses. ``databases`` are the only
    databases that it may read; empty for all. ``login`` is an administrator's.
    """

    login: Login
    name: str
    host: str
    password: t.Optional[str] = dataclasses.field(repr=False)
    state: str
    databases: t.Sequence[str]
    routines: bool
    triggers: bool
    events: bool
    accounts: bool
    check_mode: bool

    @property
    def account(self) -> str:
        """The quoted account, for messages."""
        return f"'{self.name}'@'{self.host}'"


def ensure_account(request: AccountRequest) -> t.Dict[str, t.Any]:
    """Create, change or drop the account as requested.

    :returns: the module's result
    :raises OptionError: for an account that is not the backup's own
    :raises ServerUnavailable: when the server cannot be reached
    :raises AccountRefused: when the server refuses the change
    """
    if request.name in NEVER_CHANGED:
        raise OptionError(f"name {request.name} is an account of the server itself: choose a name for the backup only")
    with connect(request.login) as connection:
        server = servers.describe(connection)
        if server.account == request.account:
            raise OptionError(
                f"name {request.name} is the account that this module logs in with: choose a name for the backup only"
            )
        with _refusals(request.account), connection.cursor() as cursor:
            change = _AccountChange(request, server, cursor)
            held = change.read_privileges()
            if request.state == "absent":
                wanted: t.Optional[Levels] = None
                changed = change.drop(exists=held is not None)
            else:
                kinds = request.routines, request.triggers, request.events, request.accounts
                scope = DumpScope(server.product, server.numbers, *kinds)
                wanted = needed(request.databases, scope)
                changed = change.set_login(exists=held is not None)
                changed = change.set_privileges(held or {}, wanted) or changed
    return {
        "changed": changed,
        "account": request.account,
        "grants": _lines(wanted),
        "server_version": server.name,
        "diff": {"before": {"grants": _lines(held)}, "after": {"grants": _lines(wanted)}},
    }


class _AccountChange:
    """The statements for one account; in check mode, only the reading ones."""

    def __init__(self, request: AccountRequest, server: servers.Server, cursor: Cursor) -> None:
        self._request = request
        self._server = server
        self._cursor = cursor
        self._name = [request.name, request.host]

    def read_privileges(self) -> t.Optional[Levels]:
        """Return the account's privileges, ``None`` if it does not exist."""
        self._cursor.execute("SELECT 1 FROM mysql.user WHERE User = %s AND Host = %s", self._name)
        if not self._cursor.fetchone():
            return None
        self._cursor.execute("SHOW GRANTS FOR %s@%s", self._name)
        return by_level(parse_grants(row[0] for row in self._cursor.fetchall()))

    def drop(self, *, exists: bool) -> bool:
        """Drop the account; return whether that is a change."""
        if exists:
            self._change("DROP USER %s@%s", self._name)
        return exists

    def set_login(self, *, exists: bool) -> bool:
        """Create the account, or change how it logs in; return whether that is a change."""
        if exists and self._can_log_in():
            return False
        verb = "ALTER" if exists else "CREATE"
        if self._request.password is None:
            self._change(f"{verb} USER %s@%s {SOCKET_CLAUSES[self._server.product]}", self._name)
        else:
            self._change(f"{verb} USER %s@%s IDENTIFIED BY %s", [*self._name, self._request.password])
        return True

    def set_privileges(self, held: Levels, wanted: Levels) -> bool:
        """Revoke unwanted privileges and grant missing ones; return whether any differ."""
        changed = False
        for verb, preposition, has, keeps in (("REVOKE", "FROM", held, wanted), ("GRANT", "TO", wanted, held)):
            for level, privileges in sorted(has.items()):
                difference = sorted(privileges - keeps.get(level, frozenset()))
                if difference:
                    changed = True
                    place = _place(level).replace("%", "%%")
                    self._change(f"{verb} {', '.join(difference)} ON {place} {preposition} %s@%s", self._name)
        return changed

    def _can_log_in(self) -> bool:
        request = self._request
        if request.password is None:
            self._cursor.execute("SELECT plugin FROM mysql.user WHERE User = %s AND Host = %s", self._name)
            return self._cursor.fetchone() == (SOCKET_PLUGINS[self._server.product],)
        # The server stores passwords as salted hashes, so only a login shows whether this is the password.
        try:
            login = dataclasses.replace(request.login, user=request.name, password=request.password)
            connect(login, purpose=None).close()
        except ServerUnavailable:
            return False
        return True

    def _change(self, statement: str, values: t.Sequence[str]) -> None:
        if not self._request.check_mode:
            self._cursor.execute(statement, values)


def _place(level: t.Tuple[str, str]) -> str:
    return ".".join("*" if part == "*" else quote_identifier(part) for part in level)


def _lines(levels: t.Optional[Levels]) -> t.List[str]:
    return [f"{', '.join(sorted(held))} ON {_place(level)}" for level, held in sorted((levels or {}).items())]


@contextlib.contextmanager
def _refusals(account: str) -> t.Iterator[None]:
    """Convert the client library's errors in the block.

    :raises AccountRefused: for each of them
    """
    try:
        yield
    except pymysql.err.MySQLError as error:
        reason = error.args[1] if len(error.args) > 1 else error
        remedy = (
            "load it (INSTALL PLUGIN auth_socket SONAME 'auth_socket.so') or give the account a password"
            if error.args[:1] == (PLUGIN_IS_NOT_LOADED,)
            else "log in with an account that may create users and has the privileges that it shall grant"
        )
        raise AccountRefused(
            f"the server refused to change the account {account}: {reason}. Remedy: {remedy}"
        ) from None
