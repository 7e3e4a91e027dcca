"""Whose backup and whose proof it is: manifests and proofs that lie where they do not belong, on a real store.

Every reader has the same answer: list, download, retention, proof and audit.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import signed
from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import build
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Uploaded
from ansible_collections.vex.backup.plugins.module_utils._repository.audit import AuditRequest, audit_bucket
from ansible_collections.vex.backup.plugins.module_utils._repository.download import DownloadRequest, download
from ansible_collections.vex.backup.plugins.module_utils._repository.list import ListRequest, list_backups
from ansible_collections.vex.backup.plugins.module_utils._repository.prune import PruneRequest, prune_bucket
from ansible_collections.vex.backup.plugins.module_utils._verify.proof import ProofRequest, put_proof
from tests.destinations import s3_destination
from tests.servers.seaweedfs import SeaweedFS

SECRET = "the key of all these hosts"
HOST, OTHER = "db 1", "db 2"
# Oldest first. The newest two are good.
NAMES = [f"backup_2025010{day}_030000" for day in range(1, 8)]


class Bucket:
    """Good backups of :data:`HOST`, which tests spoil, and the readers of the bucket."""

    def __init__(self, s3: SeaweedFS, folder: Path) -> None:
        self.s3 = s3
        self.client = s3.client()
        self.folder = folder
        login = {"access_key": s3.access_key, "secret_key": s3.secret_key, "endpoint_url": s3.endpoint}
        self.destination = s3_destination({**login, "bucket": s3.bucket})
        self.keys = [build("mysql", HOST, name, "zip") for name in NAMES]
        for key, name in zip(self.keys, NAMES, strict=True):
            self.put(key, f"{key}.manifest.json", self.manifest(HOST, name))

    def manifest(self, hostname: str, name: str, **changes: Any) -> dict[str, Any]:
        content = f"archive {hostname} {name}".encode()
        archive = {
            "name": f"{name}.zip",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "format": "zip",
            "encrypted": False,
            "level": 0,
        }
        run = "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001"
        return {"name": name, "hostname": hostname, "status": 1, "run_uuid": run, "archive": archive, **changes}

    def put(self, key: str, manifest_key: str, manifest: dict[str, Any]) -> None:
        """Put an archive and its signed manifest."""
        content = f"archive {manifest['hostname']} {manifest['archive']['name'][:-4]}".encode()
        self.client.put_object(Bucket=self.s3.bucket, Key=key, Body=content)
        self.put_json(manifest_key, signed(manifest, SECRET))

    def put_json(self, key: str, content: Mapping[str, Any]) -> None:
        self.client.put_object(Bucket=self.s3.bucket, Key=key, Body=json.dumps(content).encode())

    def put_proof(self, number: int, secret: str | None = SECRET, **changes: Any) -> None:
        archive = self.manifest(HOST, NAMES[number])["archive"]
        proof = {
            "format": 1,
            "proven": f"{utc_now():%Y-%m-%d %H:%M:%S}",
            "key": self.keys[number],
            "hostname": "spare",
            "sha256": archive["sha256"],
            "tables": 2,
            "rows": 7,
            **changes,
        }
        self.put_json(f"{self.keys[number]}.proof.json", signed(proof, secret))

    def there(self) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=self.s3.bucket).get("Contents", [])
        return [item["Key"] for item in listed]

    def run(self, action: Callable[[Any], dict[str, Any]], kind: type[Any], **options: Any) -> dict[str, Any]:
        """Call the function of a module, and return its result, or that of its error."""
        unset = dict.fromkeys(field.name for field in dataclasses.fields(kind))
        common = {"bucket": self.s3.bucket, "patience": 0, "manifest_keys": [SECRET], "check_mode": False}
        try:
            return action(request(kind, {**unset, **common, **options}, destination=self.destination))
        except BackupError as error:
            return {"failure": type(error).__name__, "msg": str(error)}

    def listed(self, **options: Any) -> dict[str, dict[str, Any]]:
        """Return the backups as ``backup_info`` lists them, by key."""
        found = self.run(list_backups, ListRequest, prefix="mysql", hostname=HOST, **options)["backups"]
        return {one["key"]: one for one in found}

    def download(self, **options: Any) -> dict[str, Any]:
        given = {"manifest_only": False, "parallel": 1, "dest": str(self.folder), **options}
        return self.run(lambda made: download(made, RunLog(None)), DownloadRequest, **given)

    def prove(self, number: int) -> dict[str, Any]:
        facts = {"hostname": "spare", "server_version": "1", "tables": 1, "rows": 1, "recovery_seconds": 1, "notes": []}
        sha256 = self.manifest(HOST, NAMES[number])["archive"]["sha256"]
        return self.run(put_proof, ProofRequest, key=self.keys[number], sha256=sha256, manifest_key=SECRET, **facts)

    def decisions(self) -> dict[str, dict[str, Any]]:
        """Apply retention, and return its decisions by key."""
        numbers = {"keep_last": 2, **dict.fromkeys(("keep_daily", "keep_weekly", "keep_monthly", "keep_yearly"), 0)}
        given = {"prefix": "mysql", "hostname": HOST, "unfinished_days": 7, **numbers}
        result = self.run(lambda made: prune_bucket(made, RunLog(None)), PruneRequest, **given)
        return {one["key"]: one for one in result["decisions"]}

    def findings(self) -> list[tuple[str, str]]:
        """Return the kinds and keys of an audit's findings."""
        given = {"prefix": "mysql", "hostname": HOST, "deep": False}
        rows = {key: Uploaded("u", None, 1, removed=False) for key in self.keys}
        later = utc_now() + datetime.timedelta(minutes=1)
        result = self.run(lambda made: audit_bucket(made, lambda: rows, later), AuditRequest, **given)
        return [(one["kind"], one["key"]) for one in result["findings"]]


@pytest.fixture
def bucket(s3: SeaweedFS, tmp_path: Path) -> Iterator[Bucket]:
    made = Bucket(s3, tmp_path)
    yield made
    for key in made.there():
        made.client.delete_object(Bucket=s3.bucket, Key=key)


def test_a_copied_or_renamed_backup_is_refused_by_every_reader(bucket: Bucket) -> None:
    """Its signature is good."""
    members = [
        (bucket.manifest(OTHER, NAMES[0]), f"is of a backup of {OTHER}, and lies among those of {HOST}"),
        (
            {**bucket.manifest(HOST, NAMES[1]), "name": NAMES[6]},
            f"is of the backup {NAMES[6]}, and lies beside {NAMES[1]}",
        ),
        (bucket.manifest(HOST, NAMES[6]), "so it lies beside the wrong archive"),
        (bucket.manifest(HOST, NAMES[3], status=3), "has the status 3, which a manifest of this name does not have"),
    ]
    for key, (manifest, _reason) in zip(bucket.keys, members, strict=False):
        bucket.put(key, f"{key}.manifest.json", manifest)
    kinds = ["manifest_forged", "manifest_forged", "manifest_unusable", "manifest_forged"]
    assert bucket.findings() == list(zip(kinds, bucket.keys, strict=False))
    listed = bucket.listed()
    for number, (_manifest, reason) in enumerate(members):
        key = bucket.keys[number]
        assert reason in listed[key]["fault"]
        assert (listed[key]["proven"], listed[key]["run_uuid"]) == (None, None)
        for refused in (bucket.download(key=key), bucket.prove(number)):
            assert refused["failure"] == ("ManifestUnusable" if number == 2 else "ManifestForged")
            assert reason in refused["msg"]
    assert [listed[key]["fault"] for key in bucket.keys[4:]] == [None] * 3
    assert list(bucket.folder.iterdir()) == []
    decisions = bucket.decisions()
    for key, (_manifest, reason) in zip(bucket.keys, members, strict=False):
        assert decisions[key]["reason"].startswith("counts for no rule and is not removed, check it: ")
        assert reason in decisions[key]["reason"]
    assert [key for key in bucket.keys if decisions[key]["removed"]] == [bucket.keys[4]]


def test_a_backup_in_the_folder_of_another_month_is_none(bucket: Bucket) -> None:
    """No reader that lists the bucket takes it for a second backup, and a download by its key is refused."""
    copied = bucket.keys[0].replace("/01/", "/02/")
    bucket.put(copied, f"{copied}.manifest.json", bucket.manifest(HOST, NAMES[0]))
    assert list(bucket.listed()) == bucket.keys[::-1]
    refused = bucket.download(key=copied)
    assert f"lies in a place of no backup, since the archive's key would be {bucket.keys[0]}" in refused["msg"]
    assert bucket.download(key=bucket.keys[0])["changed"] is True


def test_proofs_that_are_not_believed(bucket: Bucket) -> None:
    """They are named, prove nothing, are replaced by new ones, and are removed with their backups."""
    bucket.put_json(f"{bucket.keys[0]}.proof.json", {})
    bucket.put_proof(1, sha256="0" * 64)
    bucket.put_proof(2, proven="2024-01-01 00:00:00")
    bucket.put_proof(3, None, hostname="spare-7")
    bucket.put_proof(4, "another long key")
    reasons = {
        "proof_malformed": "is not a proof of this release",
        "proof_foreign": "proves an archive of SHA-256 000",
        "proof_stale": "is of 2024-01-01 00:00:00, and the archive was uploaded later",
        "proof_unsigned": "is not signed, and a manifest key is set: set vex_backup_manifest_key on 'spare-7', which",
        "proof_unsigned ": "does not have a valid signature of the manifest key",
    }
    proofs = [f"{key}.proof.json" for key in bucket.keys[:5]]
    assert bucket.findings() == list(zip(map(str.strip, reasons), proofs, strict=True))
    listed, without_key = bucket.listed(), bucket.listed(manifest_keys=[])
    for key, reason in zip(bucket.keys, reasons.values(), strict=False):
        assert listed[key]["proof_fault"].startswith(f"s3://{bucket.s3.bucket}/{key}.proof.json {reason}")
        assert (listed[key]["proven"], listed[key]["fault"]) == (None, None)
    assert [without_key[key]["proven"] is not None for key in bucket.keys] == [False] * 3 + [True] * 2 + [False] * 2
    for number in (0, 3, 4):
        assert bucket.prove(number)["changed"] is True
    assert [kind for kind, _key in bucket.findings()] == ["proof_foreign", "proof_stale"]
    chosen = bucket.download(prefix="mysql", hostname=HOST, name=NAMES[4], manifest_only=True)["chosen"]
    assert chosen == bucket.listed()[bucket.keys[4]]
    assert chosen["proven"] is not None
    decisions = bucket.decisions()
    assert decisions[bucket.keys[4]]["reason"] == "the newest that was proven to restore"
    assert decisions[bucket.keys[2]]["reason"].startswith("no rule keeps it, and its proof is not believed: ")
    left = [key + suffix for key in bucket.keys[4:] for suffix in ("", ".manifest.json")]
    assert bucket.there() == sorted([*left, proofs[4]])


def test_a_proof_of_an_archive_that_was_uploaded_again(bucket: Bucket) -> None:
    """By the store's own clock, which counts seconds."""
    bucket.put_proof(0)
    time.sleep(1.1)
    bucket.put(bucket.keys[0], f"{bucket.keys[0]}.manifest.json", bucket.manifest(HOST, NAMES[0]))
    assert "and the archive was uploaded later" in bucket.listed()[bucket.keys[0]]["proof_fault"]
    assert bucket.findings() == [("proof_stale", f"{bucket.keys[0]}.proof.json")]
