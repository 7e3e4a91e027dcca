# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backup's account on the server: there with the privileges that it needs and no others, or gone."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AccountRefused,
    OptionError,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as servers
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import Levels, by_level, needed, parse_grants

# Without it the module refuses to start: see PYMYSQL_FAILURE in _mysql/connection.py.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.cursors import Cursor

Params = t.Mapping[str, t.Any]

# Taking privileges away from these would lock administrators out, or break the server's own views.
NEVER_TOUCHED = ("root", "mysql", "mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema", "debian-sys-maint")
# How an account logs in by being the system's user of the same name.
SOCKET_PLUGINS = {"mariadb": "unix_socket", "mysql": "auth_socket"}
SOCKET_CLAUSES = {"mariadb": "IDENTIFIED VIA unix_socket", "mysql": "IDENTIFIED WITH auth_socket"}
PLUGIN_IS_NOT_LOADED = 1524


class Account(t.NamedTuple):
    """``password`` is ``None`` for an account that logs in by the system's user."""

    name: str
    host: str
    password: t.Optional[str]

    def __str__(self) -> str:
        return f"'{self.name}'@'{self.host}'"


def settle(params: Params, check_mode: bool) -> t.Dict[str, t.Any]:
    """Bring the account to what the options of ``mysql_account`` say.

    :param check_mode: change nothing, only say what would change
    :returns: the module's result
    :raises OptionError: for an account that is not the backup's own
    :raises ServerUnavailable, AccountRefused: naming what stands in the way
    """
    account = Account(params["name"], params["host"], params["password"])
    if account.name in NEVER_TOUCHED:
        raise OptionError(f"name {account.name} is an account of the server's own: give the backup one for itself")
    with connect(resolve_login(params)) as connection:
        server = servers.describe(connection)
        if server.account == str(account):
            raise OptionError(f"name {account.name} is the account that logs in here: give the backup one for itself")
        with _refusals(account), connection.cursor() as cursor:
            held = _held(cursor, account)
            if params["state"] == "absent":
                wanted: t.Optional[Levels] = None
                changed = held is not None
                if changed and not check_mode:
                    cursor.execute("DROP USER %s@%s", (account.name, account.host))
            else:
                wanted = _wanted(server, params)
                changed = _make(cursor, server, account, params, held is None, check_mode)
                changed = _grant(cursor, account, held or {}, wanted, check_mode) or changed
    return {
        "changed": changed,
        "account": str(account),
        "grants": _shown(wanted),
        "server_version": server.name,
        "diff": {"before": {"grants": _shown(held)}, "after": {"grants": _shown(wanted)}},
    }


def _wanted(server: servers.Server, params: Params) -> Levels:
    return needed(
        params["databases"],
        product=server.product,
        server_version=server.numbers,
        stored_programs={key: params[key] for key in ("routines", "triggers", "events")},
    )


def _held(cursor: Cursor, account: Account) -> t.Optional[Levels]:
    """The account's privileges; ``None`` when there is no such account."""
    cursor.execute("SELECT 1 FROM mysql.user WHERE User = %s AND Host = %s", (account.name, account.host))
    if not cursor.fetchone():
        return None
    cursor.execute("SHOW GRANTS FOR %s@%s", (account.name, account.host))
    return by_level(parse_grants(row[0] for row in cursor.fetchall()))


def _make(
    cursor: Cursor, server: servers.Server, account: Account, params: Params, is_new: bool, check_mode: bool
) -> bool:
    """Make the account, or give it its way to log in when it has another; whether that was needed."""
    if not is_new and _logs_in(cursor, server, account, params):
        return False
    if not check_mode:
        verb = "CREATE" if is_new else "ALTER"
        if account.password is None:
            # Both are constants of this file.
            clause, values = SOCKET_CLAUSES[server.product], [account.name, account.host]
        else:
            clause, values = "IDENTIFIED BY %s", [account.name, account.host, account.password]
        cursor.execute(f"{verb} USER %s@%s {clause}", values)
    return True


def _logs_in(cursor: Cursor, server: servers.Server, account: Account, params: Params) -> bool:
    if account.password is None:
        cursor.execute("SELECT plugin FROM mysql.user WHERE User = %s AND Host = %s", (account.name, account.host))
        return cursor.fetchone() == (SOCKET_PLUGINS[server.product],)
    # What a server keeps of a password is salted: only a login tells whether it is this one.
    address = {key: params[key] for key in ("login_host", "login_port", "login_unix_socket", "config_file", "ca_cert")}
    login = {**address, "login_user": account.name, "login_password": account.password}
    try:
        connect(resolve_login({**login, "connect_timeout": params["connect_timeout"]})).close()
    except ServerUnavailable:
        return False
    return True


def _grant(cursor: Cursor, account: Account, held: Levels, wanted: Levels, check_mode: bool) -> bool:
    """Give what is lacking and take what is too much; whether anything was."""
    changed = False
    for verb, preposition, is_at, should_be in (("REVOKE", "FROM", held, wanted), ("GRANT", "TO", wanted, held)):
        for level, privileges in sorted(is_at.items()):
            difference = sorted(privileges - should_be.get(level, frozenset()))
            if difference:
                changed = True
                if not check_mode:
                    place = _place(level).replace("%", "%%")
                    statement = f"{verb} {', '.join(difference)} ON {place} {preposition} %s@%s"
                    cursor.execute(statement, (account.name, account.host))
    return changed


def _place(level: t.Tuple[str, str]) -> str:
    return ".".join("*" if part == "*" else "`" + part.replace("`", "``") + "`" for part in level)


def _shown(levels: t.Optional[Levels]) -> t.List[str]:
    return [f"{', '.join(sorted(held))} ON {_place(level)}" for level, held in sorted((levels or {}).items())]


@contextlib.contextmanager
def _refusals(account: Account) -> t.Iterator[None]:
    """:raises AccountRefused: instead of the client library's errors"""
    try:
        yield
    except pymysql.err.MySQLError as error:
        reason = error.args[1] if len(error.args) > 1 else error
        remedy = (
            "load it (INSTALL PLUGIN auth_socket SONAME 'auth_socket.so') or give the account a password"
            if error.args[:1] == (PLUGIN_IS_NOT_LOADED,)
            else "log in with an account that may create users and has what it is to grant"
        )
        raise AccountRefused(f"the server did not take the account {account}: {reason}. Remedy: {remedy}") from None
