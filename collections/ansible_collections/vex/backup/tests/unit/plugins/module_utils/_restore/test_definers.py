# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the scripts of a backup name of their server; what is made of it is in tests/restore/test_mysql_restore.py."""

from __future__ import annotations

import pathlib
from unittest import mock

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._restore.definers import definers, make_time_zones, time_zones

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


def test_what_is_named(folder: str) -> None:
    assert definers([folder]) == {"`dba`@`%`"}
    assert time_zones([folder]) == {"America/Sao_Paulo", "Etc/GMT+3"}


@pytest.mark.parametrize(("unknown", "made"), [(1, ["America/Sao_Paulo", "Etc/GMT+3"]), (0, [])])
def test_only_what_the_server_does_not_know_is_made(folder: str, unknown: int, made: list[str]) -> None:
    connection = mock.MagicMock()
    cursor = connection.cursor.return_value.__enter__.return_value
    cursor.fetchone.return_value = (unknown,)
    make_time_zones(connection, [folder])
    inserted = [call[0] for call in cursor.execute.call_args_list if "mysql.time_zone_name" in call[0][0]]
    assert [given["name"] for _statement, given in inserted] == made
