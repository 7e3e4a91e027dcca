# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A directory that is in another state than it should be; the rest is in tests/integration/test_port.py."""

from __future__ import annotations

import errno
import hashlib
import os
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.files import fsync_directory
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed, UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store import directory as directory_module
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.directory import DirectorySettings
from ansible_collections.vex.backup.plugins.module_utils._store.directory_paths import explain
from ansible_collections.vex.backup.plugins.module_utils._store.listing import (
    head,
    list_folders,
    list_objects,
    list_uploads,
    stat,
)
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE, split
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Described, Listed, Upload, Written
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_chunks, read_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from ansible_collections.vex.backup.plugins.module_utils._store.write import put_file

CONTENT = b"content"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def open_directory(path: str) -> Store:
    here = Destination("nas", "directory", path, DirectorySettings())
    return open_store(here, work="the test", timeout=None, patience=store_patience(0))


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def store(root: pathlib.Path) -> t.Iterator[Store]:
    with open_directory(str(root)) as made:
        yield made


@pytest.fixture
def upload(tmp_path: pathlib.Path) -> Upload:
    (tmp_path / "file").write_bytes(CONTENT)
    return Upload(str(tmp_path / "file"), len(CONTENT), SHA256, "db1/a.zip", {"sha256": SHA256})


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(OptionError, match="path must be absolute"):
        open_directory("backups")


def test_files_are_for_their_owner_alone(store: Store, root: pathlib.Path, upload: Upload) -> None:
    put_file(store, upload, None, MEBIBYTE, RunLog(None))
    store.call(store.put_bytes, "db1/b", b"x")
    assert [path.stat().st_mode & 0o777 for path in (root / "db1", root / "db1/a.zip", root / "db1/b")] == [
        0o700,
        0o600,
        0o600,
    ]


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\0b", ".a.0123456789abcdef.partial"]
)
def test_no_key_leads_out_of_the_directory(store: Store, key: str) -> None:
    with pytest.raises(Refused, match="is no key for a directory"):
        store.call(store.put_bytes, key, b"x")


def test_a_symbolic_link_is_not_followed(store: Store, root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file").write_bytes(b"secret")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "file").symlink_to(tmp_path / "secret/file")
    for key in ("folder/file", "file"):
        with pytest.raises(Refused, match="is a symbolic link, which is not followed"):
            read_object(store, key)
        with pytest.raises(Refused, match="is a symbolic link"):
            store.call(store.delete, key)
    assert (list_objects(store, ""), list_folders(store, "")) == ([], [])
    assert (tmp_path / "secret/file").read_bytes() == b"secret"


def test_what_is_no_file_is_no_object(store: Store, root: pathlib.Path) -> None:
    (root / "folder").mkdir()
    (root / "file").touch()
    os.mkfifo(root / "pipe")
    assert [one.key for one in list_objects(store, "")] == ["file"]
    assert [head(store, key) for key in ("folder", "file/below")] == [None, None]
    assert (list_objects(store, "file/"), list_folders(store, "folder/")) == ([], [])
    with pytest.raises(Refused, match="removing file://"):
        store.call(store.delete, "folder")


def test_a_disk_that_goes_away(store: Store, root: pathlib.Path, upload: Upload) -> None:
    store.call(store.put_bytes, "a", b"x")
    listed = stat(store, "a")
    assert listed is not None
    away = root.rename(root.with_name("away"))
    for action in (
        lambda: store.call(store.probe),
        lambda: head(store, "a"),
        lambda: list(read_chunks(store, listed)),
        lambda: put_file(store, upload, None, MEBIBYTE, RunLog(None)),
        lambda: store.call(store.delete, "a"),
    ):
        with pytest.raises(Refused, match="is not a directory: mount it") as caught:
            action()
        assert not caught.value.is_of_one_object
    assert not root.exists()
    assert [path.name for path in away.iterdir()] == ["a"]


def test_a_disk_that_goes_away_in_the_middle(store: Store, root: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.call(store.put_bytes, "a", b"x")

    def leave(_store: object, found: object) -> str:
        root.rename(root.with_name("away"))
        raise FileNotFoundError(errno.ENOENT, "gone")

    monkeypatch.setattr(directory_module.DirectoryStore, "_sha256", leave)
    with pytest.raises(Refused, match="is not a directory"):
        store.call(lambda: store.head("a", checksums=True))


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_file_system_without_hard_links(
    store: Store, upload: Upload, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def link(_source: str, _target: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    put_file(store, upload, None, MEBIBYTE, RunLog(None))
    assert read_object(store, upload.key) == CONTENT
    # The same file again.
    assert put_file(store, upload, None, MEBIBYTE, RunLog(None)).etag
    assert list_uploads(store, "") == []


def test_a_full_disk_is_named(
    store: Store, root: pathlib.Path, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(_source: str, _target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(Refused, match=r"writing file://.*/db1/a.zip: No space left on device: make room there"):
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
    assert list((root / "db1").iterdir()) == []


def test_a_small_object_that_fails_leaves_nothing(
    store: Store, root: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit(_partial: str, _final: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store.call(store.put_bytes, "a", b"old")
    monkeypatch.setattr(directory_module, "commit", commit)
    with pytest.raises(StoreFailed, match="check the disk") as caught:
        store.call(store.put_bytes, "a", b"new")
    assert caught.value.may_pass
    assert [(path.name, path.read_bytes()) for path in root.iterdir()] == [("a", b"old")]


def test_a_file_that_changes_while_it_is_copied(store: Store, upload: Upload) -> None:
    upload_id = store.call(store.begin, upload, RunLog(None))
    with open(upload.path, "rb") as stream:
        (part,) = split(stream.fileno(), upload.size, MEBIBYTE, lambda: None)
        part.sha256 = hashlib.sha256(b"before").digest()
        with pytest.raises(UploadFailed, match="changed while it was copied"):
            store.call(store.send, upload, upload_id, part, RunLog(None))
    (left,) = list_uploads(store, "")
    store.call(store.abort, left)
    assert store.call(store.last_activity, left) is None


def test_only_bytes_that_were_read_show_a_match(store: Store) -> None:
    assert store.matches(Written("e"), [], SHA256) is None
    assert store.matches(Written("e", {"sha256": SHA256}), [], SHA256) is True
    assert store.matches(Written("e", {"sha256": "0"}), [], SHA256) is False


def test_nothing_is_thawed(store: Store) -> None:
    described = Described(Listed("a", 1, utc_now(), "e"), Written("e"), {})
    with pytest.raises(Refused, match="a store of type directory has no such request") as caught:
        store.thaw(described, 7)
    assert caught.value.is_unsupported


@pytest.mark.parametrize(
    ("number", "words", "is_denied", "may_pass"),
    [
        (errno.EACCES, "let this user do that there", True, False),
        (errno.EROFS, "let this user do that there", True, False),
        (errno.ESTALE, "check the disk, or the server", False, True),
        (errno.EDQUOT, "make room there", False, False),
        (errno.ENAMETOOLONG, "check path and key", False, False),
        (errno.ENOENT, "the object is not there", False, False),
    ],
)
def test_the_errors_of_the_system(number: int, words: str, is_denied: bool, may_pass: bool) -> None:
    error = explain(OSError(number, os.strerror(number)), "reading file:///a")
    assert words in str(error)
    assert os.strerror(number) in str(error)
    assert (getattr(error, "is_denied", False), error.may_pass) == (is_denied, may_pass)


def test_a_file_that_does_not_reach_the_disk(
    root: pathlib.Path, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError(errno.EIO, "Input/output error")]

    def sync(_path: str) -> None:
        # A second attempt would succeed.
        if failures:
            raise failures.pop()

    monkeypatch.setattr(directory_module, "fsync_file", sync)
    here = Destination("nas", "directory", str(root), DirectorySettings())
    patience = store_patience(60)
    with (
        open_store(here, work="the test", timeout=None, patience=patience) as patient,
        pytest.raises(UploadFailed, match="could not be brought to the disk: Input/output error"),
    ):
        put_file(patient, upload, None, MEBIBYTE, RunLog(None))
    assert failures == []
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_disk_that_gives_other_bytes(
    root: pathlib.Path, store: Store, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, "fsync_file", lambda path: pathlib.Path(path).write_bytes(b"Content"))
    with pytest.raises(UploadFailed, match=r"was read back with SHA-256 \w+, not"):
        put_file(store, upload, None, MEBIBYTE, RunLog(None))
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_a_name_whose_folder_did_not_reach_the_disk(
    root: pathlib.Path, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError(errno.EIO, "Input/output error")]
    sync = fsync_directory

    def fail_once(path: str) -> None:
        if failures:
            raise failures.pop()
        sync(path)

    monkeypatch.setattr(directory_module, "fsync_directory", fail_once)
    here = Destination("nas", "directory", str(root), DirectorySettings())
    with open_store(here, work="the test", timeout=None, patience=store_patience(60)) as patient:
        put_file(patient, upload, None, MEBIBYTE, RunLog(None))
    assert (root / upload.key).read_bytes() == CONTENT
    assert len([path for path in root.rglob("*") if path.is_file()]) == 1


def test_a_file_that_is_gone_before_it_has_its_name(
    store: Store, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(path: str) -> None:
        pathlib.Path(path).unlink()
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(directory_module, "fsync_file", lose)
    with pytest.raises(Refused, match="the object is not there"):
        put_file(store, upload, None, MEBIBYTE, RunLog(None))


def test_a_file_that_another_host_removes_during_a_list(
    root: pathlib.Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").write_bytes(b"a")
    (root / "b").write_bytes(b"b")
    scan = os.scandir

    def scan_and_remove(path: str) -> t.Any:
        entries = list(scan(path))
        (root / "a").unlink(missing_ok=True)
        return entries

    monkeypatch.setattr(os, "scandir", scan_and_remove)
    assert [one.key for one in list_objects(store, "")] == ["b"]
