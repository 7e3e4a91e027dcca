"""The contract of the port: the same tests for every kind of store, on real servers."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.rate import LEAST, Rate
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import ObjectDiffers, StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store import write as write_module
from ansible_collections.vex.backup.plugins.module_utils._store.listing import (
    head,
    last_part,
    list_folders,
    list_objects,
    list_uploads,
    stat,
)
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE, Part, split
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Upload, Written
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_chunks, read_object, sha256_of_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload
from tests.integration.stores import STORES, Place, opened

KEY = "mysql/db%201/2025/07/backup_20250720_161523.zip"
PART = 5 * MEBIBYTE
LARGE = 300_000_000
LOG = RunLog(None)


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with STORES[request.param](request) as made:
        yield made


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    with opened(place.destination) as made:
        yield made


def make_file(folder: Path, size: int) -> Upload:
    """Make a file of random bytes with a hole in it; return its upload."""
    path = folder / "file"
    with path.open("wb") as stream:
        stream.write(os.urandom(min(size, 1000)))
        stream.truncate(size)
    sha256 = sha256_of(str(path))
    return Upload(str(path), size, sha256, KEY, {"sha256": sha256, "run-uuid": "7"})


def put(store: Store, made: Upload) -> Written:
    return write_module.put_file(store, made, None, PART, LOG)


def keys(store: Store) -> list[str]:
    return [one.key for one in list_objects(store, "")]


def check_nothing(place: Place) -> None:
    """Check that there is neither an object nor an unfinished upload."""
    with opened(place.destination) as store:
        assert (keys(store), unfinished(store)) == ([], [])


def unfinished(store: Store) -> list[str]:
    """Return the keys of unfinished uploads; none where the store has no list of them."""
    try:
        return [one.key for one in list_uploads(store, "")]
    except Refused as error:
        if not error.is_unsupported:
            raise
        return []


@pytest.mark.parametrize("size", [0, 1, PART, 2 * PART + 7, LARGE])
def test_a_file_arrives_as_it_is(place: Place, store: Store, tmp_path: Path, size: int) -> None:
    if size == LARGE and not place.takes_large:
        pytest.skip("the server keeps its objects in memory")
    made = make_file(tmp_path, size)
    written = put(store, made)
    described = head(store, KEY)
    assert described is not None
    assert (described.size, described.written.etag) == (size, written.etag)
    assert abs(described.listed.modified - utc_now()) < datetime.timedelta(hours=1)
    assert list_objects(store, "mysql/") == [described.listed]
    assert sha256_of_object(store, described.listed, made.sha256) == made.sha256
    assert unfinished(store) == []
    existing = write_module.find_existing(store, made)
    assert existing is not None
    assert write_module.put_file(store, made, existing, PART, LOG).etag == written.etag


class Counted(Rate):
    """A rate that nothing waits for, and the bytes that would have waited."""

    def __init__(self) -> None:
        super().__init__(0)
        self.counts: list[int] = []

    def wait(self, count: int, pause: Callable[[float], None]) -> None:
        self.counts.append(count)


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
def test_every_byte_waits_for_the_rate_once(store: Store, tmp_path: Path, size: int) -> None:
    """A library that reads a body for a checksum or a signature sends nothing."""
    rate = Counted()
    made = make_file(tmp_path, size)
    write_module.put_file(store, made, None, PART, LOG, rate)
    assert sum(rate.counts) == size
    existing = write_module.find_existing(store, made)
    write_module.put_file(store, made, existing, PART, LOG, rate)
    assert sum(rate.counts) == size


def test_an_upload_that_its_rate_makes_late(place: Place, tmp_path: Path) -> None:
    """The wait for a turn ends with the time of the upload, and nothing is left."""
    made = make_file(tmp_path, 2 * PART + 7)
    request = UploadRequest(
        destination=place.destination,
        src=made.path,
        key=KEY,
        manifest=None,
        run_uuid=None,
        metadata={},
        part_size=5,
        parallel=4,
        patience=0,
        timeout=5,
        check_mode=False,
        rate=LEAST,
    )
    with pytest.raises(StoreFailed, match="took longer than 5 seconds"):
        upload(request, LOG)
    check_nothing(place)


def test_another_object_is_never_replaced(store: Store, tmp_path: Path) -> None:
    first = make_file(tmp_path, 7)
    put(store, first)
    second = make_file(tmp_path, 7)
    with pytest.raises(ObjectDiffers, match="exists and is not"):
        put(store, second)
    assert read_object(store, KEY) != Path(second.path).read_bytes()
    assert unfinished(store) == []
    # The same file again is the same object: a repetition whose first answer was lost.
    store.call(store.delete, KEY)
    assert put(store, second).etag == put(store, second).etag
    assert unfinished(store) == []


def test_an_upload_goes_on_after_a_cut(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.0)
    cuts = cut_second_part(monkeypatch, 1)
    made = make_file(tmp_path, 2 * PART + 7)
    with opened(place.destination, patience=600) as store:
        put(store, made)
        listed = stat(store, KEY)
        assert listed is not None
        assert sha256_of_object(store, listed, made.sha256) == made.sha256
        assert unfinished(store) == []
    assert cuts == []


def test_a_failed_upload_leaves_nothing(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_second_part(monkeypatch, 9)
    made = make_file(tmp_path, 2 * PART + 7)
    with opened(place.destination) as store, pytest.raises(StoreFailed):
        put(store, made)
    check_nothing(place)


def cut_second_part(monkeypatch: pytest.MonkeyPatch, times: int) -> list[None]:
    """Let the connection break so often while the second part is sent; return the cuts that are left."""
    read, left = Part.read, [None] * times

    def broken(self: Part, count: int | None = None) -> bytes:
        # Its digest is computed before it is sent.
        if self.number == 2 and "sha256" in vars(self) and left:
            left.pop()
            failed = StoreFailed("the connection broke")
            failed.may_pass = True
            raise failed
        return read(self, count)

    monkeypatch.setattr(Part, "read", broken)
    return left


@pytest.mark.parametrize("size", [7, 2 * PART + 7])
def test_a_byte_that_changes_on_the_way_is_refused(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    if not place.verifies:
        pytest.skip("the server believes every checksum")
    made, read = make_file(tmp_path, size), Part.read

    def change(self: Part, count: int | None = None) -> bytes:
        found = read(self, count)
        # Its digest is computed before it is sent.
        return bytes([found[0] ^ 1]) + found[1:] if "sha256" in vars(self) and found else found

    monkeypatch.setattr(Part, "read", change)
    with opened(place.destination) as store, pytest.raises(StoreFailed):
        put(store, made)
    check_nothing(place)


@pytest.mark.parametrize("size", [1, 2 * PART + 7])
def test_a_file_that_is_not_its_manifests_is_refused(place: Place, tmp_path: Path, size: int) -> None:
    made = dataclasses.replace(make_file(tmp_path, size), sha256=hashlib.sha256(b"").hexdigest())
    with opened(place.destination) as store, pytest.raises(UploadFailed, match="the archive was changed"):
        put(store, made)
    check_nothing(place)


def test_the_manifest_comes_last(place: Place, tmp_path: Path) -> None:
    made = make_file(tmp_path, 7)
    manifest = tmp_path / "manifest.json"
    request = UploadRequest(
        destination=place.destination,
        src=made.path,
        key=KEY,
        manifest=str(manifest),
        run_uuid=None,
        metadata={},
        part_size=5,
        parallel=4,
        patience=0,
        timeout=300,
        check_mode=False,
    )
    manifest.write_text(json.dumps({"archive": {"sha256": hashlib.sha256(b"").hexdigest()}}))
    with pytest.raises(UploadFailed):
        upload(request, LOG)
    check_nothing(place)
    manifest.write_text(json.dumps({"archive": {"sha256": made.sha256}}))
    assert [upload(request, LOG)["changed"] for _time in range(2)] == [True, False]
    with opened(place.destination) as store:
        archive, beside = list_objects(store, "")
    assert (archive.key, beside.key) == (KEY, f"{KEY}.manifest.json")
    assert archive.modified <= beside.modified


def test_a_range_and_a_replaced_object(store: Store) -> None:
    store.call(store.put_bytes, KEY, b"0123456789")
    listed = stat(store, KEY)
    assert listed is not None
    assert store.call(store.get, KEY, (3, 4), listed.etag).content == b"3456"
    assert store.call(store.get, KEY, (8, 9)).content == b"89"
    assert b"".join(read_chunks(store, listed, 9)) == b"9"
    store.call(store.put_bytes, KEY, b"9876543210")
    with pytest.raises(Refused) as caught:
        store.call(store.get, KEY, (3, 4), listed.etag)
    assert caught.value.is_changed


def test_small_objects_take_the_place_of_others(store: Store) -> None:
    for content in (b"", b"first", b"second"):
        store.call(store.put_bytes, KEY, content, "application/json")
        assert read_object(store, KEY) == content
    assert (keys(store), unfinished(store)) == ([KEY], [])


def test_what_is_not_there(store: Store) -> None:
    assert (head(store, KEY), list_objects(store, "mysql/"), list_folders(store, "never/")) == (None, [], [])
    with pytest.raises(Refused) as caught:
        read_object(store, KEY)
    assert caught.value.is_missing
    assert caught.value.is_of_one_object
    assert KEY in str(caught.value)
    store.probe()


def test_an_object_is_removed_once(store: Store) -> None:
    store.call(store.put_bytes, KEY, b"x")
    assert [store.call(store.delete, KEY).marker for _time in range(2)] == [None, None]
    assert head(store, KEY) is None


def test_a_list_of_many_objects(place: Place) -> None:
    names = sorted(f"many/{number % 3}/{number:04}" for number in range(2500))
    with opened(place.destination, parallel=8) as store:
        store.wait([store.start(store.put_bytes, name, b"x") for name in [*names, "manyfold/1", "other"]])
        assert [one.key for one in list_objects(store, "many/")] == names
        assert [one.key for one in list_objects(store, "many/1/00")] == [one for one in names if "/1/00" in one]
        assert list_folders(store, "many/") == ["many/0/", "many/1/", "many/2/"]
        # SeaweedFS shows folders a while longer than their objects.
        assert {"many/", "manyfold/"} <= set(list_folders(store, ""))
        assert {one.size for one in list_objects(store, "")} == {1}


def test_an_unfinished_upload_is_listed_and_aborted(store: Store, tmp_path: Path) -> None:
    made = make_file(tmp_path, 7)
    before = utc_now() - datetime.timedelta(hours=1)
    upload_id = store.call(store.begin, made, LOG)
    with open(made.path, "rb") as stream:
        (part,) = split(stream.fileno(), made.size, PART, lambda: None)
        store.call(store.send, made, upload_id, part, LOG)
    assert keys(store) == []
    if store.forgets_unfinished:
        assert list_uploads(store, "mysql/") == []
        return
    try:
        (left,) = list_uploads(store, "mysql/")
    except Refused as error:
        if not error.is_unsupported:
            raise
        return
    assert (left.key, list_uploads(store, "other/")) == (KEY, [])
    last = last_part(store, left)
    assert left.initiated <= last
    assert before < last
    for _time in range(2):
        store.call(store.abort, left)
    assert list_uploads(store, "") == []
    assert last_part(store, left) == left.initiated


def test_a_key_of_odd_characters(store: Store) -> None:
    key = "mysql/a b+ü&?#'\"%2F/.hidden/{}"
    store.call(store.put_bytes, key, b"x")
    assert (keys(store), read_object(store, key)) == ([key], b"x")
    store.call(store.delete, key)
    assert keys(store) == []


def test_a_place_that_does_not_exist(place: Place, tmp_path: Path) -> None:
    made = make_file(tmp_path, 7)
    with opened(place.missing) as store:
        for action in (
            lambda: store.call(store.probe),
            lambda: list_objects(store, ""),
            lambda: read_object(store, KEY),
            lambda: put(store, made),
        ):
            with pytest.raises(Refused) as caught:
                action()
            assert not caught.value.is_of_one_object
            assert not caught.value.may_pass
            assert place.missing.place in str(caught.value)


def test_a_server_that_is_away(place: Place) -> None:
    if place.unreachable is None:
        pytest.skip("the store has no server")
    with opened(place.unreachable) as store:
        for action in (
            lambda: list_objects(store, ""),
            lambda: head(store, KEY),
            lambda: read_object(store, KEY),
            lambda: store.call(store.put_bytes, KEY, b""),
            lambda: store.call(store.delete, KEY),
        ):
            with pytest.raises(StoreFailed) as caught:
                action()
            assert caught.value.may_pass
            assert "check" in str(caught.value)


def test_credentials_that_may_only_read(place: Place, tmp_path: Path) -> None:
    if place.denied is None:
        pytest.skip("the server knows no rights")
    made = make_file(tmp_path, 7)
    with opened(place.denied) as store:
        for action in (
            lambda: store.call(store.put_bytes, KEY, b""),
            lambda: put(store, made),
            lambda: store.call(store.delete, KEY),
        ):
            with pytest.raises(Refused) as caught:
                action()
            assert caught.value.is_denied
    check_nothing(place)
