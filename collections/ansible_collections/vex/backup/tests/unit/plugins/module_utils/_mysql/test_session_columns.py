# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of columns that depend on the session. tests/restore/test_odd_objects.py has those on real servers."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest

pytest.importorskip("pymysql")

import pymysql.err

from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.session_columns import session_columns
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import ID, make_table

STORED = Column("c", "text", "text", "latin1", True, "STORED GENERATED", r"concat(_utf8mb4\'a\\\\\',`id`)")


def found(
    *answers: t.Any,
    column: Column = STORED,
    version: str = "9.7.4",
    kind: str = "BASE TABLE",
    refused: t.Sequence[t.Any] = (),
) -> t.Tuple[t.List[str], t.List[str]]:
    """Return the columns by a server's answers, and its queries.

    :param refused: the outcomes of the queries after the first, ``None`` for a success
    """
    connection = mock.MagicMock()
    connection.get_server_info.return_value = version
    cursor = connection.cursor.return_value.__enter__.return_value
    cursor.fetchone.side_effect = answers
    errors = [one for one in answers if isinstance(one, Exception)]
    cursor.execute.side_effect = [None, *refused] if refused else errors or None
    columns = session_columns(connection, "d", make_table("t", ID, column, kind=kind))
    return columns, [call[0][0] for call in cursor.execute.call_args_list]


def test_values_of_another_session() -> None:
    columns, queries = found((7, 1), (8,))
    assert columns == ["c"]
    first, *others, second, own, language = queries
    assert r"CAST((concat(_utf8mb4'a\\',`id`)) AS CHAR)" in first
    assert "FROM (SELECT `id`, `c` FROM `d`.`t` LIMIT 1000) AS some_rows" in second
    assert others == ["SET SESSION time_zone = '+05:30'", "SET SESSION lc_time_names = 'pt_BR'"]
    assert (own, language) == ("SET SESSION time_zone = '+00:00'", "SET SESSION lc_time_names = 'en_US'")


@pytest.mark.parametrize("answers", [[(7, 0)], [(None, None)], [(7, 1), (7,)]])
def test_values_that_a_restore_computes_again(answers: t.Any) -> None:
    assert found(*answers)[0] == []


def test_a_server_without_another_language() -> None:
    refused = [None, pymysql.err.OperationalError(1231, "can't be set"), None, None, None]
    assert found((7, 1), (8,), refused=refused)[0] == ["c"]


def test_mariadb_lists_an_expression_as_it_is() -> None:
    _columns, (query,) = found((7, 0), version="5.5.5-10.11.4-MariaDB")
    assert r"_utf8mb4\'a" in query


@pytest.mark.parametrize(
    ("column", "kind"), [(STORED._replace(extra="VIRTUAL GENERATED"), "BASE TABLE"), (STORED, "SEQUENCE")]
)
def test_columns_without_stored_values(column: Column, kind: str) -> None:
    assert found(column=column, kind=kind) == ([], [])


def test_an_expression_that_cannot_stand_alone() -> None:
    assert found(pymysql.err.ProgrammingError(1064, "You have an error"))[0] == []
    with pytest.raises(ServerUnavailable):
        found(pymysql.err.OperationalError(2013, "Lost connection"))
