# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a restore says of what it did not compare; the rest is in tests/restore/test_mysql_restore.py."""

from __future__ import annotations

import typing as t
from unittest import mock

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._restore_plan import DatabaseRestore
from ansible_collections.vex.backup.plugins.module_utils._restore_server import doubts


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"a": 1, "b": 0}, []),
        (
            {"a": 1, "b": None, "c": None},
            ["shop: the manifest does not say how many rows b, c had, so they were not compared"],
        ),
    ],
)
def test_rows_that_the_manifest_does_not_know(tables: t.Dict[str, t.Optional[int]], said: t.List[str]) -> None:
    connection = mock.MagicMock()
    connection.cursor.return_value.__enter__.return_value.fetchall.return_value = []
    one = DatabaseRestore("shop", "shop", "dump/shop", None, tables, [], [], by_client=False)
    assert doubts(connection, one) == said
