# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The versions of MyDumper, its arguments and its session variables."""

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    LEGACY,
    MODERN,
    Dump,
    Version,
    arguments,
    databases_regex,
    environment,
    parse_version,
    session_variables,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.captured_dumps import NEW, OLD


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("mydumper 0.10.0, built against MySQL 10.11.14", Version("0.10.0", LEGACY)),
        ("mydumper 0.10.7-2, built against MySQL 5.7.35", Version("0.10.7", LEGACY)),
        ("mydumper v0.20.0-1, built against MySQL 8.0.40 with SSL support", Version("0.20.0", MODERN)),
        ("mydumper1 v1.0.1-3, built against MySQL 9.7.4", NEW),
    ],
)
def test_supported_versions(output: str, version: Version) -> None:
    assert parse_version(output) == version


@pytest.mark.parametrize("number", ["0.9.5", "0.11.1", "0.19.3"])
def test_unsupported_versions_are_refused(number: str) -> None:
    with pytest.raises(ProgramMissing, match=f"mydumper {number} is not supported.*install 0.10.x, or 0.20 or later"):
        parse_version(f"mydumper {number}, built against MySQL 5.7")


def test_output_without_a_version_is_refused() -> None:
    with pytest.raises(ProgramMissing, match="holds no version"):
        parse_version("mydumper: error while loading shared libraries")


DUMP = Dump(
    databases=["shop"],
    output="/d/out",
    log="/d/log",
    option_file="/p/client.cnf",
    threads=4,
    long_query_guard=60,
    product="mysql",
    server_version="9.7.4",
    routines=True,
    events=True,
    triggers=True,
    non_transactional_tables=False,
)
COMMON = [
    "--defaults-file=/p/client.cnf",
    "--outputdir=/d/out",
    "--logfile=/d/log",
    "--threads=4",
    "--long-query-guard=60",
    "--verbose=3",
]


def test_arguments_of_0_10() -> None:
    own = ["--complete-insert", "--chunk-filesize=64"]
    assert arguments(OLD, DUMP) == [*COMMON, "--database=shop", *own]
    assert arguments(OLD, DUMP._replace(databases=["a,b"])) == [*COMMON, "--database=a,b", *own]
    assert arguments(Version("0.10.9", LEGACY), DUMP) == [*COMMON, "--database=shop", "--complete-insert"]


def test_arguments_of_newer_versions() -> None:
    everything = ["--routines", "--events", "--triggers", "--server-version=mysql-9.7.4"]
    assert arguments(NEW, DUMP) == [*COMMON, "--database=shop", *everything]
    mixed = DUMP._replace(
        databases=["a,b"], routines=False, events=False, triggers=False, non_transactional_tables=True
    )
    assert arguments(NEW, mixed) == [
        *COMMON,
        r"--regex=\A(?-i:a\,b)\.",
        "--server-version=mysql-9.7.4",
        "--trx-tables=0",
    ]


def test_several_databases_are_one_regular_expression() -> None:
    assert arguments(OLD, DUMP._replace(databases=["a", "b c"]))[-3] == r"--regex=\A(?-i:a|b\ c)\."


NAMES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(NAMES, min_size=1, max_size=3), NAMES, NAMES)
def test_regular_expression_matches_only_the_databases(databases: t.List[str], other: str, table: str) -> None:
    # MyDumper's own flags. Python can only remove a flag that was set.
    pattern = re.compile(databases_regex(databases), re.IGNORECASE | re.MULTILINE)
    for name in databases:
        assert pattern.search(f"{name}.{table}")
        assert pattern.search(f"{name}.(null)")
    if "." not in other and other not in databases:
        named = [name for name in databases if f"{other}.{table}.".startswith(f"{name}.")]
        assert bool(pattern.search(f"{other}.{table}")) is bool(named)


def test_regular_expression_is_case_sensitive() -> None:
    pattern = re.compile(databases_regex(["shop"]), re.IGNORECASE | re.MULTILINE)
    assert pattern.search("shop.orders")
    assert not pattern.search("SHOP.orders")
    assert not pattern.search("old\nshop.orders")


def test_session_variables() -> None:
    assert session_variables(NEW, "mysql", "9.7.4") == {"explain_format": "TRADITIONAL"}
    assert session_variables(NEW, "mysql", "8.4.0") == {}
    assert session_variables(NEW, "mariadb", "11.8.2") == {}
    assert session_variables(OLD, "mysql", "9.7.4") == {}


def test_environment_allows_names_that_are_not_ascii() -> None:
    assert environment() == {"CHARSET": "UTF-8", "LC_ALL": "C.UTF-8"}
