# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The drivers of both generations of MyDumper: their arguments, and what they dump exactly."""

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import (
    Driver,
    Dump,
    is_plain,
    plain_tables_regex,
    reason_against_any,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.captured_dumps import (
    DRIVERS,
    NEW,
    OLD,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import ID, make_table

DUMP = Dump(
    databases=["shop"],
    output="/d/out",
    log="/d/log",
    option_file="/p/client.cnf",
    omitted="/p/omitted",
    threads=4,
    product="mysql",
    server_version="9.7.4",
    statement_bytes=1000,
)
COMMON = {
    "--defaults-file=/p/client.cnf",
    "--outputdir=/d/out",
    "--logfile=/d/log",
    "--threads=4",
    "--verbose=3",
    "--omit-from-file=/p/omitted",
    "--no-schemas",
    "--no-views",
    "--complete-insert",
    "--chunk-filesize=64",
    "--statement-size=1000",
}
EACH_DRIVER = pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.generation)


def test_arguments_of_0_10() -> None:
    own = {"--no-locks", f"--regex={plain_tables_regex(['shop'])}", "--database=shop"}
    assert set(OLD.arguments(DUMP)) == COMMON | own
    # It would take several names for one, and its threads spoil each other's list of tables.
    several = {"--no-locks", f"--regex={plain_tables_regex(['a', 'b'])}", "--threads=1"}
    assert set(OLD.arguments(DUMP._replace(databases=["a", "b"]))) == COMMON - {"--threads=4"} | several


def test_arguments_of_1() -> None:
    own = {
        "--database=a,b",
        f"--regex={plain_tables_regex(['a', 'b'])}",
        "--sync-thread-lock-mode=SAFE_NO_LOCK",
        "--check-row-count",
        "--rows=-1",
        "--server-version=mysql-9.7.4",
    }
    assert set(NEW.arguments(DUMP._replace(databases=["a", "b"]))) == COMMON | own


def test_arguments_of_a_trial() -> None:
    assert OLD.trial_arguments("mysql", "9.7.4") == ["--no-locks"]
    assert NEW.trial_arguments("mysql", "9.7.4") == [
        "--sync-thread-lock-mode=NO_LOCK",
        "--server-version=mysql-9.7.4",
    ]


@pytest.mark.parametrize(
    ("driver", "log"),
    [
        (OLD, "2026-01-01 03:00:00 [INFO] - Thread 1 dumping data for `shop`.`orders`"),
        (OLD, "2026-01-01 03:00:00 [INFO] - Finished dump at: 2026-01-01 03:00:00"),
        (NEW, "2026-01-01 03:00:00 [INFO] - Transactions started, unlocking tables"),
    ],
)
def test_line_that_shows_the_snapshots(driver: Driver, log: str) -> None:
    assert driver.snapshots_exist.search(log)
    assert not driver.snapshots_exist.search("2026-01-01 03:00:00 [INFO] - Started dump at: 2026-01-01 03:00:00")


def test_first_chunk_of_0_10_may_get_another_name() -> None:
    names = [
        "metadata.partial",
        "d.one.00001.sql",
        "d.t.00001.sql",
        "d.t.00002.sql",
        "d.u.00001.sql",
        "d.u.00003.sql",
        "d.7.sql",
        "d.00001.sql",
        "d.00001.00001.sql",
    ]
    renamed = {"d.one.00001.sql", "d.u.00001.sql", "d.00001.sql", "d.00001.00001.sql"}
    assert set(OLD.final_names(names)) == set(names) - renamed


def test_files_of_1_keep_their_names() -> None:
    names = ["d.t.00000.sql", "d.t.00000.00001.sql"]
    assert NEW.final_names(names) == names


@EACH_DRIVER
def test_there_are_no_names_without_files(driver: Driver) -> None:
    assert driver.final_names([]) == []


ODD_NAMES = [
    "ação",
    "it's",
    'double"quote',
    "back`tick",
    "com,ma",
    "ta\tb",
    "new\nline",
    "dot.ted",
    "sla/sh",
    "back\\slash",
    "per%cent",
    "with space",
    "[bracket",
    "#hash",
    "mydumper_0",
    "a-schema",
    "a-schema-view",
    "a-checksum",
    "a-metadata",
    "",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_not_for_mydumper(name: str) -> None:
    assert not is_plain(name)
    assert reason_against_any(name, make_table("t")) == f"the name {name!r}"
    assert reason_against_any("d", make_table(name)) == f"the name {name!r}"
    assert reason_against_any("d", make_table("t", ID._replace(name=name))) == f"the name {name!r}"


@pytest.mark.parametrize("name", ["t", "T_1", "-dash", "7", "metadata", "schema", "Select", "my-dumper_0"])
def test_plain_names(name: str) -> None:
    assert is_plain(name)
    assert reason_against_any(name, make_table(name, ID._replace(name=name))) == ""


def test_too_long_names() -> None:
    assert reason_against_any("d" * 64, make_table("t" * 64)) == ""
    assert reason_against_any("d" * 160, make_table("t" * 61)) == f"the length of the name {'t' * 61!r}"


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (make_table("t", kind="SEQUENCE", engine="MyISAM"), "no rows of its own"),
        (make_table("t", engine="MRG_MyISAM"), "no rows of its own"),
        (make_table("t", engine="MyISAM"), "the engine MyISAM"),
        (make_table("t", engine=""), "the engine without a name"),
        (make_table("t", engine="ROCKSDB"), ""),
        (make_table("t", kind="SYSTEM VERSIONED"), "the history of its rows"),
        (make_table("t", ID._replace(is_generated=True)), "no column that is not computed"),
        (make_table("t"), ""),
    ],
)
def test_tables_by_their_kind(table: Table, reason: str) -> None:
    assert reason_against_any("d", table) == reason


@pytest.mark.parametrize("kind", ["float", "uuid", "inet4", "inet6", "xmltype", "a_type_of_the_future"])
def test_types_that_are_not_rendered_exactly(kind: str) -> None:
    odd = Column("x", kind, kind, "", False, "")
    assert reason_against_any("d", make_table("t", ID, odd)) == f"the {kind.upper()} column 'x'"
    # The server computes it again.
    assert reason_against_any("d", make_table("t", ID, odd._replace(is_generated=True))) == ""


@pytest.mark.parametrize(
    "kind", ["bigint", "decimal", "double", "bit", "json", "timestamp", "year", "enum", "set", "text", "blob", "point"]
)
def test_types_that_are_rendered_exactly(kind: str) -> None:
    assert reason_against_any("d", make_table("t", Column("x", kind, kind, "", False, ""))) == ""


@pytest.mark.parametrize(("places", "is_exact"), [("", True), ("(65,30) unsigned", True), ("(66,2)", False)])
def test_numbers_that_a_decimal_cannot_hold_are_not_rendered_exactly(places: str, is_exact: bool) -> None:
    column = Column("x", "double", f"double{places}", "", False, "")
    assert reason_against_any("d", make_table("t", column)) == ("" if is_exact else "the DOUBLE column 'x'")


@pytest.mark.parametrize("kind", ["enum", "set"])
@pytest.mark.parametrize(
    ("members", "is_exact"),
    [
        ("('a','b')", True),
        ("('a?')", False),
        ("('')", False),
        ("('','a')", False),
        ("('a','','b')", False),
        ("('a','')", False),
    ],
)
def test_members_that_are_not_rendered_exactly(kind: str, members: str, is_exact: bool) -> None:
    column = Column("x", kind, f"{kind}{members}", "", False, "")
    assert reason_against_any("d", make_table("t", column)) == ("" if is_exact else f"the {kind.upper()} column 'x'")


@pytest.mark.parametrize(
    ("product", "extra", "reason"),
    [
        ("mariadb", "INVISIBLE", "the invisible column 'x'"),
        ("mysql", "INVISIBLE", "the invisible column 'x'"),
        ("mysql", "DEFAULT_GENERATED", "the expression that is the default of the column 'x'"),
        ("mariadb", "DEFAULT_GENERATED", ""),
        ("mysql", "AUTO_INCREMENT", ""),
    ],
)
def test_columns_that_0_10_leaves_out(product: str, extra: str, reason: str) -> None:
    table = make_table("t", ID, Column("x", "int", "int", "", False, extra))
    assert OLD.reason_against(product, table) == reason
    assert NEW.reason_against(product, table) == ""


@pytest.mark.parametrize(("product", "reason"), [("mysql", "the computed column 'c'"), ("mariadb", "")])
def test_computed_columns_that_0_10_shuffles(product: str, reason: str) -> None:
    computed = Column("c", "int", "int", "", True, "VIRTUAL GENERATED")
    assert OLD.reason_against(product, make_table("t", ID, computed, ID._replace(name="d"))) == reason
    assert OLD.reason_against(product, make_table("t", ID)) == ""
    assert NEW.reason_against(product, make_table("t", ID, computed)) == ""


def test_databases_that_0_10_cannot_read_together() -> None:
    names = ["shop", "ação"]
    assert OLD.reason_against_instance("mysql", names) == "the name of the database 'ação'"
    assert OLD.reason_against_instance("mariadb", names) == ""
    assert OLD.reason_against_instance("mysql", ["shop"]) == ""
    assert NEW.reason_against_instance("mysql", names) == ""


def matches(databases: t.Sequence[str], text: str) -> bool:
    # MyDumper's own flags. Python's \Z is what PCRE calls \z.
    pattern = plain_tables_regex(databases).replace(r"\z", r"\Z")
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE).search(text) is not None


PLAIN = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
NAMES = st.one_of(st.sampled_from([name for name in ODD_NAMES if name]), PLAIN, st.text(min_size=1, max_size=12))


@given(st.lists(PLAIN.filter(is_plain), min_size=1, max_size=3), NAMES, NAMES)
@example(["d"], "d", "a-schema")
@example(["d"], "d", "mydumper_0")
@example(["d"], "d", "MyDumper_0")
@example(["d"], "d", "a-Schema")
@example(["d"], "D", "t")
@example(["d"], "a\nd", "t")
@example(["d"], "d", "t\n")
@example(["d"], "d", "t\nd.t")
@example(["d", "shop"], "shop", "t")
@example(["d"], "dd", "t")
def test_regular_expression_matches_the_plain_tables_of_the_databases(
    databases: t.List[str], other: str, table: str
) -> None:
    for name in databases:
        assert matches(databases, f"{name}.{table}") is is_plain(table)
    if "." not in other:
        assert matches(databases, f"{other}.{table}") is (other in databases and is_plain(table))
