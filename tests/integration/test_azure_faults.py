"""Refusals of Azure that Azurite does not know, and faults of the network on the way to it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AzureSettings
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Unfinished
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from tests.integration.azure_store import KEY, MEBIBYTE, Container
from tests.servers.azurite import Azurite
from tests.servers.fault_proxy import Break, Rule, http_answer
from tests.servers.ports import free_port

PARTS = 5 * MEBIBYTE
PUT_BLOCK, COMMIT, DELETE = rb"PUT \S+comp=block&", rb"PUT \S+comp=blocklist", rb"DELETE /"


@pytest.fixture
def container(azurite: Azurite, tmp_path: Path) -> Iterator[Container]:
    yield Container(azurite, tmp_path)
    azurite.empty()


def head_answer(**headers: str) -> bytes:
    """Return an answer that describes a blob."""
    plain = {
        "ETag": '"0x1"',
        "Last-Modified": "Fri, 02 Jan 2026 03:00:00 GMT",
        "Content-Length": "7",
        "x-ms-blob-type": "BlockBlob",
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**plain, **headers}.items())
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode()


def answer(kind: str, *, when: bytes = b"", times: int | None = None, status: int = 409) -> Rule:
    """Return the rule to refuse a request with a code of Azure."""
    text = http_answer(status, kind, "the words of the server")
    return Rule(Break.ANSWER, when, times, answer=text.replace(b"\r\n", f"\r\nx-ms-error-code: {kind}\r\n".encode(), 1))


def test_a_server_that_is_busy_for_a_while(container: Container) -> None:
    upload = container.upload(PARTS)
    with container.proxy() as proxy, container.store(container.settings(proxy), patience=60) as store:
        for when in (PUT_BLOCK, COMMIT):
            proxy.set(answer("ServerBusy", when=when, times=2, status=503))
            container.put(store, upload)
            assert proxy.broken == 2
            container.azurite.empty()


def test_a_server_that_is_busy_without_end(container: Container) -> None:
    with container.proxy() as proxy, container.store(container.settings(proxy), patience=1) as store:
        proxy.set(answer("ServerBusy", when=PUT_BLOCK, status=503))
        with pytest.raises(StoreFailed, match=r"the server answered 503.*in 1 seconds: raise patience"):
            container.put(store, container.upload(PARTS))
    assert (container.keys(), container.unfinished()) == ([], [])


@pytest.mark.parametrize("kind", [Break.DROP_ANSWER, Break.RESET])
@pytest.mark.parametrize(("size", "when"), [(10, rb"PUT \S+\.zip HTTP"), (PARTS, PUT_BLOCK), (PARTS, COMMIT)])
def test_answers_that_are_lost(container: Container, kind: Break, size: int, when: bytes) -> None:
    upload = container.upload(size)
    with container.proxy() as proxy, container.store(container.settings(proxy), patience=60) as store:
        proxy.set(Rule(kind, when, 1))
        container.put(store, upload)
        assert proxy.broken == 1
    assert container.content(KEY) == Path(upload.path).read_bytes()


def test_a_body_that_breaks_off(container: Container) -> None:
    content = bytes(3 * MEBIBYTE)
    container.client.upload_blob(KEY, content)
    with container.proxy() as proxy:
        with container.store(container.settings(proxy), patience=60) as store:
            proxy.set(Rule(Break.CUT_ANSWER, rb"GET /", 1, at=MEBIBYTE))
            assert store.call(store.get, KEY).content == content
        with container.store(container.settings(proxy)) as store:
            proxy.set(Rule(Break.CUT_ANSWER, rb"GET /", at=MEBIBYTE))
            with pytest.raises(StoreFailed, match=r"the connection broke while http://.* was read") as caught:
                store.call(store.get, KEY)
            assert caught.value.may_pass


def test_a_list_that_breaks_off(container: Container) -> None:
    container.client.upload_blob(KEY, b"x")
    with container.proxy() as proxy, container.store(container.settings(proxy), patience=60) as store:
        proxy.set(Rule(Break.CUT_ANSWER, rb"comp=list", 1, at=900))
        assert [one.key for one in store.call(store.list_page, "").items] == [KEY]
        assert proxy.broken == 1


@pytest.mark.parametrize("size", [1000, PARTS])
def test_a_byte_that_is_flipped_on_the_way(container: Container, size: int) -> None:
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        proxy.set(Rule(Break.FLIP_REQUEST, rb"Content-MD5", 1, at=100_000 if size == PARTS else 1500))
        with pytest.raises(StoreFailed, match="the server received other bytes than were sent") as caught:
            container.put(store, container.upload(size))
        assert isinstance(caught.value, UploadFailed) is (size == PARTS)
    assert (container.keys(), container.unfinished()) == ([], [])


def test_a_refused_block(container: Container) -> None:
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        proxy.set(answer("BlockCountExceedsLimit", when=PUT_BLOCK))
        with pytest.raises(Refused, match="they end after a week"):
            container.put(store, container.upload(PARTS))


def test_blocks_that_another_process_aborted(container: Container) -> None:
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        proxy.set(answer("InvalidBlockList", when=COMMIT, status=400))
        with pytest.raises(Refused, match="another process ended or aborted it: repeat") as caught:
            container.put(store, container.upload(PARTS))
        assert caught.value.is_ended
    assert (container.keys(), container.unfinished()) == ([], [])


def test_blocks_that_stay_are_reported(container: Container) -> None:
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        unfinished = Unfinished(KEY, "uncommitted", utc_now())
        container.client.get_blob_client(KEY).stage_block("1", b"x")
        for refusal, status in (("ConditionNotMet", 412), ("BlobImmutableDueToPolicy", 409)):
            proxy.set(answer(refusal, when=DELETE, status=status))
            with pytest.raises(Refused, match="Azure removes uncommitted blocks a week after the last one was sent"):
                store.call(store.abort, unfinished)
    assert container.unfinished() == [KEY]


def test_a_policy_that_protects_an_object(container: Container) -> None:
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        proxy.set(answer("BlobImmutableDueToPolicy", when=DELETE))
        with pytest.raises(Refused, match="a policy of the container or a legal hold protects the object"):
            store.call(store.delete, KEY)


def test_locks_and_thaws(container: Container) -> None:
    now = utc_now()
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        proxy.set(Rule(Break.ANSWER, rb"HEAD /", answer=head_answer(**{"x-ms-legal-hold": "true"})))
        found = head(store, KEY)
        assert found is not None
        assert "a legal hold" in str(found.lock(now))
        until = {"x-ms-immutability-policy-until-date": "Fri, 02 Jan 2099 03:00:00 GMT", "x-ms-version-id": "v1"}
        proxy.set(Rule(Break.ANSWER, rb"HEAD /", answer=head_answer(**until)))
        found = head(store, KEY)
        assert found is not None
        assert "until 2099-01-02 03:00:00 (UTC)" in str(found.lock(now))
        assert found.written.version == "v1"
        thawing = {"x-ms-access-tier": "Archive", "x-ms-archive-status": "rehydrate-pending-to-hot"}
        proxy.set(Rule(Break.ANSWER, rb"HEAD /", answer=head_answer(**thawing)))
        found = head(store, KEY)
        assert found is not None
        assert (found.cold_tier, found.is_thawing) == ("Archive", True)
        # It was asked for a moment ago.
        proxy.set(answer("BlobBeingRehydrated", when=rb"comp=tier"))
        store.call(store.thaw, found, 7)
        proxy.set(answer("BlobAccessTierNotSupportedForAccountType", when=rb"comp=tier"))
        with pytest.raises(Refused, match="this kind of storage account has no access tiers"):
            store.call(store.thaw, found, 7)


def test_an_answer_without_what_it_must_have(container: Container) -> None:
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        proxy.set(Rule(Break.ANSWER, rb"HEAD /", answer=b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"))
        with pytest.raises(StoreFailed, match=r"an incomplete answer for http://.*, without size") as caught:
            head(store, KEY)
        assert caught.value.may_pass
        proxy.set(Rule(Break.ANSWER, rb"HEAD /", answer=head_answer(**{"Last-Modified": "yesterday"})))
        with pytest.raises(StoreFailed, match=r"could not be reached for .*; check account_name"):
            head(store, KEY)
        wrong = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
        proxy.set(Rule(Break.ANSWER, rb"GET /", answer=wrong))
        with pytest.raises(StoreFailed, match=r"could not be reached for .*; check account_name") as caught:
            store.call(store.list_page, "")
        assert caught.value.may_pass


def test_soft_delete(container: Container) -> None:
    permanent = b"HTTP/1.1 202 Accepted\r\nx-ms-delete-type-permanent: false\r\nContent-Length: 0\r\n\r\n"
    with container.proxy() as proxy, container.store(container.settings(proxy)) as store:
        proxy.set(Rule(Break.ANSWER, DELETE, answer=permanent))
        marker = store.call(store.delete, KEY).marker
        assert marker == "soft-deleted"
        with pytest.raises(Refused, match="stays restorable for as long as the storage account's soft delete says"):
            store.call(store.delete, KEY, marker)
        proxy.set(Rule(Break.ANSWER, rb"DELETE \S+versionid=v1", answer=permanent.replace(b"false", b"true")))
        assert store.call(store.delete, KEY, "v1").marker is None


def test_the_deadline(container: Container) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        container.store(
            AzureSettings(
                account_url=f"http://127.0.0.1:{server.getsockname()[1]}/a", account_name="a", account_key="YQ=="
            ),
            timeout=1,
        ) as store,
        pytest.raises(StoreFailed, match="the test took longer than 1 seconds: raise timeout"),
    ):
        store.call(store.probe)


def test_no_request_after_the_deadline(container: Container) -> None:
    with container.store() as store:
        store.deadline.stop()
        for action in (store.probe, lambda: store.get(KEY)):
            with pytest.raises(StoreFailed, match="was stopped because another part of it failed"):
                store.call(action)


def test_a_server_that_cannot_be_reached(container: Container) -> None:
    url = f"http://127.0.0.1:{free_port()}/a"
    signature = "c2VjcmV0"
    with (
        container.store(AzureSettings(account_url=url, sas_token=f"?sv=2026&sig={signature}")) as store,
        pytest.raises(StoreFailed, match=r"could not be reached for .*; check account_name") as caught,
    ):
        store.call(store.probe)
    assert caught.value.may_pass
    assert signature not in str(caught.value)


def test_wrong_credentials(container: Container) -> None:
    azurite = container.azurite
    wrong = azurite.key[:-8] + "AAAAAA=="
    for settings in (
        container.settings(account_key=wrong),
        container.settings(sas_token=azurite.sas("rl", hours=-1)),
    ):
        with container.store(settings) as store:
            with pytest.raises(Refused, match="correct account_key or renew sas_token") as caught:
                store.call(store.probe)
            assert caught.value.reason is Reason.PLACE
            assert "sig=" not in str(caught.value)


def test_rights_that_are_lacking(container: Container) -> None:
    container.client.upload_blob(KEY, b"x")
    with container.store(container.settings(sas_token=container.azurite.sas("rl"))) as store:
        assert store.call(store.get, KEY).content == b"x"
        for action in (lambda: store.delete(KEY), lambda: store.put_bytes(KEY, b"y")):
            with pytest.raises(Refused, match="role Storage Blob Data Contributor on the container") as caught:
                store.call(action)
            assert caught.value.is_denied
            assert caught.value.is_of_one_object
    assert container.content(KEY) == b"x"


def test_the_account_key(container: Container) -> None:
    with container.store(container.settings(account_key=container.azurite.key)) as store:
        container.put(store, container.upload(PARTS))
    assert container.keys() == [KEY]


@pytest.mark.parametrize(
    "options",
    [
        {"connection_string": "no connection string"},
        {"account_url": "http://127.0.0.1:1/a", "auth_source": "msi"},
    ],
)
def test_options_that_the_library_refuses(container: Container, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=r"azure-storage-blob refuses the options: .*; correct connection_string"):
        container.store(AzureSettings(**options))
