# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The expressions of row checksums. Real servers compute them in the integration tests."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.exact_values import exact_value, row_checksum
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column


def column(name: str, kind: str, definition: str = "", expression: str = "") -> Column:
    return Column(name, kind, definition or kind, "", bool(expression), "", expression)


@pytest.mark.parametrize(
    ("kind", "definition", "expected"),
    [
        ("int", "int(11)", "`c`"),
        ("int", "int(6) unsigned zerofill", "`c`+0"),
        ("decimal", "decimal(10,2)", "`c`"),
        ("timestamp", "timestamp(6)", "`c`"),
        ("uuid", "uuid", "`c`"),
        ("float", "float(10,2)", "CRC32(POINT(`c`+0e0,0))"),
        ("double", "double", "CRC32(POINT(`c`+0e0,0))"),
        ("bit", "bit(64)", "`c`+0"),
        ("set", "set('a')", "CAST(`c` AS UNSIGNED)"),
        ("varchar", "varchar(20)", "CRC32(`c`)"),
        ("json", "json", "CRC32(CAST(CAST(`c` AS CHAR) AS JSON))"),
        ("point", "point", "CRC32(`c`)"),
        ("of a later version", "of a later version", "CRC32(`c`)"),
    ],
)
def test_each_type_has_an_exact_expression(kind: str, definition: str, expected: str) -> None:
    assert exact_value(column("c", kind, definition)) == expected


def test_the_end_of_a_row_that_counts_is_the_same_on_every_version() -> None:
    expected = "IF(`e`<'2038-01-19 03:14:07',`e`,'-')"
    assert exact_value(column("e", "timestamp", "timestamp(6)", "row end")) == expected


def test_a_row_is_the_list_of_its_values() -> None:
    columns = [column("a`b", "int"), column("50%", "blob")]
    assert row_checksum(columns) == "CRC32(CONCAT_WS(',',IFNULL(`a``b`,'-'),IFNULL(CRC32(`50%`),'-')))"
