# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements that read row checksums. Real servers run them in the integration tests."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.row_sums import Row, RowSums, summed
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table


def column(name: str, kind: str = "int", extra: str = "", expression: str = "") -> Column:
    return Column(name, kind, kind, "", bool(expression), extra, expression)


class Server:
    """Answers each SELECT of a statement with its number, a checksum and a label."""

    def __init__(self) -> None:
        self.statements: t.List[str] = []

    @contextlib.contextmanager
    def cursor(self) -> t.Iterator[t.Any]:
        yield self

    def execute(self, statement: str) -> None:
        self.statements.append(statement)

    def fetchall(self) -> t.List[t.Tuple[t.Any, ...]]:
        selects = self.statements[-1].split(" UNION ALL ")
        return [(int(select[len("(SELECT ") :].partition(",")[0]), 5, "label") for select in selects]

    def escape(self, value: t.Any) -> str:
        return str(value)


def sums_of(server: Server, table: Table) -> RowSums:
    return RowSums(t.cast("t.Any", server), "100%", table, table.key)


def test_all_slices_of_a_table_come_by_one_statement() -> None:
    server = Server()
    table = Table("t`s", "BASE TABLE", "InnoDB", [column("a"), column("b")], ["a", "b"], 0, 0)
    found = sums_of(server, table).rows([None, 7], 20, last=True, named=True)
    assert found == [[Row(5, ("label",))]] * 3
    checksum = "CRC32(CONCAT_WS(',',IFNULL(`a`,'-'),IFNULL(`b`,'-')))&16777215,`a`,`b` FROM `100%`.`t``s`"
    a, b = "`100%`.`t``s`.`a`", "`100%`.`t``s`.`b`"
    expected = (
        f"(SELECT 0,{checksum} ORDER BY {a},{b} LIMIT 20)"
        f" UNION ALL (SELECT 1,{checksum} WHERE `a`>=7 ORDER BY {a},{b} LIMIT 20)"
        f" UNION ALL (SELECT 2,{checksum} ORDER BY {a} DESC,{b} DESC LIMIT 20)"
    )
    assert server.statements == [expected]


def test_statements_for_a_wide_table_stay_small() -> None:
    server = Server()
    columns = [column(f"column_{number}") for number in range(1000)]
    sums = sums_of(server, Table("t", "BASE TABLE", "InnoDB", columns, ["column_0"], 0, 0))
    assert sums.rows(list(range(49)), 20) == [[Row(5, ("label",))]] * 49
    assert len(server.statements) > 1
    assert all(len(statement) < 300_000 for statement in server.statements)


def test_the_history_of_a_versioned_table_is_read_in_order() -> None:
    server = Server()
    table = Table("t", "SYSTEM VERSIONED", "InnoDB", [column("a"), column("v", "int", "VIRTUAL", "a")], ["a"], 0, 0)
    sums_of(server, table).rows([None], 20)
    assert (
        "FROM `100%`.`t` FOR SYSTEM_TIME ALL ORDER BY `100%`.`t`.`a`,`100%`.`t`.`row_end` LIMIT 20"
        in server.statements[0]
    )
    assert [one.name for one in summed(table)] == ["a", "row_start", "row_end"]
    named = [column("a"), column("s", "timestamp", "", "ROW START"), column("e", "timestamp", "", "ROW END")]
    assert summed(table._replace(columns=named)) == named


def test_without_a_key_short_values_name_a_row() -> None:
    columns = [column("body", "longtext"), column("a"), column("b", "varchar"), column("c", "date"), column("d")]
    assert sums_of(Server(), Table("t", "BASE TABLE", "InnoDB", columns, [], 0, 0)).label == ["a", "b", "c"]
