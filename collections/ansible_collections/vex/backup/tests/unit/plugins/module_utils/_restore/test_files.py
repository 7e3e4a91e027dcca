# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the lock on a backup that is being loaded; tests/restore/test_mysql_restore.py tests the files."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning
from ansible_collections.vex.backup.plugins.module_utils._restore.files import prepared
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan

PLAN = RestorePlan([], "0.10", False, "none", 0)


def test_a_second_restore_does_not_touch_the_files_of_the_first(tmp_path: pathlib.Path) -> None:
    """The second restore would remove them as files of a killed restore."""
    root, loading = tmp_path / "backup_20260101_030000", tmp_path / "backup_20260101_030000.loading"
    root.mkdir()
    with prepared(str(root), PLAN, Deadline(0, "the restore")):
        (loading / "0.sql").touch()
        with (
            pytest.raises(AlreadyRunning, match="another restore loads"),
            prepared(str(root), PLAN, Deadline(0, "the restore")),
        ):
            pass
        assert (loading / "0.sql").exists()
    assert not loading.exists()
    (loading / "0").mkdir(parents=True)
    with prepared(str(root), PLAN, Deadline(0, "the restore")):
        assert list(loading.iterdir()) == []
