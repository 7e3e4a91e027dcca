# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pruning of a work directory and of the bucket in one call."""

from __future__ import annotations

import dataclasses
import datetime
import pathlib

import pytest

pytest.importorskip("boto3")
pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import prune_host_and_bucket
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import PruneLog, Removal
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import PruneLocalRequest
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._repository import pruning
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import NAME, FakeBucket, use

OLD, NEW = "backup_20260101_030000", "backup_20260102_030000"
REQUEST = dataclasses.replace(pruning.REQUEST, prefix="", name=NEW, keep_last=1)


@pytest.mark.parametrize("with_host", [True, False])
def test_both_are_pruned(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, with_host: bool) -> None:
    bucket = FakeBucket()
    use(bucket, monkeypatch)
    for day, name in ((1, OLD), (2, NEW)):
        bucket.put_backup(f"db1/2026/01/{name}.zip", datetime.datetime(2026, 1, day, 3))
    (tmp_path / f"{NEW}.zip").touch()
    host = PruneLocalRequest(
        str(tmp_path), NEW, complete=True, keep_local=1, keep_failed=1, abandoned_after=0, check_mode=False
    )
    result = prune_host_and_bucket(host if with_host else None, REQUEST, RunLog(None))
    assert result["changed"]
    assert [one["name"] for one in result["decisions"] if one["removed"]] == [OLD]
    assert (tmp_path / f"{NEW}.uploaded").exists() is with_host


def test_a_prune_that_removes_nothing_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = FakeBucket()
    use(bucket, monkeypatch)
    bucket.put_backup(f"db1/2026/01/{NEW}.zip", datetime.datetime(2026, 1, 2, 3))
    assert not prune_host_and_bucket(None, dataclasses.replace(REQUEST, name=None), RunLog(None))["changed"]


@pytest.mark.parametrize(("code", "stays"), [("AccessDenied", False), ("ExpiredToken", True)])
def test_the_rest_of_a_removal_that_the_bucket_refuses_is_named(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, code: str, stays: bool
) -> None:
    bucket = FakeBucket()
    use(bucket, monkeypatch)
    key, moment = f"db1/2026/01/{OLD}.zip", datetime.datetime(2026, 1, 1, 3)
    bucket.put(key, b"x", moment)
    bucket.refuse("delete_object", key, code)
    database = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")
    run = "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001"
    PruneLog(str(tmp_path), database, 0, RunLog(None)).begin(NAME, Removal(run, key, moment))
    request = dataclasses.replace(REQUEST, spool_dir=str(tmp_path), log_database=database)
    message = prune_host_and_bucket(None, request, RunLog(None))["message"]
    assert message.startswith(f"what a killed retention left was not removed: DeleteObject of s3://{NAME}/{key}")
    # Without a note, an audit names it.
    assert (tmp_path / "removing" / f"{run}.json").exists() is stays
