# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the statement that the client executes first; tests/restore/test_mysql_restore.py tests the rest."""

from __future__ import annotations

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._restore.target import session_settings


@pytest.mark.parametrize(
    ("product", "binlog", "statement"),
    [
        ("mysql", True, ""),
        ("mysql", False, "SET SESSION sql_log_bin = 0"),
        ("mariadb", True, "SET SESSION check_constraint_checks = 0"),
        ("mariadb", False, "SET SESSION check_constraint_checks = 0, sql_log_bin = 0"),
    ],
)
def test_session_settings(product: str, binlog: bool, statement: str) -> None:
    assert session_settings(product, binlog=binlog) == statement
