# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The privileges that the backup account needs, and the missing ones among them. Pure functions."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import MissingGrants
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier, unquoted

# Each entry is one need and the privileges that satisfy it. Source: measurements of MyDumper 0.10.1 and 1.0.1.
_GLOBAL_NEEDS = (
    ("RELOAD", ("RELOAD", "FLUSH_TABLES")),
    ("PROCESS", ("PROCESS",)),
)
ACCOUNTS_NEED = "SELECT ON mysql.*"
_DATABASE_NEEDS = ("SELECT", "LOCK TABLES", "SHOW VIEW")
# MariaDB has this name since 10.5; it still accepts the older name, and older servers show that.
_BINLOG_MONITOR_SINCE = (10, 5)
# Cloud providers revoke privileges on these from all accounts; they are never dumped.
_NEVER_DUMPED = ("mysql", "sys")

# Privileges by their level: database pattern and object, "*" for all.
Levels = t.Mapping[t.Tuple[str, str], t.FrozenSet[str]]
EVERYWHERE = ("*", "*")

_NAME = r"""(?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^\s.`"']+)"""
_COLUMNS = r"""\((?:`(?:[^`]|``)*`|"(?:[^"]|"")*"|[^)`"])*\)"""
_STATEMENT = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<privileges>(?:[\w ,]|{_COLUMNS})+?)"
    rf" ON (?:(?P<kind>TABLE|FUNCTION|PROCEDURE|PACKAGE|PACKAGE BODY|LIBRARY) )?"
    rf"(?P<database>{_NAME})\.(?P<object>{_NAME}) (?:TO|FROM) "
)
_ON_COLUMNS = re.compile(rf"[\w ]+ {_COLUMNS}")


class DumpScope(t.NamedTuple):
    """The properties of a dump that decide which privileges it needs.

    ``product`` is ``mysql`` or ``mariadb``; the booleans are true for the kinds of stored programs that are dumped, and
    for the accounts of the server.
    """

    product: str
    server_version: t.Tuple[int, ...]
    routines: bool
    triggers: bool
    events: bool
    accounts: bool = False


class Grants(t.NamedTuple):
    """The privileges of an account.

    ``everywhere`` are global ones, ``databases`` those by database pattern (``LIKE`` wildcards), ``tables`` those by
    database and table. ``revoked`` are, by database, the global privileges that do not apply there (partial revokes of
    MySQL 8).
    """

    everywhere: t.FrozenSet[str]
    databases: t.Mapping[str, t.FrozenSet[str]]
    tables: t.Mapping[t.Tuple[str, str], t.FrozenSet[str]]
    revoked: t.Mapping[str, t.FrozenSet[str]]


def parse_grants(statements: t.Iterable[str]) -> Grants:
    """Read the rows of ``SHOW GRANTS``, without grants on columns, routines, roles and proxies."""
    everywhere: t.Set[str] = set()
    databases: t.Dict[str, t.FrozenSet[str]] = {}
    tables: t.Dict[t.Tuple[str, str], t.FrozenSet[str]] = {}
    revoked: t.Dict[str, t.FrozenSet[str]] = {}
    for statement in statements:
        found = _STATEMENT.match(statement)
        if not found or found["kind"] not in (None, "TABLE"):
            continue
        listed = _ON_COLUMNS.sub("", found["privileges"]).split(",")
        privileges = frozenset(part.strip().upper() for part in listed if part.strip())
        database, table = unquoted(found["database"]), unquoted(found["object"])
        if found["verb"] == "REVOKE":
            revoked[database] = revoked.get(database, frozenset()) | privileges
        elif found["object"] != "*":
            tables[database, table] = tables.get((database, table), frozenset()) | privileges
        elif found["database"] != "*":
            databases[database] = databases.get(database, frozenset()) | privileges
        else:
            everywhere |= privileges
    return Grants(frozenset(everywhere), databases, tables, revoked)


def missing(
    grants: Grants,
    databases: t.Sequence[str],
    scope: DumpScope,
    *,
    every_database: bool,
) -> t.List[str]:
    """Return the privileges that the account lacks to dump *databases*, as ``PRIVILEGE ON level``.

    :param every_database: whether all databases shall be dumped: an account that cannot see all of them would leave
        some out without a message
    """
    lacking = []
    for name, satisfying in _everywhere(scope):
        if not _holds(grants.everywhere, satisfying):
            lacking.append(f"{name} ON *.*")
    if every_database and not _sees_every_database(grants):
        lacking.append("SELECT ON *.* (or name the databases: others are not visible to this account)")
    for privilege in _on_databases(scope):
        without = [name for name in databases if not _holds_on(grants, name, privilege)]
        if without:
            lacking.append(f"{privilege} ON {', '.join(f'{quote_identifier(name)}.*' for name in without)}")
    if scope.routines and not _sees_routines(grants, scope.product):
        lacking.append("SELECT ON mysql.proc" if scope.product == "mariadb" else "SHOW_ROUTINE ON *.*")
    if scope.accounts and not sees_accounts(grants):
        lacking.append(ACCOUNTS_NEED)
    return lacking


def sees_accounts(grants: Grants) -> bool:
    """Return whether an account may read the accounts of its server, as :data:`ACCOUNTS_NEED` lets it."""
    return _holds_on(grants, "mysql", "SELECT")


def needed(databases: t.Sequence[str], scope: DumpScope) -> Levels:
    """Return the privileges with which :func:`missing` finds nothing, and no others.

    :param databases: the only databases that the account may read; empty for all
    """
    everywhere = {name for name, _satisfying in _everywhere(scope)}
    on_databases = frozenset(_on_databases(scope))
    if not databases:
        return {EVERYWHERE: on_databases | everywhere}
    levels = {(escaped(name), "*"): on_databases for name in databases}
    if scope.routines and scope.product == "mysql":
        everywhere.add("SHOW_ROUTINE")
    if scope.accounts:
        levels["mysql", "*"] = frozenset(["SELECT"])
    elif scope.routines and scope.product == "mariadb":
        levels["mysql", "proc"] = frozenset(["SELECT"])
    return {EVERYWHERE: frozenset(everywhere), **levels}


def by_level(grants: Grants) -> Levels:
    """Return the privileges at each level, in the form of :func:`needed`, without levels that have none."""
    levels: t.Dict[t.Tuple[str, str], t.FrozenSet[str]] = {EVERYWHERE: grants.everywhere}
    levels.update({(pattern, "*"): held for pattern, held in grants.databases.items()})
    levels.update(grants.tables)
    # The server shows USAGE for an account without privileges.
    return {level: held - {"USAGE"} for level, held in levels.items() if held - {"USAGE"}}


def escaped(database: str) -> str:
    """Return the pattern that matches only this database."""
    return re.sub(r"([\\_%])", r"\\\1", database)


def require(lacking: t.Sequence[str], account: str) -> None:
    """Raise an error if *account* lacks privileges.

    :raises MissingGrants: it names them, and the statements that grant them
    """
    if lacking:
        raise MissingGrants(
            f"{account} lacks privileges that the dump needs: {'; '.join(lacking)}. "
            f"Remedy: GRANT each of them TO {account}",
            missing_grants=list(lacking),
        )


def _everywhere(scope: DumpScope) -> t.List[t.Tuple[str, t.Tuple[str, ...]]]:
    needs = [*_GLOBAL_NEEDS, _binlog_position(scope)]
    if scope.product == "mysql" and scope.server_version >= (8,):
        needs.append(("BACKUP_ADMIN", ("BACKUP_ADMIN",)))
    return needs


def _on_databases(scope: DumpScope) -> t.List[str]:
    programs = ((scope.triggers, "TRIGGER"), (scope.events, "EVENT"))
    return [*_DATABASE_NEEDS, *(name for is_dumped, name in programs if is_dumped)]


def _binlog_position(scope: DumpScope) -> t.Tuple[str, t.Tuple[str, ...]]:
    if scope.product == "mysql":
        return "REPLICATION CLIENT", ("REPLICATION CLIENT",)
    name = "BINLOG MONITOR" if scope.server_version >= _BINLOG_MONITOR_SINCE else "REPLICATION CLIENT"
    return name, ("BINLOG MONITOR", "REPLICATION CLIENT")


def _sees_every_database(grants: Grants) -> bool:
    # SELECT shows a database only if it is not revoked there.
    hidden = [name for name, privileges in grants.revoked.items() if "SELECT" in privileges]
    shown = all(name in _NEVER_DUMPED for name in hidden)
    return _holds(grants.everywhere, ("SHOW DATABASES", "SELECT") if shown else ("SHOW DATABASES",))


def _sees_routines(grants: Grants, product: str) -> bool:
    # Without it, MariaDB returns NULL for SHOW CREATE PROCEDURE, and MySQL hides the routine.
    if product == "mariadb":
        return _holds_on(grants, "mysql", "SELECT") or _holds(grants.tables.get(("mysql", "proc"), ()), ("SELECT",))
    return _holds(grants.everywhere, ("SELECT", "SHOW_ROUTINE"))


def _holds(held: t.Iterable[str], satisfying: t.Sequence[str]) -> bool:
    return bool({"ALL PRIVILEGES", "ALL", *satisfying}.intersection(held))


def _holds_on(grants: Grants, database: str, privilege: str) -> bool:
    if _holds(grants.everywhere, (privilege,)) and privilege not in grants.revoked.get(database, ()):
        return True
    return any(
        _holds(held, (privilege,)) for pattern, held in grants.databases.items() if _like(pattern).fullmatch(database)
    )


def _like(pattern: str) -> t.Pattern[str]:
    parts = []
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
        else:
            parts.append({"%": ".*", "_": "."}.get(character, re.escape(character)))
    return re.compile("".join(parts), re.DOTALL | re.IGNORECASE)
