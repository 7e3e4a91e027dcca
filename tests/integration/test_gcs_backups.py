"""Backups in Google Cloud Storage: uploaded, listed, held, restored, audited, proven and pruned; and its trial."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DownloadFailed,
    StoreFailed,
    TransferDamaged,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.trial import TrialRequest, try_bucket
from tests.integration.gcs_place import Place
from tests.integration.store_kinds import HOST, PARTS, SINGLE, Backups

NEEDS = ["list", "write", "read", "remove", "parts"]
UNTIL = "2999-01-02T03:04:05Z"


def backups_in(place: Place, **settings: Any) -> Backups:
    made = Backups(place.folder, place.bucket, None)
    made._common["destination"] = place.destination(**settings)
    return made


def test_the_life_of_backups(gcs_place: Place) -> None:
    backups = backups_in(gcs_place)
    keys = [backups.upload(day, size, "ARCHIVE") for day, size in enumerate((SINGLE, SINGLE, SINGLE, PARTS))]
    assert "size and checksum match" in backups.log.read_text()
    assert [(one["key"], one["manifest"]) for one in backups.listed()] == [(key, True) for key in reversed(keys)]
    assert {one["storage_class"] for one in backups.listed()} == {"ARCHIVE"}
    backups.hold("backup_20260101_030000")
    backups.prove(keys[3])
    assert backups.download()["cold"] is None
    backups.download("backup_20260103_030000")
    assert backups.audit() == []
    gcs_place.lock(keys[1], temporaryHold=True)
    found = backups.prune(keep_last=1)
    assert "message" not in found
    assert [one["key"] for one in backups.listed()] == [keys[3], keys[1], keys[0]]
    assert [one["reason"] for one in found["decisions"]][2] == "locked by the bucket: a legal hold"
    gcs_place.lock(keys[1], temporaryHold=False, retentionExpirationTime=UNTIL)
    assert "locked by the bucket until 2999-01-02" in backups.prune(keep_last=1)["decisions"][1]["reason"]
    backups.hold("backup_20260101_030000", "absent")
    backups.prune(keep_last=1)
    assert [one["key"] for one in backups.listed()] == [keys[3], keys[1]]
    assert backups.audit() == []


def test_a_store_that_fails_now_and_then(gcs_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.0)
    backups = backups_in(gcs_place)
    backups._common.update(patience=300, timeout=None)
    gcs_place.gcs.rules.failing = 0.3
    keys = [backups.upload(0, SINGLE), backups.upload(1, PARTS)]
    backups.prove(keys[1])
    backups.download()
    assert backups.audit() == []
    backups.prune(keep_last=1)
    assert [one["key"] for one in backups.listed()] == keys[1:]


def test_a_byte_that_is_flipped_on_the_way(gcs_place: Place) -> None:
    backups, flips = backups_in(gcs_place), gcs_place.gcs.rules.flips
    key = backups.upload(0, SINGLE)
    flips.update({key: [1], f"{key}.manifest.json": [1]})
    backups.download()
    shutil.rmtree(backups.folder / "restore")
    flips[key] = [1, 1]
    with pytest.raises(DownloadFailed, match="it is damaged in the bucket, which gave the same bytes twice"):
        backups.download()
    flips[key] = [1, 2, 4]
    with pytest.raises(TransferDamaged, match="was read 3 times and had other bytes each time"):
        backups.download()
    flips.clear()


def trial(destination: Destination, *, retention: bool = True) -> dict[str, Any]:
    return try_bucket(TrialRequest(destination, "mysql", HOST, retention=retention, timeout=60))


def test_the_trial_leaves_nothing(gcs_place: Place) -> None:
    result = trial(gcs_place.destination())
    assert (result["needs"], result["notes"]) == (dict.fromkeys(NEEDS, ""), {})
    assert backups_in(gcs_place).listed() == []
    sessions = [one for one in gcs_place.gcs.rules.sessions.values() if one.bucket == gcs_place.bucket]
    assert all(one.answer is not None for one in sessions)


@pytest.mark.parametrize(
    ("permission", "needs"), [("list", {"list"}), ("create", {"write", "parts"}), ("delete", {"remove"})]
)
def test_the_trial_names_a_permission(gcs_place: Place, permission: str, needs: set[str]) -> None:
    gcs_place.gcs.rules.denied.add(f"storage.objects.{permission}")
    with pytest.raises(BackupError, match=rf"storage\.objects\.{permission} is refused") as failed:
        trial(gcs_place.destination())
    assert needs <= {name for name, text in failed.value.details["needs"].items() if text}


def test_the_trial_of_no_bucket(gcs_place: Place) -> None:
    with pytest.raises(StoreFailed, match="the bucket does not exist: create it, or correct bucket"):
        trial(gcs_place.destination(bucket="vex-none"))
