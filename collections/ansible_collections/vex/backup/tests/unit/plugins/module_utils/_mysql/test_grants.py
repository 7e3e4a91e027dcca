# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows of SHOW GRANTS of MySQL and MariaDB, and the privileges that a backup account lacks."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._errors import MissingGrants
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import (
    DumpScope,
    by_level,
    missing,
    needed,
    parse_grants,
    require,
)

# True for each of routines, triggers, events and accounts that is dumped.
Stored = t.Tuple[bool, bool, bool, bool]
NOTHING_STORED: Stored = (False, False, False, False)
ALL_STORED: Stored = (True, True, True, False)
WITH_ACCOUNTS: Stored = (True, True, True, True)
GLOBAL = "GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO `vex`@`%`"
ON_DATABASE = "SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT"


def lacking(
    statements: t.Sequence[str],
    databases: t.Sequence[str] = ("shop",),
    product: str = "mariadb",
    version: t.Tuple[int, ...] = (10, 11, 18),
    stored: Stored = NOTHING_STORED,
    every_database: bool = False,
) -> t.List[str]:
    return missing(
        parse_grants(statements),
        databases,
        DumpScope(product, version, *stored),
        every_database=every_database,
    )


def test_account_without_privileges_lacks_all() -> None:
    assert lacking(["GRANT USAGE ON *.* TO `vex`@`%`"], ["shop", "a`b"], stored=ALL_STORED, every_database=True) == [
        "RELOAD ON *.*",
        "PROCESS ON *.*",
        "BINLOG MONITOR ON *.*",
        "SELECT ON *.* (or name the databases: others are not visible to this account)",
        "SELECT ON `shop`.*, `a``b`.*",
        "LOCK TABLES ON `shop`.*, `a``b`.*",
        "SHOW VIEW ON `shop`.*, `a``b`.*",
        "TRIGGER ON `shop`.*, `a``b`.*",
        "EVENT ON `shop`.*, `a``b`.*",
        "SELECT ON mysql.proc",
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
        "GRANT ALL PRIVILEGES ON *.* TO 'root'@'localhost' IDENTIFIED BY PASSWORD '*2470C0' WITH GRANT OPTION",
        "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED VIA mysql_native_password USING 'invalid'",
    ],
)
@pytest.mark.parametrize(("product", "version"), [("mariadb", (10, 6, 0)), ("mysql", (5, 7, 44)), ("mysql", (9, 7, 4))])
def test_all_privileges_are_enough(statement: str, product: str, version: t.Tuple[int, ...]) -> None:
    assert lacking([statement], ["shop"], product, version, ALL_STORED, every_database=True) == []


def test_static_and_dynamic_privileges_of_mysql_8() -> None:
    statements = [
        "GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, REPLICATION CLIENT, SHOW VIEW, EVENT, TRIGGER ON *.* TO `v`@`%`",
        "GRANT BACKUP_ADMIN,SHOW_ROUTINE ON *.* TO `v`@`%`",
    ]
    assert lacking(statements, ["a"], "mysql", (9, 7, 4), ALL_STORED, every_database=True) == []
    assert lacking(statements[:1], ["a"], "mysql", (9, 7, 4), ALL_STORED) == ["BACKUP_ADMIN ON *.*"]
    assert lacking(statements[:1], ["a"], "mysql", (5, 7, 44), ALL_STORED) == []


def test_routines_of_mysql_need_show_routine() -> None:
    statements = [
        "GRANT FLUSH_TABLES,BACKUP_ADMIN ON *.* TO `v`@`%`",
        "GRANT PROCESS, REPLICATION CLIENT ON *.* TO `v`@`%`",
        f"GRANT {ON_DATABASE} ON `shop`.* TO `v`@`%`",
    ]
    assert lacking(statements, product="mysql", version=(8, 4, 0), stored=ALL_STORED) == ["SHOW_ROUTINE ON *.*"]
    statements.append("GRANT SHOW_ROUTINE ON *.* TO `v`@`%`")
    assert lacking(statements, product="mysql", version=(8, 4, 0), stored=ALL_STORED) == []


@pytest.mark.parametrize(
    "remedy",
    ["GRANT SELECT ON `mysql`.`proc` TO `vex`@`%`", "GRANT SELECT ON `mysql`.* TO `vex`@`%`"],
)
def test_remedy_for_routines_of_mariadb(remedy: str) -> None:
    statements = [GLOBAL, f"GRANT {ON_DATABASE} ON `shop`.* TO `vex`@`%`"]
    assert lacking(statements, stored=ALL_STORED) == ["SELECT ON mysql.proc"]
    assert lacking([*statements, remedy], stored=ALL_STORED) == []


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT SELECT (`db`, `name`) ON `mysql`.`proc` TO `vex`@`%`",
        "GRANT INSERT ON `mysql`.`proc` TO `vex`@`%`",
        "GRANT SELECT ON `mysql`.`procs_priv` TO `vex`@`%`",
    ],
)
def test_less_than_the_remedy_is_not_enough(statement: str) -> None:
    statements = [GLOBAL, f"GRANT {ON_DATABASE} ON `shop`.* TO `vex`@`%`", statement]
    assert lacking(statements, stored=ALL_STORED) == ["SELECT ON mysql.proc"]


@pytest.mark.parametrize(
    ("product", "version", "more"),
    [("mariadb", (11, 8, 3), "BINLOG MONITOR"), ("mysql", (9, 7, 4), "REPLICATION CLIENT, BACKUP_ADMIN, SHOW_ROUTINE")],
)
def test_accounts_need_the_database_of_the_system(product: str, version: t.Tuple[int, ...], more: str) -> None:
    statements = [f"GRANT RELOAD, PROCESS, {more} ON *.* TO `v`@`%`", f"GRANT {ON_DATABASE} ON `shop`.* TO `v`@`%`"]
    accounts: Stored = (False, False, False, True)
    for less in ("GRANT SELECT ON `mysql`.`user` TO `v`@`%`", "GRANT INSERT ON `mysql`.* TO `v`@`%`"):
        assert lacking([*statements, less], product=product, version=version, stored=accounts) == ["SELECT ON mysql.*"]
    enough = [*statements, "GRANT SELECT ON `mysql`.* TO `v`@`%`"]
    assert lacking(enough, product=product, version=version, stored=WITH_ACCOUNTS) == []


@pytest.mark.parametrize(
    ("version", "named"), [((10, 4, 34), "REPLICATION CLIENT ON *.*"), ((10, 5, 0), "BINLOG MONITOR ON *.*")]
)
def test_privilege_for_the_binlog_position_has_the_servers_name(version: t.Tuple[int, ...], named: str) -> None:
    base = "GRANT SELECT, LOCK TABLES, SHOW VIEW, RELOAD, PROCESS{} ON *.* TO `vex`@`%`"
    assert lacking([base.format("")], version=version) == [named]
    for held in ("BINLOG MONITOR", "REPLICATION CLIENT"):
        assert lacking([base.format(f", {held}")], version=version) == []


@pytest.mark.parametrize(
    ("pattern", "database", "covered"),
    [
        ("`my\\_db`", "my_db", True),
        ("`my\\_db`", "myxdb", False),
        ("`my_db`", "myxdb", True),
        ("`shop%`", "shop_eu", True),
        ("`100\\%`", "100%", True),
        ("`100\\%`", "1000", False),
        ("`a.b`", "a.b", True),
        ("`a.b`", "axb", False),
        ("`back``tick`", "back`tick", True),
        ("`new\nline`", "new\nline", True),
        ("`a TO b`", "a TO b", True),
        ("`x ON y`", "x ON y", True),
        ("`loja é 🛒`", "loja é 🛒", True),
        ("`shop\\\\x`", "shop\\x", True),
        ("`trailing\\`", "trailing\\", True),
        ('"ansi""quotes"', 'ansi"quotes', True),
        ("shop", "shop", True),
        ("`shop`", "stock", False),
    ],
)
def test_grant_covers_databases_that_match_its_pattern(pattern: str, database: str, covered: bool) -> None:
    statements = [GLOBAL, f"GRANT ALL PRIVILEGES ON {pattern}.* TO `vex`@`%`"]
    assert (lacking(statements, [database]) == []) is covered


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT SELECT (`a`, `b`), LOCK TABLES ON `shop`.`orders` TO `vex`@`%`",
        "GRANT SELECT (`x) ON *.* TO y`) ON `shop`.`orders` TO `vex`@`%`",
        "GRANT SELECT ON `shop`.`*` TO `vex`@`%`",
        "GRANT SELECT, LOCK TABLES, SHOW VIEW ON TABLE `shop`.`orders` TO `vex`@`%`",
        "GRANT ALL PRIVILEGES ON PROCEDURE `shop`.`p` TO `vex`@`%`",
        "GRANT ALL PRIVILEGES ON PACKAGE BODY `shop`.`p` TO `vex`@`%`",
        "GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION",
        "GRANT PROXY ON 'a'@'h.com' TO 'root'@'localhost'",
        "GRANT `SELECT ON *.* TO x`@`%` TO `vex`@`%`",
        "GRANT `reader` TO `vex`@`%`",
        "SET DEFAULT ROLE `reader` FOR `vex`@`%`",
        "",
    ],
)
def test_grant_on_a_part_of_a_database_is_not_enough(statement: str) -> None:
    assert lacking([GLOBAL, statement]) == [f"{name} ON `shop`.*" for name in ("SELECT", "LOCK TABLES", "SHOW VIEW")]


def test_grants_add_up() -> None:
    statements = [
        GLOBAL,
        "GRANT SELECT ON `shop`.* TO `vex`@`%`",
        "GRANT LOCK TABLES ON `shop`.* TO `role`",
        "GRANT SHOW VIEW ON `sho%`.* TO `role`",
    ]
    assert lacking(statements) == []


def test_partial_revoke_removes_a_global_privilege() -> None:
    statements = [
        "GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, REPLICATION CLIENT, SHOW VIEW ON *.* TO `v`@`%`",
        "GRANT BACKUP_ADMIN ON *.* TO `v`@`%`",
        "REVOKE SELECT, SHOW VIEW ON `payroll`.* FROM `v`@`%`",
    ]
    databases = ["payroll", "shop"]
    found = lacking(statements, databases, "mysql", (8, 4, 0))
    assert found == ["SELECT ON `payroll`.*", "SHOW VIEW ON `payroll`.*"]
    statements.append("GRANT SELECT, SHOW VIEW ON `payroll`.* TO `v`@`%`")
    assert lacking(statements, databases, "mysql", (8, 4, 0)) == []


def test_database_hidden_by_a_partial_revoke_is_reported() -> None:
    statements = [
        "GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, REPLICATION CLIENT, SHOW VIEW ON *.* TO `v`@`%`",
        "GRANT BACKUP_ADMIN ON *.* TO `v`@`%`",
        "REVOKE SELECT ON `mysql`.* FROM `v`@`%`",
    ]
    assert lacking(statements, product="mysql", version=(8, 4, 0), every_database=True) == []
    statements.append("REVOKE SELECT, LOCK TABLES, SHOW VIEW ON `payroll`.* FROM `v`@`%`")
    found = lacking(statements, product="mysql", version=(8, 4, 0), every_database=True)
    assert found == ["SELECT ON *.* (or name the databases: others are not visible to this account)"]
    statements.append("GRANT SHOW DATABASES ON *.* TO `v`@`%`")
    assert lacking(statements, product="mysql", version=(8, 4, 0), every_database=True) == []


@given(name=st.text(min_size=1, max_size=64))
def test_any_database_name_is_read(name: str) -> None:
    escaped = "".join(f"\\{character}" if character in "_%\\" else character for character in name)
    quoted = escaped.replace("`", "``")
    assert lacking([GLOBAL, f"GRANT {ON_DATABASE} ON `{quoted}`.* TO `vex`@`%`"], [name]) == []


@given(statements=st.lists(st.text(alphabet="GRANTOREVK SELECT ON*.`\"'()TO FROM\\%_,a\n"), max_size=4))
def test_any_row_is_read_without_an_exception(statements: t.List[str]) -> None:
    everywhere = parse_grants(statements).everywhere
    assert everywhere == {privilege.strip().upper() for privilege in everywhere} - {""}


def test_missing_privileges_are_reported_with_a_remedy() -> None:
    require([], "'vex'@'%'")
    with pytest.raises(MissingGrants, match="lacks privileges that the dump needs: PROCESS ON") as caught:
        require(["PROCESS ON *.*"], "'vex'@'%'")
    assert caught.value.details == {"missing_grants": ["PROCESS ON *.*"]}
    assert "GRANT each of them TO 'vex'@'%'" in str(caught.value)


SERVERS = [("mariadb", (10, 6, 20)), ("mariadb", (11, 8, 3)), ("mysql", (8, 0, 40)), ("mysql", (9, 7, 4))]
STORED: t.List[Stored] = [
    ALL_STORED,
    WITH_ACCOUNTS,
    NOTHING_STORED,
    (True, True, False, False),
    (True, False, False, False),
    (False, False, False, True),
]


@pytest.mark.parametrize(("product", "version"), SERVERS)
@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("databases", [[], ["shop"], ["a_b%", "c`d", "e\\f"]])
def test_needed_privileges_are_enough_and_none_is_too_many(
    product: str, version: t.Tuple[int, ...], stored: Stored, databases: t.List[str]
) -> None:
    levels = needed(databases, DumpScope(product, version, *stored))

    def lacks(levels: t.Mapping[t.Tuple[str, str], t.FrozenSet[str]]) -> t.List[str]:
        statements = [statement_of(level, privileges) for level, privileges in levels.items()]
        assert by_level(parse_grants(statements)) == {level: held for level, held in levels.items() if held}
        return lacking(statements, databases or ["shop", "x"], product, version, stored, every_database=not databases)

    assert lacks(levels) == []
    for level, privileges in levels.items():
        for privilege in privileges:
            assert lacks({**levels, level: privileges - {privilege}}), privilege


def statement_of(level: t.Tuple[str, str], privileges: t.Iterable[str]) -> str:
    place = ".".join("*" if part == "*" else "`" + part.replace("`", "``") + "`" for part in level)
    return f"GRANT {', '.join(sorted(privileges)) or 'USAGE'} ON {place} TO `vex`@`%`"
