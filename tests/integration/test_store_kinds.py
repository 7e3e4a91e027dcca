"""Stores of every kind: backups are uploaded, listed, held, restored, audited, proven and pruned in each."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import botocore.session
import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    DownloadFailed,
    ObjectCold,
    StoreFailed,
    TransferDamaged,
)
from ansible_collections.vex.backup.plugins.module_utils._store import cold as cold_module
from tests.integration.store_kinds import PARTS, SINGLE, Backups
from tests.servers.moto import Moto
from tests.servers.odd_s3 import OddS3, Traits

CREATE_LOADER = functools.cache(botocore.session.create_loader)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of store: ``locked`` locks each object for a day; ``says`` is in the log of an upload."""

    traits: Traits
    locked: bool = False
    says: str = "size and checksum match"


KINDS = {
    "object lock": Kind(Traits(needs_checksum=True), locked=True),
    "object lock without checksum headers": Kind(
        Traits(needs_checksum=True, refuses_checksums=True, hides_checksums=True), locked=True
    ),
    "kms": Kind(Traits(needs_checksum=True, encryption="aws:kms", opaque_etags=True)),
    "dsse": Kind(Traits(needs_checksum=True, encryption="aws:kms:dsse", opaque_etags=True)),
    "b2": Kind(
        Traits(refuses_checksums=True, refuses_conditions=True, hides_checksums=True),
        says="the store refuses checksum headers, so it gets an MD5 with every request instead",
    ),
    "virtual hosts": Kind(Traits(host="store.test")),
    "opaque etags": Kind(Traits(opaque_etags=True, hides_checksums=True), says="reading it back"),
}


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every client use the same descriptions of S3, whose reading takes longer than the requests."""
    monkeypatch.setattr(botocore.session, "create_loader", CREATE_LOADER)


@contextlib.contextmanager
def backups_in(
    moto: Moto, folder: Path, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Backups, OddS3]]:
    """Run a store of a kind, with a bucket of its own."""
    bucket = f"vex-{folder.name.replace('_', '-')}"
    moto.make_bucket(bucket, locked=kind.locked)
    with OddS3(moto.endpoint, kind.traits) as store:
        settings = {"endpoint_url": store.endpoint}
        if kind.traits.host is not None:
            # Its names are in no DNS, so the client reaches it as a proxy.
            monkeypatch.setenv("http_proxy", store.endpoint)
            settings = {"endpoint_url": f"http://{kind.traits.host}", "addressing_style": "virtual"}
        yield Backups(folder, bucket, kind.traits.encryption, **settings), store


@pytest.mark.parametrize("name", KINDS)
def test_backups_in_a_store(name: str, moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS[name]
    with backups_in(moto, tmp_path, kind, monkeypatch) as (backups, store):
        keys = [backups.upload(day, size) for day, size in enumerate((SINGLE, SINGLE, SINGLE, PARTS))]
        assert kind.says in backups.log.read_text()
        assert [(one["key"], one["manifest"]) for one in backups.listed()] == [(key, True) for key in reversed(keys)]
        backups.hold("backup_20260101_030000")
        backups.prove(keys[3])
        backups.download()
        backups.download("backup_20260103_030000")
        assert backups.audit() == []
        found = backups.prune(keep_last=1)
        assert "message" not in found
        stay = [key for key in reversed(keys) if kind.locked or key in (keys[0], keys[3])]
        assert [one["key"] for one in backups.listed()] == stay
        assert ["locked by the bucket until" in one["reason"] for one in found["decisions"]] == [
            kind.locked and one in (1, 2) for one in (3, 2, 1, 0)
        ]
        backups.hold("backup_20260101_030000", "absent")
        backups.prune(keep_last=1)
        assert backups.audit() == []
        assert len(backups.listed()) == (4 if kind.locked else 1)
        # Each write that was refused was repeated in another way; what was not is an error that this test would see.
        assert {code for _method, code in store.refusals} <= {"InvalidArgument", "NotImplemented"}


PLAIN = Kind(Traits())


def cool(moto: Moto, backups: Backups, key: str, storage_class: Literal["GLACIER", "DEEP_ARCHIVE"] = "GLACIER") -> None:
    """Move an object to cold storage, as a rule of the bucket does."""
    moto.client().copy_object(
        Bucket=backups.bucket,
        Key=key,
        CopySource={"Bucket": backups.bucket, "Key": key},
        StorageClass=storage_class,
    )


def test_backups_in_cold_storage(moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold_module, "LOOK_SECONDS", 0.01)
    with backups_in(moto, tmp_path, PLAIN, monkeypatch) as (backups, store):
        keys = [backups.upload(day, SINGLE, storage_class="GLACIER" if day == 3 else None) for day in range(4)]
        cool(moto, backups, keys[0], "DEEP_ARCHIVE")
        cool(moto, backups, keys[1])
        cool(moto, backups, f"{keys[1]}.manifest.json")
        assert [one["storage_class"] for one in backups.listed()] == ["GLACIER", "STANDARD", "GLACIER", "DEEP_ARCHIVE"]
        backups.hold("backup_20260101_030000")
        backups.prove(keys[3])
        # A plan needs the manifest alone.
        assert backups.download(manifest_only=True)["cold"] == "GLACIER"
        with pytest.raises(ObjectCold, match=r"04_030000.zip is in cold storage \(GLACIER\): a restore with --thaw"):
            backups.download()
        with pytest.raises(ObjectCold, match=r"02_030000.zip.manifest.json is in cold storage: a restore with --thaw"):
            backups.download("backup_20260102_030000", manifest_only=True)
        assert backups.audit(deep=False) == [("in_cold_storage", keys[1])]
        assert backups.audit() == [("in_cold_storage", keys[day]) for day in (0, 1, 3)]
        store.looks = 3
        backups.download("backup_20260102_030000", thaw=True)
        assert backups.log.read_text().count("asked the store to thaw s3://") == 2
        found = backups.prune(keep_last=1)
        assert "message" not in found
        assert [one["key"] for one in backups.listed()] == [keys[3], keys[0]]


def test_a_thaw_that_is_in_progress(moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cold_module, "LOOK_SECONDS", 0.01)
    with backups_in(moto, tmp_path, PLAIN, monkeypatch) as (backups, store):
        key = backups.upload(0, SINGLE)
        cool(moto, backups, key)
        store.looks = 10_000
        message = r"the thaw took longer than 5 seconds: raise timeout; the store goes on to thaw .*, so repeat later"
        with pytest.raises(StoreFailed, match=message):
            backups.download(thaw=True, thaw_timeout=5)
        with pytest.raises(ObjectCold, match=r"is being thawed from cold storage \(GLACIER\): repeat later, or"):
            backups.download()
        store.thawing = {key: 3}
        backups.download(thaw=True)
        assert "is already being thawed from cold storage (GLACIER): waiting for it" in backups.log.read_text()
        # The copy can be read without asking.
        shutil.rmtree(backups.folder / "restore")
        assert backups.download()["cold"] is None


def test_a_byte_that_is_flipped_on_the_way(moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with backups_in(moto, tmp_path, PLAIN, monkeypatch) as (backups, store):
        key = backups.upload(0, SINGLE)
        manifest = f"{key}.manifest.json"
        store.flips = {key: [1], manifest: [1]}
        backups.download()
        assert "was read with SHA-256" in backups.log.read_text()
        shutil.rmtree(backups.folder / "restore")
        store.flips = {key: [1], manifest: [1]}
        assert backups.audit() == []
        # The same wrong bytes twice are the store's own.
        store.flips = {key: [1, 1]}
        with pytest.raises(DownloadFailed, match=r"it is damaged in the bucket, which gave the same bytes twice"):
            backups.download()
        store.flips = {key: [1, 1]}
        assert backups.audit() == [("checksum_differs", key)]
        store.flips = {key: [1, 2, 4]}
        with pytest.raises(TransferDamaged, match="was read 3 times and had other bytes each time: check the network"):
            backups.download()
        assert list((backups.folder / "restore").rglob("*.partial")) == []


def test_odd_objects_stop_nothing(moto: Moto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with backups_in(moto, tmp_path, PLAIN, monkeypatch) as (backups, store):
        keys = [backups.upload(day, SINGLE) for day in range(5)]
        folder = keys[0].rpartition("/")[0]
        odd = [
            f"{folder}/",
            f"{folder}/{'é' * 9} &<>\"'+%25%FF.zip",
            f"{folder}/backup_20260102_030000.zip/x",
            f"{folder}/backup_20269999_030000.zip",
            "mysql/db%201/2026/02/backup_20260102_030000.zip.manifest.json",
            "mysql/db%201//backup_20260102_030000.zip",
        ]
        for key in odd:
            moto.client().put_object(Bucket=backups.bucket, Key=key, Body=b"x")
        moto.client().put_object(Bucket=backups.bucket, Key=f"{keys[2]}.manifest.json", Body=b"\xff{")
        store.denied = {f"{keys[1]}.manifest.json"}
        assert len(backups.listed()) == 5
        assert backups.audit() == [("not_readable", keys[1]), ("manifest_unusable", keys[2])]
        found = backups.prune(keep_last=1)
        assert found["message"].startswith(
            "retention: backup_20260102_030000 could not be checked, so it stays: GetObject"
        )
        assert [one["key"] for one in backups.listed()] == [keys[day] for day in (4, 2, 1)]
        backups.download()
