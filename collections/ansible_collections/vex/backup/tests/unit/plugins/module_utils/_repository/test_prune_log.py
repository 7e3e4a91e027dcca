# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the removals that the log tables note; those with a log database are in tests/restore."""

from __future__ import annotations

import datetime
import pathlib

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import PruneLog, Removal

MOMENT = datetime.datetime(2026, 1, 1, 3)


def test_without_removals_the_log_database_is_not_needed(tmp_path: pathlib.Path) -> None:
    nowhere = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")
    assert PruneLog(str(tmp_path / "spool"), nowhere, 600, RunLog(None)).deliver() == []


def test_while_the_log_database_is_away_nothing_is_known_of_restores(tmp_path: pathlib.Path) -> None:
    """Retention waits for it once, and not again when it notes the removals."""
    nowhere = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")
    log = tmp_path / "log"
    prune_log = PruneLog(str(tmp_path / "spool"), nowhere, 0.2, RunLog(str(log)))
    assert prune_log.restores_in_progress(MOMENT) == {}
    prune_log.keep(Removal("6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001", "k", MOMENT))
    (problem,) = prune_log.deliver()
    assert "a later run notes them in the log tables" in problem
    assert "tried" not in problem
    waited = log.read_text(encoding="utf-8")
    assert "retention does not know which backups are being restored: log database: " in waited
    assert waited.count("does not answer") == 1
