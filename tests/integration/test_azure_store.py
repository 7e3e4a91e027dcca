"""The store that is a container of Azure, on Azurite."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobBlock

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import ObjectDiffers, OptionError, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store import azure as azure_module
from ansible_collections.vex.backup.plugins.module_utils._store.cold import thaw
from ansible_collections.vex.backup.plugins.module_utils._store.listing import (
    head,
    last_part,
    list_folders,
    list_objects,
    list_uploads,
)
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import split
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Unfinished
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_chunks, read_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.write import find_existing
from tests.integration.azure_store import KEY, MEBIBYTE, Container
from tests.servers.azurite import Azurite


@pytest.fixture
def container(azurite: Azurite, tmp_path: Path) -> Iterator[Container]:
    yield Container(azurite, tmp_path)
    azurite.empty()


@pytest.fixture
def store(container: Container) -> Iterator[Store]:
    with container.store() as made:
        yield made


@pytest.mark.parametrize("size", [0, 1, 4 * MEBIBYTE, 4 * MEBIBYTE + 1])
@pytest.mark.parametrize("part_bytes", [2 * MEBIBYTE, 64 * MEBIBYTE])
def test_a_file_there_and_back(container: Container, store: Store, size: int, part_bytes: int) -> None:
    upload = container.upload(size, **{"run-uuid": "u-1"})
    written = container.put(store, upload, part_bytes)
    content = Path(upload.path).read_bytes()
    assert container.content(KEY) == content
    found = find_existing(store, upload)
    assert found is not None
    assert (found.size, found.sha256, found.metadata["run-uuid"]) == (size, upload.sha256, "u-1")
    assert found.written == written
    assert found.written.parts == max(1, -(-size // part_bytes))
    # The second attempt compares, and writes nothing.
    assert container.put(store, upload, part_bytes) == written
    assert b"".join(read_chunks(store, found.listed)) == content
    assert read_object(store, KEY) == content
    assert container.unfinished() == []


def test_blocks_of_another_size_are_read_back(container: Container, store: Store) -> None:
    upload = container.upload(5 * MEBIBYTE)
    container.put(store, upload)
    container.put(store, upload, MEBIBYTE)
    assert "reading it back" in container.log.read_text()


def test_another_object_of_the_key(container: Container, store: Store) -> None:
    container.client.upload_blob(KEY, b"theirs")
    with pytest.raises(ObjectDiffers, match="exists and is not"):
        container.put(store, container.upload(10))
    assert container.content(KEY) == b"theirs"


@pytest.mark.parametrize("size", [10, 5 * MEBIBYTE])
def test_a_key_that_is_taken_meanwhile(container: Container, store: Store, size: int) -> None:
    upload = container.upload(size)
    with open(upload.path, "rb") as stream:
        parts = split(stream.fileno(), size, 2 * MEBIBYTE, store.deadline.check)
        container.client.upload_blob(KEY, b"theirs")
        with pytest.raises(ObjectDiffers, match="exists and is not"):
            store.put_file(upload, parts, RunLog(None))
    assert container.content(KEY) == b"theirs"


def test_a_file_that_differs_from_its_manifest(container: Container, store: Store) -> None:
    upload = container.upload(5 * MEBIBYTE)
    Path(upload.path).write_bytes(os.urandom(upload.size))
    with pytest.raises(UploadFailed, match="its manifest gives"):
        container.put(store, upload)
    assert (container.keys(), container.unfinished()) == ([], [])


def test_ranges(container: Container, store: Store) -> None:
    container.client.upload_blob(KEY, b"0123456789")
    found = store.call(store.head, KEY)
    assert found is not None
    etag = found.listed.etag
    assert store.call(store.get, KEY, (2, 3), etag).content == b"234"
    assert store.call(store.get, KEY, (8, 5)).content == b"89"
    container.client.upload_blob(KEY, b"replaced", overwrite=True)
    with pytest.raises(Refused, match="was replaced or changed meanwhile") as caught:
        store.call(store.get, KEY, (2, 3), etag)
    assert caught.value.is_changed
    with pytest.raises(Refused, match="InvalidRange"):
        store.call(store.get, KEY, (50, 3))


def test_an_empty_object(container: Container, store: Store) -> None:
    container.client.upload_blob(KEY, b"", metadata={"Run__Uuid": "x"})
    assert store.call(store.get, KEY) == (b"", {"run-uuid": "x"})


def test_objects_that_are_not_there(store: Store) -> None:
    assert head(store, KEY) is None
    with pytest.raises(Refused, match="the object is not there") as caught:
        store.call(store.get, KEY)
    assert caught.value.is_missing
    assert store.call(store.delete, KEY).marker is None


def test_pages(container: Container, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_module, "PAGE", 2)
    keys = sorted([f"a/{name}/k" for name in ("1", "é &<>\"'+%25", "z z")] + ["a/k", "b/k"])
    for key in keys:
        container.client.upload_blob(key, key.encode())
    assert [one.key for one in list_objects(store, "")] == keys
    assert [one.size for one in list_objects(store, "a/1")] == [5]
    assert list_folders(store, "a/") == sorted(key.rpartition("k")[0] for key in keys if key.count("/") == 2)
    assert list_folders(store, "none/") == []


def test_small_objects(container: Container, store: Store) -> None:
    store.call(store.put_bytes, KEY, b"{}", "application/json")
    store.call(store.put_bytes, KEY, b"{1}")
    assert container.content(KEY) == b"{1}"
    assert store.call(store.delete, KEY).marker is None
    assert container.keys() == []


def test_an_unfinished_upload(container: Container, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_module, "PAGE", 1)
    upload = container.upload(3)
    container.client.upload_blob(f"{KEY}.a", b"")
    container.client.upload_blob(f"{KEY}.b", b"x")
    upload_id = store.call(store.begin, upload, RunLog(None))
    with open(upload.path, "rb") as stream:
        (part,) = split(stream.fileno(), upload.size, MEBIBYTE, store.deadline.check)
        store.call(store.send, upload, upload_id, part, RunLog(None))
    (found,) = list_uploads(store, KEY)
    assert (found.key, found.upload_id) == (KEY, upload_id)
    assert abs((utc_now() - last_part(store, found)).total_seconds()) < 3600
    assert head(store, KEY) is None
    store.call(store.abort, found)
    assert list_uploads(store, KEY) == []
    # As after an answer that was lost.
    store.call(store.abort, found)
    assert container.keys() == [f"{KEY}.a", f"{KEY}.b"]


def test_an_upload_that_has_ended_is_not_aborted(container: Container, store: Store) -> None:
    upload = container.upload(5 * MEBIBYTE)
    container.put(store, upload)
    container.client.get_blob_client(KEY).stage_block("left", b"left")
    store.call(store.abort, Unfinished(KEY, "uncommitted", utc_now()))
    assert hashlib.sha256(container.content(KEY)).hexdigest() == upload.sha256


def test_tiers(container: Container, store: Store) -> None:
    for size in (3, 5 * MEBIBYTE):
        upload = container.upload(size, f"{KEY}.{size}", "Archive")
        container.put(store, upload)
        found = head(store, upload.key)
        assert found is not None
        assert (found.listed.storage_class, found.cold_tier, found.is_thawing) == ("Archive", "Archive", False)
        with pytest.raises(Refused, match="in the Archive tier") as caught:
            store.call(store.get, upload.key)
        assert caught.value.is_cold
        # It is compared without being read.
        container.put(store, upload)
        thaw(store, [upload.key], RunLog(None))
        assert container.content(upload.key) == Path(upload.path).read_bytes()
    with pytest.raises(OptionError, match="storage_class 'Frozen' is not an access tier of Azure: give one of Archive"):
        container.put(store, container.upload(3, storage_class="Frozen"))


def test_a_block_that_is_too_large(container: Container, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_module, "LARGEST_BLOCK", MEBIBYTE)
    with pytest.raises(OptionError, match="part_size must be at most 1 MiB, Azure's limit on a block"):
        container.put(store, container.upload(3 * MEBIBYTE))


def test_metadata_that_azure_cannot_hold(container: Container, store: Store) -> None:
    with pytest.raises(OptionError, match="metadata 'a b': Azure's names are"):
        container.put(store, container.upload(3, **{"a b": "x"}))
    assert container.keys() == []


def test_a_key_that_azure_would_change(store: Store) -> None:
    with pytest.raises(OptionError, match="has a backslash, which Azure takes for a slash: choose another prefix"):
        store.call(store.put_bytes, "a\\b", b"x")


def test_the_blocks_of_a_stranger(container: Container, store: Store) -> None:
    """A blob with our metadata whose blocks have other ids, as after a copy by a tool of Azure."""
    upload = container.upload(5 * MEBIBYTE)
    blob = container.client.get_blob_client(KEY)
    blob.stage_block("x", Path(upload.path).read_bytes())
    blob.commit_block_list([BlobBlock("x")], metadata={"sha256": upload.sha256})
    container.put(store, upload)
    assert "reading it back" in container.log.read_text()


def test_a_container_that_does_not_exist(container: Container) -> None:
    with container.store(place="none") as store:
        for action in (store.probe, lambda: store.head(KEY), lambda: store.get(KEY), lambda: store.list_page("")):
            with pytest.raises(
                Refused, match="the container does not exist: create it, or correct container"
            ) as caught:
                store.call(action)
            assert caught.value.reason is Reason.PLACE
            assert not caught.value.is_of_one_object
