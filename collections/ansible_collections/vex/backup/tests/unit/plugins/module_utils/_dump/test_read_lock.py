# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The binlog position by product and version. tests/integration/test_read_lock.py locks a real server."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.read_lock import ReadLock
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, Server
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import SERVER

MARIADB = SERVER._replace(binlog_enabled=True)
OLD_MYSQL = MARIADB._replace(product="mysql", numbers=(8, 0, 40))
NEW_MYSQL = MARIADB._replace(product="mysql", numbers=(8, 2, 0))
GTIDS = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5,\n4e11fa47-71ca-11e1-9e33-c80aa9429562:1-7:9"


class Connection:
    """A connection, and the cursor of it, to a server with these answers."""

    def __init__(self, answers: t.Mapping[str, t.Sequence[t.Any]]) -> None:
        self._answers = answers
        self._row: t.Optional[t.Sequence[t.Any]] = None

    def cursor(self) -> t.ContextManager[Connection]:
        return contextlib.nullcontext(self)

    def execute(self, statement: str) -> None:
        self._row = self._answers[statement] or None

    def fetchone(self) -> t.Optional[t.Sequence[t.Any]]:
        return self._row


@pytest.mark.parametrize(
    ("server", "answers", "position"),
    [
        (MARIADB._replace(binlog_enabled=False), {}, None),
        (MARIADB, {"SHOW MASTER STATUS": []}, None),
        (
            MARIADB,
            {"SHOW MASTER STATUS": ["bin.1", 42, "", ""], "SELECT @@gtid_binlog_pos": ["0-1-9"]},
            BinlogPosition("bin.1", "42", "0-1-9"),
        ),
        (
            MARIADB,
            {"SHOW MASTER STATUS": ["bin.1", 42, "", ""], "SELECT @@gtid_binlog_pos": [None]},
            BinlogPosition("bin.1", "42", ""),
        ),
        (
            OLD_MYSQL,
            {"SHOW MASTER STATUS": ["bin.1", 42, "", "", GTIDS]},
            BinlogPosition("bin.1", "42", GTIDS.replace("\n", "")),
        ),
        (NEW_MYSQL, {"SHOW BINARY LOG STATUS": ["bin.1", 42, "", "", ""]}, BinlogPosition("bin.1", "42", "")),
        (NEW_MYSQL, {"SHOW BINARY LOG STATUS": ["bin.1", 42, ""]}, BinlogPosition("bin.1", "42", "")),
    ],
)
def test_position(server: Server, answers: t.Dict[str, t.List[t.Any]], position: t.Optional[BinlogPosition]) -> None:
    assert ReadLock(t.cast("t.Any", Connection(answers)), server).position == position
