"""The adapter for Google Cloud Storage: what it reads, writes and refuses, on a server of that interface."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ObjectDiffers,
    OptionError,
    StoreFailed,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store.gcs import GcsStore
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_client import GcsSettings
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import split
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed, Unfinished, Upload
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from ansible_collections.vex.backup.plugins.module_utils._store.write import find_existing, put_file
from tests.servers.gcs import Gcs
from tests.servers.s3_proxy import S3Proxy

MEBIBYTE = 1024 * 1024
KEY = "mysql/db%201/2025/07/backup_20250720_161523.zip"
KMS = "projects/test/locations/eu/keyRings/backups/cryptoKeys/mysql"


class Place:
    """A bucket of its own in the server, and its state."""

    def __init__(self, gcs: Gcs, folder: Path) -> None:
        self.gcs = gcs
        self.folder = folder
        self.bucket = f"vex-{os.urandom(4).hex()}"
        gcs.make_bucket(self.bucket)

    @contextlib.contextmanager
    def store(self, *, seconds: int = 0, timeout: int = 300, **settings: Any) -> Iterator[GcsStore]:
        given = {
            "auth_kind": "serviceaccount",
            "service_account_contents": self.gcs.tokens.account(),
            "endpoint_url": self.gcs.endpoint,
            **settings,
        }
        patience = store_patience(seconds)
        bucket = given.pop("bucket", self.bucket)
        store = GcsStore(GcsSettings(**given), bucket, work="the test", timeout=timeout, patience=patience, parallel=4)
        with store:
            yield store

    def file(self, size: int, key: str = KEY, **options: Any) -> Upload:
        path = self.folder / "archive"
        path.write_bytes(os.urandom(size))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return Upload(str(path), size, sha256, key, {"sha256": sha256}, **options)

    def settings(self, key: str = KEY) -> dict[str, Any]:
        """Return an object as a client sees it."""
        found = self.gcs.rules.describe(self.bucket, key)
        assert found is not None
        return found

    def content(self, key: str = KEY) -> bytes:
        found: bytes = self.gcs.client().bucket(self.bucket).blob(key).download_as_bytes()
        return found

    def lock(self, **settings: Any) -> None:
        """Lock the object by *settings* of Google's description of objects."""
        self.gcs.rules.settings.setdefault((self.bucket, KEY), {}).update(settings)


@pytest.fixture
def place(gcs: Gcs, tmp_path: Path) -> Iterator[Place]:
    gcs.rules.requests.clear()
    yield Place(gcs, tmp_path)
    gcs.rules.denied.clear()
    gcs.rules.failures.clear()


@pytest.mark.parametrize("size", [0, 1000, MEBIBYTE, 3 * MEBIBYTE + 1])
def test_uploads_a_file_whole_and_verified(place: Place, size: int) -> None:
    upload = place.file(size)
    with place.store() as store:
        written = put_file(store, upload, None, MEBIBYTE, RunLog(None))
        found = find_existing(store, upload)
    assert found is not None
    assert (found.size, found.sha256, found.listed.etag) == (size, upload.sha256, written.etag)
    assert found.written.checksums == written.checksums
    assert written.parts == max(1, -(-size // MEBIBYTE))
    assert place.content() == Path(upload.path).read_bytes()


def test_compares_an_object_that_exists(place: Place) -> None:
    upload = place.file(2 * MEBIBYTE + 5)
    with place.store() as store:
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
    with place.store() as store:
        put_file(store, upload, find_existing(store, upload), MEBIBYTE, RunLog(None))
        other = place.file(10)
        with pytest.raises(ObjectDiffers):
            put_file(store, other, None, MEBIBYTE, RunLog(None))


def test_tells_of_an_object_that_it_may_not_read(place: Place) -> None:
    with place.store() as store:
        put_file(store, place.file(10), None, MEBIBYTE, RunLog(None))
        place.gcs.rules.denied.add("storage.objects.get")
        with pytest.raises(Refused, match=r"grant storage\.objects\.get") as refused:
            put_file(store, place.file(10), None, MEBIBYTE, RunLog(None))
    assert refused.value.is_changed


def test_the_server_refuses_other_bytes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = place.file(MEBIBYTE + 5)
    with place.store() as store:
        begin = store.begin

        def damaging(*arguments: Any) -> str:
            url = begin(*arguments)
            (session,) = [one for one in place.gcs.rules.sessions.values() if one.bucket == place.bucket]
            session.checksum.update(b"more")
            return url

        monkeypatch.setattr(store, "begin", damaging)
        with pytest.raises(UploadFailed, match="received other bytes"):
            put_file(store, upload, None, MEBIBYTE, RunLog(None))
    assert place.gcs.rules.describe(place.bucket, KEY) is None


def test_a_changed_file_is_not_uploaded(place: Place) -> None:
    upload = place.file(2 * MEBIBYTE)
    Path(upload.path).write_bytes(os.urandom(2 * MEBIBYTE))
    with place.store() as store, pytest.raises(UploadFailed, match="pack it again"):
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
    assert not [one for one in place.gcs.rules.sessions.values() if one.bucket == place.bucket]


def test_storage_class_and_key(place: Place) -> None:
    with place.store(kms_key_name=KMS, project="billed") as store:
        put_file(store, place.file(10, storage_class="ARCHIVE"), None, MEBIBYTE, RunLog(None))
        found = store.call(store.head, KEY)
        assert found is not None and found.listed.storage_class == "ARCHIVE" and found.cold_tier is None
        assert store.call(store.get, KEY).content == place.content()
    assert place.settings()["kmsKeyName"].startswith(KMS)


def test_goes_on_where_an_upload_was_cut_off(place: Place) -> None:
    """Requests fail before, within and after the parts, in ways that may pass."""
    upload = place.file(3 * MEBIBYTE + 9)
    with S3Proxy(place.gcs.endpoint) as proxy, place.store(seconds=120, endpoint_url=proxy.endpoint) as store:
        proxy.call_at("PUT", 2, lambda: proxy.drop(1, "PUT"))
        proxy.call_at("PUT", 5, lambda: proxy.refuse(2, "PUT"))
        place.gcs.rules.lost_answers = 2
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
        assert store.patience.repetitions >= 4
    assert place.content() == Path(upload.path).read_bytes()


def test_goes_on_within_a_part(place: Place) -> None:
    upload = place.file(3 * MEBIBYTE)
    place.gcs.rules.kept = [MEBIBYTE // 2, 0]
    with place.store(seconds=120) as store:
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
        assert store.patience.repetitions == 1
    assert place.content() == Path(upload.path).read_bytes()


def test_an_upload_that_ended_elsewhere(place: Place) -> None:
    upload = place.file(2 * MEBIBYTE)
    with place.store() as store:
        url = store.call(store.begin, upload, RunLog(None))
        store.call(store.abort, Unfinished(KEY, url, utc_now()))
        store.call(store.abort, Unfinished(KEY, url, utc_now()))
        with open(upload.path, "rb") as stream:
            part, *_rest = split(stream.fileno(), upload.size, MEBIBYTE, store.deadline.check)
            with pytest.raises(Refused, match="does not know this upload any more") as refused:
                store.call(store.send, upload, url, part, RunLog(None))
    assert refused.value.is_ended
    assert "upload_id" not in str(refused.value)


def test_a_part_alone_completes_nothing(place: Place) -> None:
    upload = place.file(75)
    with place.store() as store:
        url = store.call(store.begin, upload, RunLog(None))
        with open(upload.path, "rb") as stream:
            (part,) = split(stream.fileno(), upload.size, MEBIBYTE, store.deadline.check)
            store.call(store.send, upload, url, part, RunLog(None))
        store.call(store.abort, Unfinished(KEY, url, utc_now()))
        assert store.call(store.head, KEY) is None
        for asked in (
            lambda: store.call(store.unfinished_page, "mysql"),
            lambda: store.call(store.last_activity, Unfinished(KEY, url, utc_now())),
        ):
            with pytest.raises(Refused) as refused:
                asked()
            assert refused.value.is_unsupported


def test_says_what_an_upload_left(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    log = place.folder / "log"
    with place.store() as store:
        begin = store.begin

        def fail_later(*arguments: Any) -> str:
            url = begin(*arguments)
            place.gcs.rules.failures += [(403, "no"), (503, "away")]
            return url

        monkeypatch.setattr(store, "begin", fail_later)
        with pytest.raises(Refused, match="may be left in the bucket"):
            put_file(store, place.file(10), None, MEBIBYTE, RunLog(str(log)))
    assert "Google removes it after a week" in log.read_text()


def test_reads_ranges_of_one_generation(place: Place) -> None:
    with place.store() as store:
        store.call(store.put_bytes, KEY, b"0123456789")
        first = store.call(store.head, KEY)
        assert first is not None
        etag = first.listed.etag
        assert store.call(store.get, KEY, (2, 3), etag).content == b"234"
        assert store.call(store.get, KEY, (8, 30), etag).content == b"89"
        assert store.call(store.get, KEY, (8, 30)).content == b"89"
        assert store.call(store.get, KEY).content == b"0123456789"
        store.call(store.put_bytes, KEY, b"{}", "application/json")
        assert place.settings()["contentType"] == "application/json"
        with pytest.raises(Refused) as refused:
            store.call(store.get, KEY, (2, 3), etag)
        assert refused.value.is_changed and not refused.value.may_pass
        with pytest.raises(Refused) as refused:
            store.call(store.get, "other")
        assert refused.value.is_missing and refused.value.is_of_one_object


def test_reads_again_what_was_replaced_meanwhile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.store(seconds=60) as store:
        store.call(store.put_bytes, KEY, b"old")
        look = store._look

        def replacing(*arguments: Any, **conditions: Any) -> Any:
            found = look(*arguments, **conditions)
            monkeypatch.undo()
            store.put_bytes(KEY, b"new")
            return found

        monkeypatch.setattr(store, "_look", replacing)
        assert store.call(store.get, KEY).content == b"new"


def test_an_answer_that_was_cut_off_is_asked_for_again(place: Place) -> None:
    with S3Proxy(place.gcs.endpoint) as proxy, place.store(seconds=120, endpoint_url=proxy.endpoint) as store:
        content = os.urandom(2 * MEBIBYTE)
        store.call(store.put_bytes, KEY, content)
        # The first of the two answers is too small for a cut.
        proxy.cut(2)
        assert store.call(store.get, KEY).content == content
        assert store.patience.repetitions == 1


def test_lists_in_pages(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.vex.backup.plugins.module_utils._store.gcs.PAGE", 2)
    keys = [f"mysql/db{host}/{number}" for host in (1, 2, 3) for number in (1, 2)]
    with place.store() as store:
        store.call(store.probe)
        assert {asked for _method, asked in place.gcs.rules.requests} == {"storage.objects.list"}
        for key in [*keys, "other"]:
            store.call(store.put_bytes, key, b"x")
        found: list[Listed] = []
        page = store.call(store.list_page, "mysql/")
        while page.following is not None:
            found += page.items
            page = store.call(store.list_page, "mysql/", page.following)
        found += page.items
        assert [one.key for one in found] == keys
        assert {(one.size, one.storage_class) for one in found} == {(1, "STANDARD")}
        assert abs(utc_now() - found[0].modified) < datetime.timedelta(hours=1)
        folders = store.call(store.folders_page, "mysql/")
        assert list(folders.items) == ["mysql/db1/", "mysql/db2/", "mysql/db3/"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temporaryHold": True}, "a legal hold"),
        ({"eventBasedHold": True}, "a legal hold"),
        ({"retentionExpirationTime": "2999-01-02T03:04:05.006Z"}, "until 2999-01-02 03:04:05 (UTC)"),
    ],
)
def test_locked_objects_stay(place: Place, settings: dict[str, Any], says: str) -> None:
    with place.store() as store:
        store.call(store.put_bytes, KEY, b"x")
        place.lock(**settings)
        found = store.call(store.head, KEY)
        assert found is not None and says in (found.lock(utc_now()) or "")
        with pytest.raises(Refused, match="the bucket locks the object") as refused:
            store.call(store.delete, KEY)
        assert not refused.value.is_denied and not refused.value.may_pass


def test_deletes_what_is_there(place: Place) -> None:
    with place.store() as store:
        store.call(store.put_bytes, KEY, b"x")
        found = store.call(store.head, KEY)
        assert found is not None and found.lock(utc_now()) is None
        assert store.call(store.delete, KEY, found.written.version).marker is None
        assert store.call(store.delete, KEY).marker is None
        assert store.call(store.head, KEY) is None


@pytest.mark.parametrize("permission", ["list", "get", "create", "delete"])
def test_names_the_permission_that_is_lacking(place: Place, permission: str) -> None:
    place.gcs.rules.denied.add(f"storage.objects.{permission}")
    with place.store() as store:
        request: Callable[[], Any] = {
            "list": lambda: store.call(store.list_page, ""),
            "get": lambda: store.call(store.get, KEY, (0, 1)),
            "create": lambda: store.call(store.begin, place.file(1), RunLog(None)),
            "delete": lambda: store.call(store.delete, KEY),
        }[permission]
        with pytest.raises(Refused, match=rf"grant them .*storage\.objects\.{permission}") as refused:
            request()
    assert refused.value.is_denied
    assert f"gs://{place.bucket}/" in str(refused.value)


def test_no_bucket(place: Place) -> None:
    with place.store(bucket="vex-none") as store:
        for request in (
            lambda: store.call(store.probe),
            lambda: store.call(store.head, KEY),
            lambda: store.call(store.list_page, ""),
            lambda: store.call(store.begin, place.file(1), RunLog(None)),
        ):
            with pytest.raises(Refused, match="bucket does not exist") as refused:
                request()
            assert refused.value.reason is Reason.PLACE and not refused.value.is_of_one_object


@pytest.mark.parametrize(("status", "may_pass"), [(401, False), (429, True), (500, True), (503, True), (400, False)])
def test_repeats_what_may_pass(place: Place, status: int, may_pass: bool) -> None:
    with place.store() as store:
        store.call(store.put_bytes, KEY, b"x")
        # Google's library renews a token that is refused, and asks again.
        place.gcs.rules.failures += [(status, "no")] * 3
        with pytest.raises(Refused) as refused:
            store.call(store.head, KEY)
    assert refused.value.may_pass is may_pass


def test_a_server_that_is_away(place: Place) -> None:
    with place.store(endpoint_url="http://127.0.0.1:9") as store, pytest.raises(StoreFailed) as failed:
        store.call(store.head, KEY)
    assert failed.value.may_pass and "check endpoint_url" in str(failed.value)
    tls = place.gcs.endpoint.replace("http:", "https:")
    with place.store(endpoint_url=tls) as store, pytest.raises(StoreFailed) as failed:
        store.call(store.head, KEY)
    assert not failed.value.may_pass


def test_logins_that_fail(place: Place) -> None:
    wrong = place.gcs.tokens.account(right=False)
    with (
        place.store(service_account_contents=wrong) as store,
        pytest.raises(Refused, match="Invalid JWT Signature") as refused,
    ):
        store.call(store.head, KEY)
    assert refused.value.reason is Reason.PLACE and not refused.value.may_pass
    account = json.loads(place.gcs.tokens.account())
    for address, may_pass in ((place.gcs.tokens.address, False), ("http://127.0.0.1:9/token", True)):
        moved = json.dumps({**account, "token_uri": address.replace("http:", "http:" if may_pass else "https:")})
        with place.store(service_account_contents=moved) as store, pytest.raises(StoreFailed) as failed:
            store.call(store.head, KEY)
        assert failed.value.may_pass is may_pass
        assert "access tokens" in str(failed.value)


def test_a_key_in_a_file_or_by_default(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = place.folder / "key.json"
    key.write_text(place.gcs.tokens.account())
    with place.store(service_account_contents=None, service_account_file=str(key)) as store:
        store.call(store.probe)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with place.store(service_account_contents=None, auth_kind="application") as store:
        store.call(store.probe)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    with (
        pytest.raises(OptionError, match="no application default credentials"),
        place.store(service_account_contents=None, auth_kind="application"),
    ):
        pass


@pytest.mark.parametrize("content", ["{", '{"type": "service_account"}', "[]", '{"private_key": "x"}'])
def test_unusable_keys(place: Place, content: str) -> None:
    with pytest.raises(OptionError, match="no usable key"), place.store(service_account_contents=content):
        pass


def test_no_name_of_a_bucket(place: Place) -> None:
    with pytest.raises(OptionError, match="no name of a bucket"), place.store(bucket="-"):
        pass
