"""backup_download and backup_info on a real object store, and through a proxy that fails on purpose."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import signed
from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AlreadyRunning,
    ArchiveDiffers,
    BackupError,
    DownloadFailed,
    ManifestForged,
    ManifestUnusable,
    NoSuchBackup,
    NotEnoughSpace,
    OptionError,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._repository import download as download_module
from ansible_collections.vex.backup.plugins.module_utils._repository.list import ListRequest, list_backups
from ansible_collections.vex.backup.plugins.module_utils._store import listing as listing_module
from ansible_collections.vex.backup.plugins.module_utils._store.destination import open_store
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Described
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import CHUNK_BYTES
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from tests.destinations import destined, s3_destination
from tests.integration.downloading import DATA, KEY, NAME, Downloads
from tests.modules import ModuleProcess
from tests.playbook import HANGS
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS


@pytest.fixture
def downloads(s3: SeaweedFS, tmp_path: Path) -> Iterator[Downloads]:
    folder = tmp_path / "restore"
    folder.mkdir()
    yield Downloads(s3, folder)
    client = s3.client()
    for item in client.list_objects_v2(Bucket=s3.bucket).get("Contents", []):
        client.delete_object(Bucket=s3.bucket, Key=item["Key"])


def test_download_and_repeat(downloads: Downloads) -> None:
    result = downloads.run()
    assert downloads.archive.read_bytes() == DATA
    assert downloads.archive.stat().st_mode & 0o777 == 0o600
    assert result == {
        "archive": str(downloads.archive),
        "manifest": str(downloads.manifest),
        "size": len(DATA),
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "etag": result["etag"],
        "cold": None,
        "backup": result["backup"],
        "changed": True,
        "status": 1,
        "download_started": result["download_started"],
        "download_finished": result["download_finished"],
    }
    assert result["backup"]["databases"] == [{"name": "shop", "tables": 2, "views": 1, "programs": 0}]
    assert result["backup"]["bytes"] == 7
    assert downloads.partials() == []
    assert downloads.run()["changed"] is False
    downloads.manifest.unlink()
    assert downloads.run()["changed"] is True
    assert downloads.manifest.exists()


def test_check_mode_reads_and_writes_nothing(downloads: Downloads) -> None:
    result = downloads.run(check_mode=True, dest="/nowhere")
    assert result["changed"] is True
    assert result["backup"]["archive_bytes"] == len(DATA)
    assert list(downloads.folder.iterdir()) == []


def test_the_manifest_alone(downloads: Downloads) -> None:
    assert downloads.run(manifest_only=True)["changed"] is True
    assert list(downloads.folder.iterdir()) == [downloads.manifest]
    assert downloads.run(manifest_only=True)["changed"] is False


def test_an_interrupted_download_is_continued(downloads: Downloads, s3_proxy: S3Proxy) -> None:
    etag = downloads.run(check_mode=True)["etag"]
    partial = downloads.folder / f"{NAME}.zip.{etag}.partial"
    partial.write_bytes(DATA[: 2 * CHUNK_BYTES])
    (downloads.folder / f"{NAME}.zip.other.partial").write_bytes(b"another object's")
    downloads.run(endpoint_url=s3_proxy.endpoint)
    assert downloads.archive.read_bytes() == DATA
    assert downloads.partials() == []
    # The manifest, and the two chunks that were missing.
    assert [method for method, _path in s3_proxy.requests].count("GET") == 3


@pytest.mark.parametrize("left", [b"x" * CHUNK_BYTES, DATA + b"more"], ids=["damaged", "too long"])
def test_the_data_of_an_earlier_attempt_is_verified(downloads: Downloads, left: bytes) -> None:
    etag = downloads.run(check_mode=True)["etag"]
    (downloads.folder / f"{NAME}.zip.{etag}.partial").write_bytes(left)
    downloads.run()
    assert downloads.archive.read_bytes() == DATA


def test_a_killed_download_is_continued(downloads: Downloads) -> None:
    process = ModuleProcess("backup_download", destined({**downloads.options(), "parallel": 1}))
    deadline = time.monotonic() + HANGS
    while not any(path.stat().st_size for path in downloads.partials()) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.process.send_signal(signal.SIGKILL)
    process.process.wait()
    assert process.process.stdout is not None
    process.process.stdout.close()
    assert not downloads.manifest.exists()
    downloads.run()
    assert downloads.archive.read_bytes() == DATA


def test_temporary_refusals(downloads: Downloads, s3_proxy: S3Proxy) -> None:
    s3_proxy.refuse(1, "GET")
    downloads.run(endpoint_url=s3_proxy.endpoint, patience=HANGS)
    assert downloads.archive.read_bytes() == DATA


def test_a_connection_that_breaks_once(downloads: Downloads, s3_proxy: S3Proxy) -> None:
    s3_proxy.cut(1)
    downloads.run(endpoint_url=s3_proxy.endpoint, patience=HANGS)
    assert downloads.archive.read_bytes() == DATA


def test_a_store_that_is_away_in_the_middle(downloads: Downloads, s3_proxy: S3Proxy) -> None:
    # The first two are the manifest and the first chunk.
    s3_proxy.call_at("GET", 3, s3_proxy.go_away)
    downloads.run(endpoint_url=s3_proxy.endpoint, patience=HANGS)
    assert downloads.archive.read_bytes() == DATA
    began, *_others, ended = [line for line in downloads.log.read_text().splitlines() if "the object store" in line]
    assert "the object store does not answer (" in began
    assert "the object store answers again after" in ended


def test_connections_that_always_break(downloads: Downloads, s3_proxy: S3Proxy) -> None:
    s3_proxy.cut()
    message = downloads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint)
    assert "the connection broke while" in message
    s3_proxy.pass_through()
    downloads.run(endpoint_url=s3_proxy.endpoint)
    assert downloads.archive.read_bytes() == DATA


def test_the_deadline(downloads: Downloads, s3_proxy: S3Proxy) -> None:
    s3_proxy.cut()
    message = downloads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint, patience=600, timeout=2)
    assert "the download took longer than 2 seconds: raise timeout" in message


def test_two_downloads_at_once(downloads: Downloads) -> None:
    with directory_lock(str(downloads.folder), "never seen"):
        assert "another download into" in downloads.refusal(AlreadyRunning)
    downloads.run()


def test_a_flipped_byte(downloads: Downloads) -> None:
    downloads.put(DATA[:100] + bytes([DATA[100] ^ 1]) + DATA[101:])
    message = downloads.refusal(DownloadFailed)
    assert "it is damaged in the bucket, which gave the same bytes twice; restore another backup" in message
    assert downloads.partials() == []


def test_a_truncated_archive(downloads: Downloads) -> None:
    downloads.put(DATA[:-1])
    assert f"has {len(DATA) - 1} bytes, its manifest gives {len(DATA)}" in downloads.refusal(DownloadFailed)


def test_an_archive_that_is_replaced_meanwhile(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    def replaced(*arguments: Any) -> Any:
        found = listing_module.head(*arguments)
        downloads.put(b"x" * len(DATA))
        return found

    monkeypatch.setattr(download_module, "head", replaced)
    assert "was replaced while it was read" in downloads.refusal(DownloadFailed)


def test_a_missing_manifest(downloads: Downloads) -> None:
    downloads.client.delete_object(Bucket=downloads.s3.bucket, Key=f"{KEY}.manifest.json")
    assert f"{KEY}.manifest.json does not exist" in downloads.refusal(NoSuchBackup)


def test_a_missing_archive(downloads: Downloads) -> None:
    downloads.client.delete_object(Bucket=downloads.s3.bucket, Key=KEY)
    assert "does not exist, only its manifest does" in downloads.refusal(NoSuchBackup)


@pytest.mark.parametrize("content", [b"no JSON", b"[]", b"{}", b'{"archive": {"name": "x"}}', b"\xff"])
def test_a_damaged_manifest(downloads: Downloads, content: bytes) -> None:
    downloads.put_manifest(content)
    assert "is not the manifest of an archive" in downloads.refusal(ManifestUnusable)


def test_a_manifest_that_must_be_signed(downloads: Downloads) -> None:
    key = "0123456789abcdef"
    assert "is not signed" in downloads.refusal(ManifestForged, manifest_keys=[key])
    downloads.put_manifest(json.dumps(signed(downloads.get_manifest(), key)).encode())
    assert "does not have a valid signature" in downloads.refusal(ManifestForged, manifest_keys=[f"{key}x"])
    assert downloads.run(manifest_keys=["another that is long", key])["changed"] is True


def test_the_manifest_of_another_archive(downloads: Downloads) -> None:
    downloads.describe(name="backup_20240720_161523.zip")
    assert "so it lies beside the wrong archive" in downloads.refusal(ManifestUnusable)


@pytest.mark.parametrize("content", [b"another", b"x" * len(DATA)])
def test_another_file_of_the_same_name(downloads: Downloads, content: bytes) -> None:
    downloads.archive.write_bytes(content)
    with pytest.raises(ArchiveDiffers, match="exists and is not the archive in the bucket"):
        downloads.run()
    assert downloads.archive.read_bytes() == content


def test_a_disk_that_is_too_small(downloads: Downloads) -> None:
    enormous = 1 << 60

    def enlarged(store: Store, key: str) -> Described:
        described = listing_module.head(store, key)
        assert described is not None
        return dataclasses.replace(described, listed=described.listed._replace(size=enormous))

    downloads.describe(size=enormous)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(download_module, "head", enlarged)
        assert f"needs {enormous} bytes in {downloads.folder}" in downloads.refusal(NotEnoughSpace)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"bucket": "missing"}, StoreFailed, "the bucket does not exist"),
        ({"secret_key": "wrong"}, StoreFailed, "correct secret_key"),
        ({"endpoint_url": "http://127.0.0.1:1"}, StoreFailed, "could not be reached"),
        ({"dest": "/dev/null"}, OptionError, "dest is not a directory and cannot be made one: /dev/null: File exists"),
        ({"dest": "/dev/null/x"}, OptionError, "cannot be made one: /dev/null/x: Not a directory"),
        ({"parallel": 0}, OptionError, "parallel must be at least 1"),
        ({"patience": -1}, OptionError, "patience must be at least 0"),
    ],
)
def test_options_that_cannot_work(
    downloads: Downloads, options: dict[str, Any], error: type[BackupError], message: str
) -> None:
    assert message in downloads.refusal(error, **options)


def test_a_copy_of_the_backup_of_another_host_is_refused(downloads: Downloads) -> None:
    downloads.describe_for("db 1")
    assert downloads.run()["changed"]
    downloads.archive.unlink()
    downloads.manifest.unlink()
    downloads.describe_for("db 2")
    assert "is of a backup of db 2, and lies among those of db 1" in downloads.refusal(ManifestForged)


def test_access_denied(downloads: Downloads) -> None:
    account = {"access_key": downloads.s3.ro_access_key, "secret_key": downloads.s3.ro_secret_key}
    downloads.s3.make_bucket("closed")
    message = downloads.refusal(StoreFailed, bucket="closed", **account)
    assert "grant them s3:GetObject and s3:ListBucket" in message


def test_the_list(downloads: Downloads, s3_proxy: S3Proxy) -> None:
    downloads.client.put_object(Bucket=downloads.s3.bucket, Key=f"{KEY}.hold", Body=b"{}")
    downloads.client.put_object(Bucket=downloads.s3.bucket, Key="mysql/other/2025/07/backup_20250721_000000.zip")
    given = downloads.options()

    def listed(hostname: str | None) -> list[dict[str, Any]]:
        options = {**given, "prefix": "mysql", "hostname": hostname, "manifest_keys": [], "timeout": None}
        found: list[dict[str, Any]] = list_backups(request(ListRequest, options, destination=s3_destination(given)))[
            "backups"
        ]
        return found

    found = listed(None)
    assert [(one["hostname"], one["manifest"], one["held"], one["proven"]) for one in found] == [
        ("other", False, False, None),
        ("db 1", True, True, None),
    ]
    assert found[1]["taken"] == "2025-07-20 16:15:23"
    assert listed("db 1") == found[1:]


@pytest.mark.parametrize("choice", [{}, {"name": NAME}, {"at": "2025-07-20"}])
def test_a_hosts_backup(downloads: Downloads, choice: dict[str, str]) -> None:
    older = KEY.replace("20250720", "20250719")
    for suffix in ("", ".manifest.json"):
        downloads.client.put_object(Bucket=downloads.s3.bucket, Key=f"{older}{suffix}", Body=b"{}")
    host = {"key": None, "prefix": "mysql", "hostname": "db 1"}
    result = downloads.run(**host, **choice)
    assert (result["chosen"]["key"], result["chosen"]["taken"]) == (KEY, "2025-07-20 16:15:23")
    assert result["archive"] == str(downloads.folder / NAME / f"{NAME}.zip")
    assert Path(result["archive"]).read_bytes() == DATA
    assert Path(result["archive"]).parent.stat().st_mode & 0o777 == 0o700
    assert "it holds 2, from" in downloads.refusal(NoSuchBackup, **host, at="2025-07-18")
    assert "holds no backup of db: did you mean db 1?" in downloads.refusal(NoSuchBackup, **{**host, "hostname": "db"})
    assert "the hostname is empty" in downloads.refusal(OptionError, **{**host, "hostname": ""})


def test_a_list_of_several_pages(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    given = s3_destination(downloads.options())
    with open_store(given, work="the listing", timeout=None, patience=store_patience(0)) as store:
        send = store.send_request  # type: ignore[attr-defined]
        monkeypatch.setattr(store, "send_request", lambda name, **params: send(name, MaxKeys=1, **params))
        assert [one.key for one in listing_module.list_objects(store, "mysql/")] == [KEY, f"{KEY}.manifest.json"]


def test_the_modules_as_ansible_runs_them(downloads: Downloads) -> None:
    given = downloads.options()
    without_key = {key: value for key, value in given.items() if key != "key"}
    listing = {key: value for key, value in without_key.items() if key != "dest"}
    (found,) = ModuleProcess("backup_info", destined({**listing, "prefix": "mysql"})).result()["backups"]
    result = ModuleProcess("backup_download", destined({**given, "key": found["key"]})).result()
    assert result["changed"] is True
    assert downloads.archive.read_bytes() == DATA
    for host in ({"hostname": "db 1", "prefix": "mysql"}, {"hostname": "db 1", "prefix": "mysql", "name": NAME}):
        assert ModuleProcess("backup_download", destined({**without_key, **host})).result()["chosen"] == found
    for wrong in ({}, {"hostname": "db 1", "key": KEY}, {"key": KEY, "at": "2025-07-20"}):
        assert ModuleProcess("backup_download", destined({**without_key, **wrong})).result()["failed"] is True
    failed = ModuleProcess("backup_download", destined(downloads.options(key="none"))).result()
    assert (failed["failure"], failed["status"]) == ("NoSuchBackup", 3)
