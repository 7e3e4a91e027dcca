# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an audit finds, and what it passes over because it is under way."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable, OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Uploaded
from ansible_collections.vex.backup.plugins.module_utils._repository import audit as audit_module
from ansible_collections.vex.backup.plugins.module_utils._store import objects as objects_module
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Refused
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket, Opened

BEFORE = datetime.datetime(2026, 1, 10)
NOW = datetime.datetime(2026, 1, 11)
SUM = hashlib.sha256(b"x" * 7).hexdigest()
KEY = "p/db1/2026/01/backup_20260101_030000.zip"
LATE = "p/db1/2026/01/backup_20260110_235959.zip"


@pytest.fixture
def bucket() -> FakeBucket:
    """One backup that nothing is wrong with."""
    made = FakeBucket()
    put(made, KEY)
    return made


@pytest.fixture
def rows() -> t.Dict[str, Uploaded]:
    return {KEY: Uploaded("u1", SUM, 1, removed=False)}


def put(bucket: FakeBucket, key: str, moment: datetime.datetime = BEFORE, sha256: str = SUM) -> None:
    bucket.put_backup(key, moment, sha256=sha256)


def audit(
    bucket: FakeBucket,
    rows: t.Union[t.Dict[str, Uploaded], Exception],
    monkeypatch: pytest.MonkeyPatch,
    *rows_again: t.Union[t.Dict[str, Uploaded], Exception],
    **changes: t.Any,
) -> t.Dict[str, t.Any]:
    """Audit while the log tables give *rows*, and at each further look *rows_again*."""
    looks = iter([rows, *rows_again])
    seen: t.List[t.Dict[str, Uploaded]] = []

    @contextlib.contextmanager
    def log_database(*_arguments: t.Any, **_options: t.Any) -> t.Iterator[None]:
        given = next(looks, rows)
        if isinstance(given, Exception):
            raise given
        seen.append(given)
        yield

    monkeypatch.setattr(audit_module, "Store", Opened(bucket))
    monkeypatch.setattr(audit_module, "log_database", log_database)
    monkeypatch.setattr(audit_module, "check_version", lambda _connection: None)
    monkeypatch.setattr(audit_module, "uploads_to", lambda *_arguments: seen[-1])
    monkeypatch.setattr(audit_module, "utc_now", lambda: NOW)
    given = {
        "bucket": "vex",
        "prefix": "p",
        "hostname": None,
        "login_database": "log",
        "deep": False,
        "manifest_keys": [],
        "retries": 0,
        "timeout": None,
        **changes,
    }
    return audit_module.audit(given)


def found(result: t.Dict[str, t.Any]) -> t.List[t.Tuple[str, str]]:
    assert all(one["remedy"] == audit_module.REMEDIES[one["kind"]] for one in result["findings"])
    return [(one["kind"], one["key"]) for one in result["findings"]]


@pytest.mark.parametrize("deep", [False, True])
def test_nothing_to_find(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    result = audit(bucket, rows, monkeypatch, deep=deep)
    assert result == {"changed": False, "backups": 1, "deep": deep, "findings": []}
    assert [one for one in bucket.requests if one[0] == "get_object"] == [
        ("get_object", f"{KEY}.manifest.json"),
        *[("get_object", KEY)] * deep,
    ]


def test_objects_that_the_log_tables_do_not_know(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket, LATE, NOW)
    assert found(audit(bucket, {}, monkeypatch)) == [("object_without_row", KEY)]


def test_rows_whose_objects_are_gone(rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch) -> None:
    others = {
        "a": rows[KEY]._replace(status=3),
        "b": rows[KEY]._replace(removed=True),
        "c": rows[KEY]._replace(status=0),
    }
    result = audit(FakeBucket(), {**rows, **others, "d": rows[KEY]._replace(status=2)}, monkeypatch)
    assert found(result) == [("row_without_object", "d"), ("row_without_object", KEY)]


def test_what_was_removed_and_is_there(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(audit(bucket, {KEY: rows[KEY]._replace(removed=True)}, monkeypatch)) == [("removed_but_there", KEY)]


def test_archives_without_a_manifest(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose upload is under way is none, by its row or because it has just come."""
    del bucket.objects[f"{KEY}.manifest.json"]
    bucket.put(LATE, b"x", NOW)
    assert found(audit(bucket, rows, monkeypatch)) == [("archive_without_manifest", KEY)]
    assert found(audit(bucket, {KEY: rows[KEY]._replace(status=0)}, monkeypatch)) == []


def test_strays_are_ours(bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [f"{LATE}{suffix}" for suffix in (".hold", ".manifest.json", ".proof.json")]
    for key in (*ours, "p/web/app.manifest.json", "p/db1/2026/13/backup_20261399_030000.zip.hold", "p/notes.txt"):
        bucket.put(key, b"", BEFORE)
    assert found(audit(bucket, rows, monkeypatch)) == [("stray", key) for key in ours]


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
def test_a_manifest_made_to_break_it_is_found(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch, manifest: bytes, kind: str
) -> None:
    """Who writes to the bucket must not be able to keep the others from being looked at."""
    bucket.put(f"{KEY}.manifest.json", manifest, BEFORE)
    assert found(audit(bucket, rows, monkeypatch, manifest_keys=["k" * 16])) == [(kind, KEY)]


def test_sizes_and_checksums(bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.objects[KEY] = b"y" * 7
    assert found(audit(bucket, rows, monkeypatch)) == []
    assert found(audit(bucket, rows, monkeypatch, deep=True)) == [("checksum_differs", KEY)]
    assert found(audit(bucket, {KEY: rows[KEY]._replace(sha256="0")}, monkeypatch)) == [("checksum_differs", KEY)]
    assert found(audit(bucket, {KEY: rows[KEY]._replace(sha256=None)}, monkeypatch)) == []
    bucket.objects[KEY] = b"short"
    assert found(audit(bucket, rows, monkeypatch)) == [("size_differs", KEY)]


def test_an_archive_that_is_replaced_while_it_is_read(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.refused["get_object", KEY] = Refused("another by now", "PreconditionFailed")
    assert found(audit(bucket, rows, monkeypatch, deep=True)) == [("size_differs", KEY)]


def test_manifests(bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(audit(bucket, rows, monkeypatch, manifest_keys=["k" * 16])) == [("manifest_forged", KEY)]
    bucket.objects[f"{KEY}.manifest.json"] = b"{"
    assert found(audit(bucket, rows, monkeypatch)) == [("manifest_unusable", KEY)]
    with pytest.raises(OptionError, match="can be guessed"):
        audit(bucket, rows, monkeypatch, manifest_keys=["short"])


def test_without_the_log_database_the_bucket_is_looked_at(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.objects[KEY] = b"y" * 7
    result = audit(bucket, LogDatabaseUnavailable("away"), monkeypatch, deep=True)
    assert found(result) == [("log_database", ""), ("checksum_differs", KEY)]


def test_a_store_that_refuses_is_a_failure(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.refused["list_objects_v2", "p/db1/"] = Refused("no", "AccessDenied")
    with pytest.raises(StoreFailed):
        audit(bucket, rows, monkeypatch, hostname="db1")


def test_a_large_object_is_read_in_pieces(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "PIECE_BYTES", 2)
    assert found(audit(bucket, rows, monkeypatch, deep=True)) == []
    assert [key for operation, key in bucket.requests if operation == "get_object"] == [
        f"{KEY}.manifest.json",
        *[KEY] * 4,
    ]


@pytest.mark.parametrize("removed_at", [f"{KEY}.manifest.json", KEY])
def test_what_retention_removes_meanwhile_is_not_found(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch, removed_at: str
) -> None:
    """Nor does it end the audit when it is being read."""
    put(bucket, LATE)
    both = {**rows, LATE: rows[KEY]}
    gone = {**both, KEY: rows[KEY]._replace(removed=True)}
    get = bucket._get_object

    def remove_first(**params: t.Any) -> t.Dict[str, t.Any]:
        if params["Key"] == removed_at:
            for name in [name for name in bucket.objects if name.startswith(KEY)]:
                del bucket.objects[name]
        return get(**params)

    monkeypatch.setattr(bucket, "_get_object", remove_first)
    assert found(audit(bucket, both, monkeypatch, gone, deep=True)) == []
    # By now its object is missing from the first look on.
    assert found(audit(bucket, both, monkeypatch, gone)) == []
    assert found(audit(bucket, both, monkeypatch, LogDatabaseUnavailable("away"))) == [("row_without_object", KEY)]


def test_an_object_that_may_not_be_read_ends_it(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.refused["get_object", KEY] = Refused("no", "AccessDenied")
    with pytest.raises(StoreFailed):
        audit(bucket, rows, monkeypatch, deep=True)


def test_an_archive_that_is_lost_while_it_is_read(
    bucket: FakeBucket, rows: t.Dict[str, Uploaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its manifest is still there, so it was not retention."""
    get = bucket._get_object

    def lose(**params: t.Any) -> t.Dict[str, t.Any]:
        if params["Key"] == KEY:
            del bucket.objects[KEY]
        return get(**params)

    monkeypatch.setattr(bucket, "_get_object", lose)
    assert found(audit(bucket, rows, monkeypatch, deep=True)) == [("stray", f"{KEY}.manifest.json")]
