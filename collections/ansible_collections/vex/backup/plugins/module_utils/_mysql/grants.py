# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which privileges the backup account needs, and which of them it lacks. Pure functions."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import MissingGrants

# Each entry is one need and the privileges that satisfy it. Source: shared measurements of MyDumper 0.10.1 and 1.0.1.
_GLOBAL_NEEDS = (
    ("RELOAD", ("RELOAD", "FLUSH_TABLES")),
    ("PROCESS", ("PROCESS",)),
)
_DATABASE_NEEDS = ("SELECT", "LOCK TABLES", "SHOW VIEW")
# MariaDB names it so since 10.5; the older name is still understood, and shown by older servers.
_BINLOG_MONITOR_SINCE = (10, 5)
# Accounts of cloud providers have privileges on these taken away; they are never dumped.
_NEVER_DUMPED = ("mysql", "sys")

# Privileges by where they hold: database pattern and object, "*" for every one.
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


class Grants(t.NamedTuple):
    """``everywhere`` holds global privileges, ``databases`` those by database pattern (``LIKE`` wildcards).

    ``tables`` holds those by database and table. ``revoked`` holds, by database, the global privileges that do not
    hold there (partial revokes of MySQL 8).
    """

    everywhere: t.FrozenSet[str]
    databases: t.Mapping[str, t.FrozenSet[str]]
    tables: t.Mapping[t.Tuple[str, str], t.FrozenSet[str]]
    revoked: t.Mapping[str, t.FrozenSet[str]]


def parse_grants(statements: t.Iterable[str]) -> Grants:
    """Read what ``SHOW GRANTS`` answers; grants on columns, routines, roles and proxies are left out."""
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
        database, table = _unquote(found["database"]), _unquote(found["object"])
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
    *,
    product: str,
    server_version: t.Tuple[int, ...],
    stored_programs: t.Mapping[str, bool],
    every_database: bool,
) -> t.List[str]:
    """What the account lacks to dump *databases*, as ``PRIVILEGE ON level``; empty when nothing.

    :param stored_programs: ``routines``, ``triggers``, ``events``: whether each is to be dumped
    :param every_database: the configuration names no databases: an account that does not see them all would leave
        some out without a word
    """
    lacking = []
    for name, satisfying in _everywhere(product, server_version):
        if not _holds(grants.everywhere, satisfying):
            lacking.append(f"{name} ON *.*")
    if every_database and not _sees_every_database(grants):
        lacking.append("SELECT ON *.* (or name the databases: others are not visible to this account)")
    for privilege in _on_databases(stored_programs):
        without = [name for name in databases if not _holds_on(grants, name, privilege)]
        if without:
            lacking.append(f"{privilege} ON {', '.join(f'{_quote(name)}.*' for name in without)}")
    if stored_programs["routines"] and not _sees_routines(grants, product):
        lacking.append("SELECT ON mysql.proc" if product == "mariadb" else "SHOW_ROUTINE ON *.*")
    return lacking


def needed(
    databases: t.Sequence[str],
    *,
    product: str,
    server_version: t.Tuple[int, ...],
    stored_programs: t.Mapping[str, bool],
) -> Levels:
    """What an account is to hold so that :func:`missing` finds nothing, and no more.

    :param databases: the only ones that it may read; empty for all
    :param stored_programs: as for :func:`missing`
    """
    everywhere = {name for name, _satisfying in _everywhere(product, server_version)}
    on_databases = frozenset(_on_databases(stored_programs))
    if not databases:
        return {EVERYWHERE: on_databases | everywhere}
    levels = {(escaped(name), "*"): on_databases for name in databases}
    if stored_programs["routines"] and product == "mariadb":
        levels["mysql", "proc"] = frozenset(["SELECT"])
    elif stored_programs["routines"]:
        everywhere.add("SHOW_ROUTINE")
    return {EVERYWHERE: frozenset(everywhere), **levels}


def by_level(grants: Grants) -> Levels:
    """The privileges held at each level, in the form of :func:`needed`; levels without any are left out."""
    levels: t.Dict[t.Tuple[str, str], t.FrozenSet[str]] = {EVERYWHERE: grants.everywhere}
    levels.update({(pattern, "*"): held for pattern, held in grants.databases.items()})
    levels.update(grants.tables)
    # What the server says of an account that holds nothing.
    return {level: held - {"USAGE"} for level, held in levels.items() if held - {"USAGE"}}


def escaped(database: str) -> str:
    """The pattern that means this database alone."""
    return re.sub(r"([\\_%])", r"\\\1", database)


def require(lacking: t.Sequence[str], account: str) -> None:
    """:raises MissingGrants: naming all that *account* lacks and the statements that give it"""
    if lacking:
        raise MissingGrants(
            f"{account} lacks privileges that the dump needs: {'; '.join(lacking)}. "
            f"Remedy: GRANT each of them TO {account}",
            missing_grants=list(lacking),
        )


def _everywhere(product: str, server_version: t.Tuple[int, ...]) -> t.List[t.Tuple[str, t.Tuple[str, ...]]]:
    needs = [*_GLOBAL_NEEDS, _coordinates(product, server_version)]
    if product == "mysql" and server_version >= (8,):
        needs.append(("BACKUP_ADMIN", ("BACKUP_ADMIN",)))
    return needs


def _on_databases(stored_programs: t.Mapping[str, bool]) -> t.List[str]:
    programs = (("triggers", "TRIGGER"), ("events", "EVENT"))
    return [*_DATABASE_NEEDS, *(name for key, name in programs if stored_programs[key])]


def _coordinates(product: str, server_version: t.Tuple[int, ...]) -> t.Tuple[str, t.Tuple[str, ...]]:
    if product == "mysql":
        return "REPLICATION CLIENT", ("REPLICATION CLIENT",)
    name = "BINLOG MONITOR" if server_version >= _BINLOG_MONITOR_SINCE else "REPLICATION CLIENT"
    return name, ("BINLOG MONITOR", "REPLICATION CLIENT")


def _sees_every_database(grants: Grants) -> bool:
    # SELECT shows a database only where it has not been taken away again.
    hidden = [name for name, privileges in grants.revoked.items() if "SELECT" in privileges]
    shown = all(name in _NEVER_DUMPED for name in hidden)
    return _holds(grants.everywhere, ("SHOW DATABASES", "SELECT") if shown else ("SHOW DATABASES",))


def _sees_routines(grants: Grants, product: str) -> bool:
    # Without it MariaDB answers SHOW CREATE PROCEDURE with NULL and MySQL hides the routine altogether.
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


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _unquote(name: str) -> str:
    if name[:1] in ('"', "`") and name[-1:] == name[:1]:
        return name[1:-1].replace(name[0] * 2, name[0])
    return name
