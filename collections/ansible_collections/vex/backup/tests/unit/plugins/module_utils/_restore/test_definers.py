# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the accounts and time zones that are read from scripts.

tests/restore/test_mysql_restore.py tests their creation on a server.
"""

from __future__ import annotations

import pathlib
from unittest import mock

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._restore.definers import (
    create_time_zones,
    find_definers,
    find_time_zones,
)

SCRIPT = b"""SET @vex_sql_mode = @@sql_mode, @vex_time_zone = @@time_zone;
SET time_zone = 'America/Sao_Paulo';
CREATE DEFINER=`dba`@`%` EVENT a ON SCHEDULE EVERY 1 DAY DO SELECT 1;;
SET time_zone = '+02:00';
SET time_zone = 'SYSTEM';
SET time_zone = 'Etc/GMT+3';
SET sql_mode = @vex_sql_mode, time_zone = @vex_time_zone;
"""


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> str:
    (tmp_path / "programs.sql").write_bytes(SCRIPT)
    return str(tmp_path)


def test_names_are_read_from_scripts(folder: str) -> None:
    assert find_definers([folder]) == {"`dba`@`%`"}
    assert find_time_zones([folder]) == {"America/Sao_Paulo", "Etc/GMT+3"}


@pytest.mark.parametrize(("unknown", "created"), [(1, ["America/Sao_Paulo", "Etc/GMT+3"]), (0, [])])
def test_only_time_zones_that_the_server_does_not_know_are_created(
    folder: str, unknown: int, created: list[str]
) -> None:
    connection = mock.MagicMock()
    cursor = connection.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value = (unknown,)
    create_time_zones(connection, [folder])
    inserted = [call[0] for call in cursor.execute.call_args_list if "mysql.time_zone_name" in call[0][0]]
    assert [given["name"] for _statement, given in inserted] == created
