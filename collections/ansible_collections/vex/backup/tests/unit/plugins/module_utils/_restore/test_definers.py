# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the accounts and time zones that are read from definitions.

tests/restore/test_mysql_restore.py tests their creation on a server.
"""

from __future__ import annotations

from unittest import mock

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._restore.definers import (
    create_time_zones,
    find_definers,
    find_time_zones,
)

DEFINITIONS = [
    Definition("EVENT", "a", [b"SET time_zone = 'America/Sao_Paulo'"], [b"CREATE DEFINER=`dba`@`%` EVENT a DO x"]),
    Definition("EVENT", "b", [b"SET time_zone = '+02:00'"], [b"CREATE EVENT b DO x"]),
    Definition("EVENT", "c", [b"SET time_zone = 'SYSTEM'"], [b"CREATE EVENT c DO x"]),
    Definition("EVENT", "d", [b"SET time_zone = 'Etc/GMT+3'"], [b'CREATE DEFINER="o"@"h" EVENT d DO x']),
    Definition("TABLE", "t", [], [b"CREATE TABLE t (a INT COMMENT 'DEFINER=`no`@`no`')"]),
]


def test_names_are_read_from_definitions() -> None:
    assert find_definers(DEFINITIONS) == {"`dba`@`%`", '"o"@"h"'}
    assert find_time_zones(DEFINITIONS) == {"America/Sao_Paulo", "Etc/GMT+3"}


@pytest.mark.parametrize(("unknown", "created"), [(1, ["America/Sao_Paulo", "Etc/GMT+3"]), (0, [])])
def test_only_time_zones_that_the_server_does_not_know_are_created(unknown: int, created: list[str]) -> None:
    connection = mock.MagicMock()
    cursor = connection.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value = (unknown,)
    create_time_zones(connection, DEFINITIONS)
    inserted = [call[0] for call in cursor.execute.call_args_list if "mysql.time_zone_name" in call[0][0]]
    assert [given["name"] for _statement, given in inserted] == created
