"""The adapter for Google Cloud Storage: what it reads, removes and refuses, on a server of that interface."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    OptionError,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from tests.integration.gcs_place import KEY, MEBIBYTE, Place
from tests.servers.s3_proxy import S3Proxy


def test_reads_ranges_of_one_generation(gcs_place: Place) -> None:
    with gcs_place.store() as store:
        store.call(store.put_bytes, KEY, b"0123456789")
        first = store.call(store.head, KEY)
        assert first is not None
        etag = first.listed.etag
        assert store.call(store.get, KEY, (2, 3), etag).content == b"234"
        assert store.call(store.get, KEY, (8, 30), etag).content == b"89"
        assert store.call(store.get, KEY, (8, 30)).content == b"89"
        assert store.call(store.get, KEY).content == b"0123456789"
        store.call(store.put_bytes, KEY, b"{}", "application/json")
        assert gcs_place.settings()["contentType"] == "application/json"
        with pytest.raises(Refused) as refused:
            store.call(store.get, KEY, (2, 3), etag)
        assert refused.value.is_changed and not refused.value.may_pass
        with pytest.raises(Refused) as refused:
            store.call(store.get, "other")
        assert refused.value.is_missing and refused.value.is_of_one_object


def test_reads_again_what_was_replaced_meanwhile(gcs_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with gcs_place.store(seconds=60) as store:
        store.call(store.put_bytes, KEY, b"old")
        look = store._look

        def replacing(*arguments: Any, **conditions: Any) -> Any:
            found = look(*arguments, **conditions)
            monkeypatch.undo()
            store.put_bytes(KEY, b"new")
            return found

        monkeypatch.setattr(store, "_look", replacing)
        assert store.call(store.get, KEY).content == b"new"


def test_an_answer_that_was_cut_off_is_asked_for_again(gcs_place: Place) -> None:
    with S3Proxy(gcs_place.gcs.endpoint) as proxy, gcs_place.store(seconds=120, endpoint_url=proxy.endpoint) as store:
        content = os.urandom(2 * MEBIBYTE)
        store.call(store.put_bytes, KEY, content)
        # The first of the two answers is too small for a cut.
        proxy.cut(2)
        assert store.call(store.get, KEY).content == content
        assert store.patience.repetitions == 1


def test_lists_in_pages(gcs_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.vex.backup.plugins.module_utils._store.gcs.PAGE", 2)
    keys = [f"mysql/db{host}/{number}" for host in (1, 2, 3) for number in (1, 2)]
    with gcs_place.store() as store:
        store.call(store.probe)
        assert {asked for _method, asked in gcs_place.gcs.rules.requests} == {"storage.objects.list"}
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
def test_locked_objects_stay(gcs_place: Place, settings: dict[str, Any], says: str) -> None:
    with gcs_place.store() as store:
        store.call(store.put_bytes, KEY, b"x")
        gcs_place.lock(**settings)
        found = store.call(store.head, KEY)
        assert found is not None and says in (found.lock(utc_now()) or "")
        with pytest.raises(Refused, match="the bucket locks the object") as refused:
            store.call(store.delete, KEY)
        assert not refused.value.is_denied and not refused.value.may_pass


def test_deletes_what_is_there(gcs_place: Place) -> None:
    with gcs_place.store() as store:
        store.call(store.put_bytes, KEY, b"x")
        found = store.call(store.head, KEY)
        assert found is not None and found.lock(utc_now()) is None
        assert store.call(store.delete, KEY, found.written.version).marker is None
        assert store.call(store.delete, KEY).marker is None
        assert store.call(store.head, KEY) is None


@pytest.mark.parametrize("permission", ["list", "get", "create", "delete"])
def test_names_the_permission_that_is_lacking(gcs_place: Place, permission: str) -> None:
    gcs_place.gcs.rules.denied.add(f"storage.objects.{permission}")
    with gcs_place.store() as store:
        request: Callable[[], Any] = {
            "list": lambda: store.call(store.list_page, ""),
            "get": lambda: store.call(store.get, KEY, (0, 1)),
            "create": lambda: store.call(store.begin, gcs_place.file(1), RunLog(None)),
            "delete": lambda: store.call(store.delete, KEY),
        }[permission]
        with pytest.raises(Refused, match=rf"grant them .*storage\.objects\.{permission}") as refused:
            request()
    assert refused.value.is_denied
    assert f"gs://{gcs_place.bucket}/" in str(refused.value)


def test_no_bucket(gcs_place: Place) -> None:
    with gcs_place.store(bucket="vex-none") as store:
        for request in (
            lambda: store.call(store.probe),
            lambda: store.call(store.head, KEY),
            lambda: store.call(store.list_page, ""),
            lambda: store.call(store.begin, gcs_place.file(1), RunLog(None)),
        ):
            with pytest.raises(Refused, match="bucket does not exist") as refused:
                request()
            assert refused.value.reason is Reason.PLACE and not refused.value.is_of_one_object


@pytest.mark.parametrize(("status", "may_pass"), [(401, False), (429, True), (500, True), (503, True), (400, False)])
def test_repeats_what_may_pass(gcs_place: Place, status: int, may_pass: bool) -> None:
    with gcs_place.store() as store:
        store.call(store.put_bytes, KEY, b"x")
        # Google's library renews a token that is refused, and asks again.
        gcs_place.gcs.rules.failures += [(status, "no")] * 3
        with pytest.raises(Refused) as refused:
            store.call(store.head, KEY)
    assert refused.value.may_pass is may_pass


def test_a_server_that_is_away(gcs_place: Place) -> None:
    with gcs_place.store(endpoint_url="http://127.0.0.1:9") as store, pytest.raises(StoreFailed) as failed:
        store.call(store.head, KEY)
    assert failed.value.may_pass and "check endpoint_url" in str(failed.value)
    tls = gcs_place.gcs.endpoint.replace("http:", "https:")
    with gcs_place.store(endpoint_url=tls) as store, pytest.raises(StoreFailed) as failed:
        store.call(store.head, KEY)
    assert not failed.value.may_pass


def test_logins_that_fail(gcs_place: Place) -> None:
    wrong = gcs_place.gcs.tokens.account(right=False)
    with (
        gcs_place.store(service_account_contents=wrong) as store,
        pytest.raises(Refused, match="Invalid JWT Signature") as refused,
    ):
        store.call(store.head, KEY)
    assert refused.value.reason is Reason.PLACE and not refused.value.may_pass
    account = json.loads(gcs_place.gcs.tokens.account())
    for address, may_pass in ((gcs_place.gcs.tokens.address, False), ("http://127.0.0.1:9/token", True)):
        moved = json.dumps({**account, "token_uri": address.replace("http:", "http:" if may_pass else "https:")})
        with gcs_place.store(service_account_contents=moved) as store, pytest.raises(StoreFailed) as failed:
            store.call(store.head, KEY)
        assert failed.value.may_pass is may_pass
        assert "access tokens" in str(failed.value)


def test_a_key_in_a_file_or_by_default(gcs_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    key = gcs_place.folder / "key.json"
    key.write_text(gcs_place.gcs.tokens.account())
    with gcs_place.store(service_account_contents=None, service_account_file=str(key)) as store:
        store.call(store.probe)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with gcs_place.store(service_account_contents=None, auth_kind="application") as store:
        store.call(store.probe)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    with (
        pytest.raises(OptionError, match="no application default credentials"),
        gcs_place.store(service_account_contents=None, auth_kind="application"),
    ):
        pass


@pytest.mark.parametrize("content", ["{", '{"type": "service_account"}', "[]", '{"private_key": "x"}'])
def test_unusable_keys(gcs_place: Place, content: str) -> None:
    with pytest.raises(OptionError, match="no usable key"), gcs_place.store(service_account_contents=content):
        pass


def test_no_name_of_a_bucket(gcs_place: Place) -> None:
    with pytest.raises(OptionError, match="no name of a bucket"), gcs_place.store(bucket="-"):
        pass
