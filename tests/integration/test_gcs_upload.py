"""Uploads to Google Cloud Storage: whole, verified, and going on where they were cut off."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ObjectDiffers,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store.listing import list_uploads
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import split
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Unfinished
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.write import find_existing, put_file
from tests.integration.gcs_place import KEY, MEBIBYTE, Place
from tests.servers.s3_proxy import S3Proxy

KMS = "projects/test/locations/eu/keyRings/backups/cryptoKeys/mysql"


@pytest.mark.parametrize("size", [0, 1000, MEBIBYTE, 3 * MEBIBYTE + 1])
def test_uploads_a_file_whole_and_verified(gcs_place: Place, size: int) -> None:
    upload = gcs_place.file(size)
    with gcs_place.store() as store:
        written = put_file(store, upload, None, MEBIBYTE, RunLog(None))
        found = find_existing(store, upload)
    assert found is not None
    assert (found.size, found.sha256, found.listed.etag) == (size, upload.sha256, written.etag)
    assert found.written.checksums == written.checksums
    assert written.parts == max(1, -(-size // MEBIBYTE))
    assert gcs_place.content() == Path(upload.path).read_bytes()


def test_compares_an_object_that_exists(gcs_place: Place) -> None:
    upload = gcs_place.file(2 * MEBIBYTE + 5)
    with gcs_place.store() as store:
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
    with gcs_place.store() as store:
        put_file(store, upload, find_existing(store, upload), MEBIBYTE, RunLog(None))
        # Another run has just made it.
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
        other = gcs_place.file(10)
        with pytest.raises(ObjectDiffers):
            put_file(store, other, None, MEBIBYTE, RunLog(None))


def test_tells_of_an_object_that_it_may_not_read(gcs_place: Place) -> None:
    with gcs_place.store() as store:
        put_file(store, gcs_place.file(10), None, MEBIBYTE, RunLog(None))
        gcs_place.gcs.rules.denied.add("storage.objects.get")
        with pytest.raises(Refused, match=r"grant storage\.objects\.get") as refused:
            put_file(store, gcs_place.file(10), None, MEBIBYTE, RunLog(None))
    assert refused.value.is_changed


def test_the_server_refuses_other_bytes(gcs_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = gcs_place.file(MEBIBYTE + 5)
    with gcs_place.store() as store:
        begin = store._begin

        def damaging(*arguments: Any, **condition: Any) -> str:
            url = begin(*arguments, **condition)
            (session,) = [one for one in gcs_place.gcs.rules.sessions.values() if one.bucket == gcs_place.bucket]
            session.checksum.update(b"more")
            return url

        monkeypatch.setattr(store, "_begin", damaging)
        with pytest.raises(UploadFailed, match="received other bytes"):
            put_file(store, upload, None, MEBIBYTE, RunLog(None))
    assert gcs_place.gcs.rules.describe(gcs_place.bucket, KEY) is None


def test_a_changed_file_is_not_uploaded(gcs_place: Place) -> None:
    upload = gcs_place.file(2 * MEBIBYTE)
    Path(upload.path).write_bytes(os.urandom(2 * MEBIBYTE))
    with gcs_place.store() as store, pytest.raises(UploadFailed, match="pack it again"):
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
    assert not [one for one in gcs_place.gcs.rules.sessions.values() if one.bucket == gcs_place.bucket]


def test_storage_class_and_key(gcs_place: Place) -> None:
    with gcs_place.store(kms_key_name=KMS, project="billed") as store:
        put_file(store, gcs_place.file(10, storage_class="ARCHIVE"), None, MEBIBYTE, RunLog(None))
        found = store.call(store.head, KEY)
        assert found is not None and found.listed.storage_class == "ARCHIVE" and found.cold_tier is None
        assert store.call(store.get, KEY).content == gcs_place.content()
    assert gcs_place.settings()["kmsKeyName"].startswith(KMS)


def test_goes_on_where_an_upload_was_cut_off(gcs_place: Place) -> None:
    """Requests fail before, within and after the parts, in ways that may pass."""
    upload = gcs_place.file(3 * MEBIBYTE + 9)
    with S3Proxy(gcs_place.gcs.endpoint) as proxy, gcs_place.store(seconds=120, endpoint_url=proxy.endpoint) as store:
        proxy.call_at("PUT", 2, lambda: proxy.drop(1, "PUT"))
        proxy.call_at("PUT", 5, lambda: proxy.refuse(2, "PUT"))
        proxy.call_at("PUT", 9, proxy.go_away)
        gcs_place.gcs.rules.lost_answers = 2
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
        assert store.patience.repetitions >= 4
    assert gcs_place.content() == Path(upload.path).read_bytes()


def test_goes_on_within_a_part(gcs_place: Place) -> None:
    upload = gcs_place.file(3 * MEBIBYTE)
    gcs_place.gcs.rules.kept = [MEBIBYTE // 2, 0]
    with gcs_place.store(seconds=120) as store:
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
        assert store.patience.repetitions == 1
    assert gcs_place.content() == Path(upload.path).read_bytes()


def test_an_upload_that_ended_elsewhere(gcs_place: Place) -> None:
    upload = gcs_place.file(2 * MEBIBYTE)
    with gcs_place.store() as store:
        url = store.call(store.begin, upload, RunLog(None))
        store.call(store.abort, Unfinished(KEY, url, utc_now()))
        store.call(store.abort, Unfinished(KEY, url, utc_now()))
        with open(upload.path, "rb") as stream:
            part, *_rest = split(stream.fileno(), upload.size, MEBIBYTE, store.deadline.check)
            with pytest.raises(Refused, match="does not know this upload any more") as refused:
                store.call(store.send, upload, url, part, RunLog(None))
    assert refused.value.is_ended
    assert "upload_id" not in str(refused.value)


def test_a_part_alone_completes_nothing(gcs_place: Place) -> None:
    upload = gcs_place.file(75)
    with gcs_place.store() as store:
        url = store.call(store.begin, upload, RunLog(None))
        with open(upload.path, "rb") as stream:
            (part,) = split(stream.fileno(), upload.size, MEBIBYTE, store.deadline.check)
            store.call(store.send, upload, url, part, RunLog(None))
        store.call(store.abort, Unfinished(KEY, url, utc_now()))
        assert store.call(store.head, KEY) is None
        assert store.call(store.last_activity, Unfinished(KEY, url, utc_now())) is None
        assert list_uploads(store, "mysql") == []
        with pytest.raises(Refused) as refused:
            store.call(store.unfinished_page, "mysql")
    assert refused.value.is_unsupported


def test_says_what_an_upload_left(gcs_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    log = gcs_place.folder / "log"
    with gcs_place.store() as store:
        begin = store._begin

        def fail_later(*arguments: Any, **condition: Any) -> str:
            url = begin(*arguments, **condition)
            gcs_place.gcs.rules.failures += [(403, "no"), (503, "away")]
            return url

        monkeypatch.setattr(store, "_begin", fail_later)
        with pytest.raises(Refused, match="may be left in the bucket"):
            put_file(store, gcs_place.file(10), None, MEBIBYTE, RunLog(str(log)))
    assert "Google removes it after a week" in log.read_text()
