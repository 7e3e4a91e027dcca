"""``gcs_upload`` as a module, and the libraries that each type of store imports."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from tests.integration.gcs_place import KEY, Place
from tests.modules import ModuleProcess
from tests.servers.s3_proxy import S3Proxy

# Prints the libraries that an adapter of a type imports.
IMPORTED = """
import sys
sys.path[:0] = {path!r}
sys.modules.update(dict.fromkeys({missing!r}))
from ansible_collections.vex.backup.plugins.module_utils._store.destination import ADAPTERS
adapter = ADAPTERS[{kind!r}]()
print(adapter.failure is None, *sorted({{"botocore", "google.auth", "requests"}} & set(sys.modules)))
"""


def options(place: Place, **given: Any) -> dict[str, Any]:
    return {
        "src": str(place.folder / "archive"),
        "bucket": place.bucket,
        "key": KEY,
        "auth_kind": "serviceaccount",
        "service_account_contents": place.gcs.tokens.account(),
        "endpoint_url": place.gcs.endpoint,
        "patience": 0,
        **given,
    }


def test_uploads_archive_and_manifest(gcs_place: Place) -> None:
    upload = gcs_place.file(6 * 1024 * 1024)
    manifest = gcs_place.folder / "manifest"
    manifest.write_text(json.dumps({"archive": {"sha256": sha256_of(upload.path)}}))
    given = options(
        gcs_place, manifest=str(manifest), part_size=5, storage_class="NEARLINE", metadata={"run_uuid": "u1"}
    )
    result = ModuleProcess("gcs_upload", given).result()
    described = gcs_place.settings()
    assert (result["status"], result["changed"], result["parts"]) == (1, True, 2)
    assert result["url"] == f"gs://{gcs_place.bucket}/{KEY}"
    assert result["etag"] == described["generation"]
    assert described["storageClass"] == "NEARLINE"
    assert described["metadata"] == {"sha256": upload.sha256, "run_uuid": "u1"}
    assert gcs_place.settings(f"{KEY}.manifest.json")["storageClass"] == "STANDARD"
    assert gcs_place.content() == Path(upload.path).read_bytes()
    assert ModuleProcess("gcs_upload", given).result()["changed"] is False


def test_the_other_modules_take_the_bucket_as_destination(gcs_place: Place) -> None:
    upload = gcs_place.file(10)
    manifest = gcs_place.folder / "manifest"
    manifest.write_text(json.dumps({"archive": {"sha256": upload.sha256}}))
    ModuleProcess("gcs_upload", options(gcs_place, manifest=str(manifest))).result()
    names = ("bucket", "auth_kind", "service_account_contents", "endpoint_url")
    destination = {"type": "gcs", **{name: options(gcs_place)[name] for name in names}}
    given: dict[str, Any] = {"prefix": "mysql", "hostname": "db 1", "destination": destination}
    module = ModuleProcess("backup_info", given)
    assert [one["key"] for one in module.result()["backups"]] == [KEY]
    assert "PRIVATE KEY" not in module.output
    result = ModuleProcess("backup_info", {**given, "destination": {**destination, "region": "eu"}}).result()
    assert "destination gcs is of type gcs, which has no region: remove it" in result["msg"]


def test_check_mode(gcs_place: Place) -> None:
    given = options(gcs_place, _ansible_check_mode=True)
    assert ModuleProcess("gcs_upload", given).result()["changed"] is True
    result = ModuleProcess("gcs_upload", {**given, "bucket": "vex-none"}).result()
    assert "the bucket does not exist" in result["msg"]


def test_no_secret_in_a_failure(gcs_place: Place) -> None:
    gcs_place.file(10)
    module = ModuleProcess("gcs_upload", options(gcs_place, service_account_file="/nowhere"))
    assert "auth_kind serviceaccount needs either" in module.result()["msg"]
    assert "PRIVATE KEY" not in module.output
    gcs_place.gcs.rules.denied.add("storage.objects.create")
    module = ModuleProcess("gcs_upload", options(gcs_place))
    assert "grant them storage.objects.create" in module.result()["msg"]
    assert "PRIVATE KEY" not in module.output


def test_an_interrupted_upload_is_cancelled(gcs_place: Place) -> None:
    gcs_place.file(12 * 1024 * 1024)
    modules: list[ModuleProcess] = []
    with S3Proxy(gcs_place.gcs.endpoint) as proxy:
        proxy.call_at("PUT", 2, lambda: modules[0].process.send_signal(signal.SIGTERM))
        modules.append(ModuleProcess("gcs_upload", options(gcs_place, endpoint_url=proxy.endpoint, part_size=5)))
        result = modules[0].result()
    assert "interrupted by SIGTERM" in result["msg"]
    assert "left in the bucket" not in result["msg"]
    assert gcs_place.gcs.rules.describe(gcs_place.bucket, KEY) is None
    assert not [one for one in gcs_place.gcs.rules.sessions.values() if one.bucket == gcs_place.bucket]


@pytest.mark.parametrize(
    "point",
    ["store:upload:after=kill", "store:part:after=kill:2", "store:part:before=kill:3", "store:part:after=kill:3"],
)
def test_an_upload_after_one_that_was_killed(gcs_place: Place, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    upload = gcs_place.file(12 * 1024 * 1024)
    monkeypatch.setenv("VEX_FAILPOINT", point)
    killed = ModuleProcess("gcs_upload", options(gcs_place, part_size=5))
    with killed.process:
        assert killed.process.wait() == -signal.SIGKILL
    assert (gcs_place.gcs.rules.describe(gcs_place.bucket, KEY) is None) == (point != "store:part:after=kill:3")
    monkeypatch.delenv("VEX_FAILPOINT")
    assert ModuleProcess("gcs_upload", options(gcs_place, part_size=5)).result()["status"] == 1
    assert gcs_place.content() == Path(upload.path).read_bytes()


@pytest.mark.parametrize("end", ["before=kill", "before=term", "after=kill", "after=term"])
def test_an_upload_that_ends_while_it_is_cancelled(gcs_place: Place, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    upload = gcs_place.file(6 * 1024 * 1024)
    right = Path(upload.path).read_bytes()
    manifest = gcs_place.folder / "manifest"
    manifest.write_text(json.dumps({"archive": {"sha256": upload.sha256}}))
    given = options(gcs_place, part_size=5, manifest=str(manifest))
    # Not the archive of the manifest.
    Path(upload.path).write_bytes(right[:-1] + b"?")
    monkeypatch.setenv("VEX_FAILPOINT", f"store:cancel:{end}")
    ended = ModuleProcess("gcs_upload", given)
    with ended.process:
        assert ended.process.wait() != 0
    assert gcs_place.gcs.rules.describe(gcs_place.bucket, KEY) is None
    monkeypatch.delenv("VEX_FAILPOINT")
    Path(upload.path).write_bytes(right)
    assert ModuleProcess("gcs_upload", given).result()["status"] == 1


@pytest.mark.parametrize(
    ("kind", "missing", "expected"),
    [
        ("gcs", [], "True google.auth requests"),
        ("gcs", ["google", "google.auth", "google_crc32c", "requests"], "False"),
        ("s3", [], "True botocore"),
        ("s3", ["google", "google.auth", "google_crc32c", "requests"], "True botocore"),
    ],
)
def test_a_type_imports_its_own_library_alone(kind: str, missing: list[str], expected: str) -> None:
    program = IMPORTED.format(path=sys.path, missing=missing, kind=kind)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    imported = [name for name in found if name not in missing]
    assert " ".join(imported) == expected
