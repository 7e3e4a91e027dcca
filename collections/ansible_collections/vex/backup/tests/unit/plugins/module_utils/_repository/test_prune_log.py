# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the removals that the log tables note; those with a log database are in tests/restore."""

from __future__ import annotations

import pathlib

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase, log_patience
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import PruneLog


def test_without_removals_the_log_database_is_not_needed(tmp_path: pathlib.Path) -> None:
    nowhere = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")
    assert PruneLog(str(tmp_path / "spool"), nowhere, log_patience(600)).deliver() == []
