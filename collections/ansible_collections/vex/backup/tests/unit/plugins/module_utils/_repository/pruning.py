# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bucket with four backups, and retention in it."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME, RunLog
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import Pruned, PruneRequest, prune_objects
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_log import Removal, RemovalNotes
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    FakeBucket,
    destination,
    open_store,
)

START = datetime.datetime(2026, 1, 1, 3)
DAY = datetime.timedelta(days=1)
NOW = START + 4 * DAY
KEY = "0123456789abcdef"
UUID = "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001"


def key_of(day: int) -> str:
    taken = START + day * DAY
    return f"p/db1/{taken:%Y/%m}/{taken.strftime(RUN_NAME)}.zip"


def make_bucket() -> FakeBucket:
    """Put four backups of four days, and another host's."""
    made = FakeBucket()
    for day in range(4):
        made.put_backup(key_of(day), START + day * DAY)
    made.put_backup("p/db10/2026/01/backup_20250101_030000.zip", START)
    return made


REQUEST = PruneRequest(
    destination=destination(),
    prefix="/p/",
    hostname="db1",
    name=None,
    keep_last=2,
    keep_daily=0,
    keep_weekly=0,
    keep_monthly=0,
    keep_yearly=0,
    unfinished_days=7,
    manifest_keys=(),
    spool_dir=None,
    log_database=None,
    patience=0,
    timeout=None,
    check_mode=False,
)


def prune(bucket: FakeBucket, now: datetime.datetime = NOW, **changes: t.Any) -> Pruned:
    request = dataclasses.replace(REQUEST, **changes)
    begun: t.List[Removal] = []
    kept: t.List[Removal] = []
    notes = RemovalNotes(begun.append, kept.append, begun.remove)
    with open_store(bucket) as store:
        pruned = prune_objects(request, store, now, RunLog(None), notes)
    assert kept == ([] if request.check_mode else pruned.removals)
    return pruned


def backups(bucket: FakeBucket) -> t.List[str]:
    """Return the days of the backups that have an archive and a manifest."""
    return [str(day) for day in range(4) if {key_of(day), f"{key_of(day)}.manifest.json"} <= bucket.objects.keys()]
