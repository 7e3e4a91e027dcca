# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings of an audit; objects of running backups are not findings."""

from __future__ import annotations

import datetime
import hashlib
import io
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable, OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Uploaded
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._repository import audit as audit_module
from ansible_collections.vex.backup.plugins.module_utils._repository.audit import AuditRequest, audit_bucket
from ansible_collections.vex.backup.plugins.module_utils._repository.audit_findings import REMEDIES
from ansible_collections.vex.backup.plugins.module_utils._store import read as read_module
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import (
    FakeBucket,
    destination,
    use,
)

UNREACHABLE = LogDatabase(
    Login(host="127.0.0.1", port=1, unix_socket=None, user="u", password="", ca_cert=None, connect_timeout=1), "log"
)
BEFORE = datetime.datetime(2026, 1, 10)
NOW = datetime.datetime(2026, 1, 11)
SUM = hashlib.sha256(b"x" * 7).hexdigest()
KEY = "p/db1/2026/01/backup_20260101_030000.zip"
LATE = "p/db1/2026/01/backup_20260110_235959.zip"


Rows = t.Dict[str, Uploaded]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> FakeBucket:
    """Put one good backup."""
    made = FakeBucket()
    use(made, monkeypatch)
    put(made, KEY)
    return made


@pytest.fixture
def rows() -> Rows:
    return {KEY: Uploaded("u1", SUM, 1, removed=False)}


def put(bucket: FakeBucket, key: str, moment: datetime.datetime = BEFORE, sha256: str = SUM) -> None:
    bucket.put_backup(key, moment, sha256=sha256)


def request(**changes: t.Any) -> AuditRequest:
    given = {
        "destination": destination(),
        "log_database": UNREACHABLE,
        "prefix": "p",
        "hostname": None,
        "deep": False,
        "manifest_keys": [],
        "patience": 0,
        "timeout": None,
        **changes,
    }
    return AuditRequest(**given)


def audit(*rows: t.Union[Rows, Exception], **changes: t.Any) -> t.Dict[str, t.Any]:
    """Audit while the log tables hold the first *rows* at the first query, and the last at every later query."""
    looks = list(rows)

    def read_rows() -> Rows:
        found = looks.pop(0) if len(looks) > 1 else looks[0]
        if isinstance(found, Exception):
            raise found
        return found

    return audit_bucket(request(**changes), read_rows, NOW)


def found(result: t.Dict[str, t.Any]) -> t.List[t.Tuple[str, str]]:
    assert all(one["remedy"] == REMEDIES[one["kind"]] for one in result["findings"])
    return [(one["kind"], one["key"]) for one in result["findings"]]


@pytest.mark.parametrize("deep", [False, True])
def test_no_findings(bucket: FakeBucket, rows: Rows, deep: bool) -> None:
    result = audit(rows, deep=deep)
    assert result == {"changed": False, "backups": 1, "deep": deep, "summary": "1 backup, 0 findings", "findings": []}
    assert [one for one in bucket.requests if one[0] == "get_object"] == [
        ("get_object", f"{KEY}.manifest.json"),
        *[("get_object", KEY)] * deep,
    ]


def test_objects_without_a_row(bucket: FakeBucket) -> None:
    put(bucket, LATE, NOW)
    assert found(audit({})) == [("object_without_row", KEY)]


def test_rows_without_an_object(bucket: FakeBucket, rows: Rows) -> None:
    bucket.objects.clear()
    others = {
        "a": rows[KEY]._replace(status=3),
        "b": rows[KEY]._replace(removed=True),
        "c": rows[KEY]._replace(status=0),
    }
    result = audit({**rows, **others, "d": rows[KEY]._replace(status=2)})
    assert found(result) == [("row_without_object", "d"), ("row_without_object", KEY)]


def test_a_removed_backup_that_still_exists_is_a_finding(bucket: FakeBucket, rows: Rows) -> None:
    assert found(audit({KEY: rows[KEY]._replace(removed=True)})) == [("removed_but_there", KEY)]


def test_archives_without_a_manifest(bucket: FakeBucket, rows: Rows) -> None:
    """A running upload is no finding: its row says so, or it is younger than the audit."""
    del bucket.objects[f"{KEY}.manifest.json"]
    bucket.put(LATE, b"x", NOW)
    assert found(audit(rows)) == [("archive_without_manifest", KEY)]
    assert found(audit({KEY: rows[KEY]._replace(status=0)})) == []


def test_uploads_that_have_not_ended(bucket: FakeBucket, rows: Rows) -> None:
    """One of a running backup is no finding, nor is one of others in the bucket."""
    ours = [LATE, f"{KEY}.manifest.json"]
    running = "p/db1/2026/01/backup_20260109_030000.zip"
    young = "p/db1/2026/01/backup_20260110_235959.7z"
    bucket.uploads = {**dict.fromkeys([*ours, running, "p/notes.txt"], BEFORE), young: NOW}
    result = audit({**rows, running: rows[KEY]._replace(status=0)})
    assert found(result) == [("unfinished_upload", key) for key in sorted(ours)]
    assert result["findings"][0]["detail"] == "an upload began 2026-01-10 00:00:00 UTC and has not ended"


def test_an_upload_that_gets_parts_is_no_finding(bucket: FakeBucket, rows: Rows) -> None:
    """A later run uploads an archive; its row says that the upload failed."""
    bucket.uploads = {LATE: BEFORE}
    bucket.parts = {LATE: [NOW - datetime.timedelta(minutes=5)]}
    assert found(audit({**rows, LATE: rows[KEY]._replace(status=3)})) == []
    bucket.refuse("list_parts", LATE, "AccessDenied")
    assert found(audit(rows)) == [("unfinished_upload", LATE)]
    bucket.refuse("list_parts", LATE, "ExpiredToken")
    with pytest.raises(StoreFailed):
        audit(rows)


def test_an_upload_that_ends_during_the_audit(bucket: FakeBucket, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.uploads = {LATE: BEFORE}
    lists = bucket.list_multipart_uploads

    def end_after(**params: t.Any) -> t.Dict[str, t.Any]:
        answer = lists(**params)
        bucket.uploads = {}
        return answer

    monkeypatch.setattr(bucket, "list_multipart_uploads", end_after)
    assert found(audit(rows)) == []


def test_a_store_that_does_not_list_uploads(bucket: FakeBucket, rows: Rows) -> None:
    bucket.refuse("list_multipart_uploads", "p/db1/", "AccessDenied")
    result = audit(rows, hostname="db1")
    assert found(result) == [("uploads_unknown", "")]
    bucket.refuse("list_multipart_uploads", "p/db1/", "NotImplemented")
    assert found(audit(rows, hostname="db1")) == []
    assert "grant them s3:ListBucketMultipartUploads there" in result["findings"][0]["detail"]


def test_only_strays_of_this_product_are_findings(bucket: FakeBucket, rows: Rows) -> None:
    ours = [f"{LATE}{suffix}" for suffix in (".hold", ".manifest.json", ".proof.json")]
    for key in (*ours, "p/web/app.manifest.json", "p/db1/2026/13/backup_20261399_030000.zip.hold", "p/notes.txt"):
        bucket.put(key, b"", BEFORE)
    assert found(audit(rows)) == [("stray", key) for key in ours]


@pytest.mark.parametrize(
    ("manifest", "kind"),
    [
        (b'{"archive": {"name": "a", "size": 1e999}}', "manifest_unusable"),
        (b"[" * 100000, "manifest_unusable"),
        (
            (
                b'{"hmac_sha256": "\\ud800", "archive": {"name": "a", "size": 1, "sha256": "", "format": "zip",'
                b' "encrypted": false, "level": 0}}'
            ),
            "manifest_forged",
        ),
    ],
)
def test_a_malicious_manifest_is_a_finding(bucket: FakeBucket, rows: Rows, manifest: bytes, kind: str) -> None:
    """A malicious manifest does not end the audit of the other backups."""
    bucket.put(f"{KEY}.manifest.json", manifest, BEFORE)
    assert found(audit(rows, manifest_keys=["k" * 16])) == [(kind, KEY)]


def test_sizes_and_checksums(bucket: FakeBucket, rows: Rows) -> None:
    bucket.objects[KEY] = b"y" * 7
    assert found(audit(rows)) == []
    assert found(audit(rows, deep=True)) == [("checksum_differs", KEY)]
    assert found(audit({KEY: rows[KEY]._replace(sha256="0")})) == [("checksum_differs", KEY)]
    assert found(audit({KEY: rows[KEY]._replace(sha256=None)})) == []
    bucket.objects[KEY] = b"short"
    assert found(audit(rows)) == [("size_differs", KEY)]


def test_an_archive_that_is_replaced_during_the_audit(bucket: FakeBucket, rows: Rows) -> None:
    bucket.refuse("get_object", KEY, "PreconditionFailed")
    assert found(audit(rows, deep=True)) == [("size_differs", KEY)]


def test_unsigned_and_damaged_manifests(bucket: FakeBucket, rows: Rows) -> None:
    assert found(audit(rows, manifest_keys=["k" * 16])) == [("manifest_forged", KEY)]
    bucket.objects[f"{KEY}.manifest.json"] = b"{"
    assert found(audit(rows)) == [("manifest_unusable", KEY)]
    with pytest.raises(OptionError, match="can be guessed"):
        audit(rows, manifest_keys=["short"])


def test_without_the_log_database_the_bucket_is_audited(bucket: FakeBucket) -> None:
    bucket.objects[KEY] = b"y" * 7
    result = audit(LogDatabaseUnavailable("away"), deep=True)
    assert found(result) == [("log_database", ""), ("checksum_differs", KEY)]


def test_a_refused_list_ends_the_audit(bucket: FakeBucket, rows: Rows) -> None:
    bucket.refuse("list_objects_v2", "p/db1/", "AccessDenied")
    with pytest.raises(StoreFailed):
        audit(rows, hostname="db1")


def test_a_large_object_is_read_in_chunks(bucket: FakeBucket, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_module, "CHUNK_BYTES", 1)
    assert found(audit(rows, deep=True)) == []
    assert [key for operation, key in bucket.requests if operation == "get_object"] == [
        f"{KEY}.manifest.json",
        *[KEY] * 7,
    ]


@pytest.mark.parametrize("removed_when", [f"{KEY}.manifest.json", KEY])
def test_backups_that_retention_removes_meanwhile_are_no_findings(
    bucket: FakeBucket, rows: Rows, monkeypatch: pytest.MonkeyPatch, removed_when: str
) -> None:
    """A removal while the backup is read does not end the audit either."""
    put(bucket, LATE)
    both = {**rows, LATE: rows[KEY]}
    gone = {**both, KEY: rows[KEY]._replace(removed=True)}
    get = bucket.get_object

    def remove_first(**params: t.Any) -> t.Dict[str, t.Any]:
        if params["Key"] == removed_when:
            for name in [name for name in bucket.objects if name.startswith(KEY)]:
                del bucket.objects[name]
        return get(**params)

    monkeypatch.setattr(bucket, "get_object", remove_first)
    assert found(audit(both, gone, deep=True)) == []
    # This object is missing from the beginning.
    assert found(audit(both, gone)) == []
    assert found(audit(both, LogDatabaseUnavailable("away"))) == [("row_without_object", KEY)]


def test_a_refusal_that_is_about_all_objects_ends_the_audit(bucket: FakeBucket, rows: Rows) -> None:
    bucket.refuse("get_object", KEY, "ExpiredToken")
    with pytest.raises(StoreFailed):
        audit(rows, deep=True)


def test_what_cannot_be_read_is_named_and_the_rest_is_audited(bucket: FakeBucket, rows: Rows) -> None:
    keys = {day: f"p/db1/2026/01/backup_202601{day:02}_030000.zip" for day in (2, 3, 4, 5)}
    for key in keys.values():
        put(bucket, key)
    bucket.refuse("get_object", f"{keys[2]}.manifest.json", "AccessDenied")
    bucket.refuse("get_object", keys[3], "AccessDenied")
    bucket.cold = {f"{keys[4]}.manifest.json", keys[5]}
    bucket.objects[KEY] = b"y" * 7
    both = {**rows, **dict.fromkeys(keys.values(), rows[KEY])}
    assert found(audit(both, deep=True)) == [
        ("checksum_differs", KEY),
        ("not_readable", keys[2]),
        ("not_readable", keys[3]),
        ("in_cold_storage", keys[4]),
        ("in_cold_storage", keys[5]),
    ]
    # Archives are read only if that is asked for.
    assert found(audit(both)) == [("not_readable", keys[2]), ("in_cold_storage", keys[4])]


def test_bytes_that_were_damaged_on_the_way_once_are_no_finding(
    bucket: FakeBucket, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, damaged = bucket.get_object, [b"1" * 7]

    def damage_once(**params: t.Any) -> t.Dict[str, t.Any]:
        answer = get(**params)
        return {"Body": io.BytesIO(damaged.pop())} if params["Key"] == KEY and damaged else answer

    monkeypatch.setattr(bucket, "get_object", damage_once)
    assert found(audit(rows, deep=True)) == []
    damaged += [b"3" * 7, b"2" * 7, b"1" * 7]
    result = audit(rows, deep=True)
    assert found(result) == [("not_readable", KEY)]
    assert "was read 3 times and had other bytes each time: check the network" in result["findings"][0]["detail"]


def test_an_archive_that_is_lost_during_the_audit(
    bucket: FakeBucket, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest still exists, so retention did not remove the archive."""
    get = bucket.get_object

    def lose(**params: t.Any) -> t.Dict[str, t.Any]:
        if params["Key"] == KEY:
            del bucket.objects[KEY]
        return get(**params)

    monkeypatch.setattr(bucket, "get_object", lose)
    assert found(audit(rows, deep=True)) == [("stray", f"{KEY}.manifest.json")]


def test_the_modules_result_without_a_log_database(bucket: FakeBucket) -> None:
    result = audit_module.audit(request(hostname="db1"))
    assert found(result) == [("log_database", "")]
    assert "127.0.0.1" in result["findings"][0]["detail"]


def test_a_copy_of_the_backup_of_another_host_is_found(bucket: FakeBucket, rows: Rows) -> None:
    """Its signature is good."""
    bucket.put_backup(KEY, BEFORE, sha256=SUM, signed_with="k" * 16, hostname="other")
    assert found(audit(rows, manifest_keys=["k" * 16])) == [("manifest_forged", KEY)]


def test_a_copy_of_another_backup_of_the_host_is_found(bucket: FakeBucket, rows: Rows) -> None:
    bucket.put_backup(KEY, BEFORE, sha256=SUM, signed_with="k" * 16, name="backup_20251231_030000")
    assert found(audit(rows, manifest_keys=["k" * 16])) == [("manifest_forged", KEY)]


def test_a_renamed_manifest_is_found(bucket: FakeBucket, rows: Rows) -> None:
    """An incomplete backup must not become a whole one."""
    bucket.put_backup(KEY, BEFORE, sha256=SUM, status=3)
    assert found(audit(rows)) == [("manifest_forged", KEY)]


@pytest.mark.parametrize(
    ("content", "changes", "kind"),
    [
        (b"{", {}, "proof_malformed"),
        (None, {"sha256": "0" * 64}, "proof_foreign"),
        (None, {"proven": "2025-12-31 03:00:00"}, "proof_stale"),
        (None, {"signed_with": None}, "proof_unsigned"),
        (None, {}, None),
    ],
)
def test_proofs(
    bucket: FakeBucket, rows: Rows, content: t.Optional[bytes], changes: t.Dict[str, t.Any], kind: t.Optional[str]
) -> None:
    key = "k" * 16
    bucket.put_backup(KEY, BEFORE, sha256=SUM, signed_with=key)
    bucket.put_proof(KEY, BEFORE, **{"signed_with": key, **changes})
    if content is not None:
        bucket.objects[f"{KEY}.proof.json"] = content
    expected = [(kind, f"{KEY}.proof.json")] if kind else []
    assert found(audit(rows, manifest_keys=[key])) == expected


def test_a_proof_that_retention_removes_meanwhile_is_no_finding(bucket: FakeBucket, rows: Rows) -> None:
    bucket.put(f"{KEY}.proof.json", b"{", BEFORE)

    def read_rows() -> Rows:
        """Between the two lists, too."""
        if any(operation == "get_object" for operation, _key in bucket.requests):
            bucket.objects.pop(f"{KEY}.proof.json")
        return rows

    result = audit_bucket(request(), read_rows, NOW)
    assert found(result) == []
