"""Retention on a real store and a real log database: by the module, at the end of a run, with locked objects."""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import build
from tests.destinations import destined
from tests.modules import ModuleProcess
from tests.playbook import Installation, LogDatabase, away, text_of
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS

DAY = datetime.timedelta(days=1)
NEWEST = datetime.datetime(2026, 3, 31, 3)


class Stored:
    """Backups of one host, a day apart, in a bucket and in the log tables.

    :param bucket: an existing bucket
    """

    def __init__(self, host: Installation, bucket: str) -> None:
        self.host = host
        self.store = host.store
        self.client = host.store.client()
        self.bucket = bucket

    def put(self, age: int, **lock: Any) -> str:
        """Store a backup *age* days older than the newest; return its archive's key."""
        taken = NEWEST - age * DAY
        name = f"backup_{taken:%Y%m%d_%H%M%S}"
        key = build("", self.host.hostname, name, "zip")
        content = name.encode()
        run = str(uuid.uuid4())
        archive = {
            "name": f"{name}.zip",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "format": "zip",
            "encrypted": False,
            "level": 0,
        }
        manifest = json.dumps({"run_uuid": run, "archive": archive}).encode()
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content, **lock)
        self.client.put_object(Bucket=self.bucket, Key=f"{key}.manifest.json", Body=manifest, **lock)
        record = self.module("backup_log_record", self._record(run, name, key))
        assert record["spooled"] is False
        return key

    def prove(self, key: str) -> None:
        """Put a proof beside an archive."""
        content = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        compared = {"columns": 1, "definitions": 1, "sampled_rows": 1, "tables_sampled": 1}
        facts = {"hostname": "spare", "server_version": "1", "tables": 1, "rows": 1, "recovery_seconds": 1}
        sha256 = hashlib.sha256(content).hexdigest()
        options = {**destined(self._login()), "key": key, "sha256": sha256, "compared": compared, **facts}
        assert self.module("backup_proof", options)["changed"] is True

    def restore(self, key: str, hostname: str, kind: str, **options: Any) -> dict[str, Any]:
        """Write the record of a restore, or of a proof, of a backup."""
        content = self.client.get_object(Bucket=self.bucket, Key=f"{key}.manifest.json")["Body"].read()
        facts = {"kind": kind, "hostname": hostname, "server": self.host.hostname}
        backup = {"backup_run_uuid": json.loads(content)["run_uuid"]}
        return self.module("restore_log_record", {**self._log_db(), **facts, **backup, **options})

    def prune(self, **options: Any) -> dict[str, Any]:
        return self.module(
            "backup_prune",
            destined({**self._login(), "hostname": self.host.hostname, **self._log_db(), **options}),
        )

    def module(self, name: str, options: dict[str, Any]) -> dict[str, Any]:
        return ModuleProcess(name, options).result()

    def there(self) -> list[str]:
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.host.prefix).get("Contents", [])
        return [item["Key"] for item in listed]

    def removed(self) -> list[str]:
        """Return the keys that are removed according to the log tables."""
        return sorted(row["caminho_arquivo"] for row in self.host.observe().uploads if row["removido_em"])

    def _record(self, run: str, name: str, key: str) -> dict[str, Any]:
        return {
            **self._log_db(),
            "hostname": self.host.hostname,
            "run_uuid": run,
            "status": 1,
            "stage": "mail",
            "backup": {"archive_name": f"{name}.zip"},
            "uploads": [{"status": 1, "key": key, "bucket": self.bucket, "archive_name": f"{name}.zip"}],
        }

    def _login(self) -> dict[str, Any]:
        return {
            "access_key": self.store.access_key,
            "secret_key": self.store.secret_key,
            "endpoint_url": self.store.endpoint,
            "bucket": self.bucket,
            "patience": 0,
        }

    def _log_db(self) -> dict[str, Any]:
        variables = self.host.variables
        return {
            "login_unix_socket": variables["vex_backup_log_db_unix_socket"],
            "login_user": variables["vex_backup_log_db_user"],
            "login_password": variables["vex_backup_log_db_password"],
            "login_database": variables["vex_backup_log_db_name"],
            "spool_dir": str(self.host.spool),
        }


@pytest.fixture
def stored(backup_setup: Installation) -> Iterator[Stored]:
    made = Stored(backup_setup, backup_setup.store.bucket)
    yield made
    for key in made.there():
        made.client.delete_object(Bucket=made.bucket, Key=key)


def with_manifest(*keys: str) -> list[str]:
    return sorted(key + suffix for key in keys for suffix in ("", ".manifest.json"))


def test_backups_that_no_rule_keeps_are_removed_and_noted(stored: Stored) -> None:
    keys = [stored.put(age) for age in range(4)]
    stored.client.put_object(Bucket=stored.bucket, Key=f"{keys[2]}.hold", Body=b"")
    stored.prove(keys[3])
    planned = stored.prune(keep_last=1, _ansible_check_mode=True)
    assert (len(stored.there()), stored.removed()) == (10, [])
    result = stored.prune(keep_last=1)
    assert [one["removed"] for one in result["decisions"]] == [False, True, False, False]
    assert [(one["keep"], one["reason"]) for one in planned["decisions"]] == [
        (True, "1 of the newest 1"),
        (False, "no rule keeps it"),
        (True, "held"),
        (True, "the newest that was proven to restore"),
    ]
    assert [one["keep"] for one in result["decisions"]] == [one["keep"] for one in planned["decisions"]]
    assert stored.there() == sorted(
        [*with_manifest(keys[0], keys[2], keys[3]), f"{keys[2]}.hold", f"{keys[3]}.proof.json"]
    )
    assert stored.removed() == [keys[1]]
    assert stored.prune(keep_last=1)["changed"] is False


def test_backups_that_are_being_restored_stay(stored: Stored, log_database: LogDatabase) -> None:
    """On any host, and by a proof too; one that began long ago has died."""
    keys = [stored.put(age) for age in range(5)]
    restore = stored.restore(keys[1], "db9", "restore", status=0)
    stored.restore(keys[2], "spare", "verify", status=0)
    died = stored.restore(keys[3], "db8", "restore", status=0)
    ended = stored.restore(keys[4], "db7", "restore", status=0)
    stored.restore(keys[4], "db7", "restore", status=1, run_uuid=ended["run_uuid"])
    earlier = "SET data_inicio = data_inicio - INTERVAL 8 DAY"
    table = f"{log_database.name}.restauracao_log"
    log_database.server.execute(f"UPDATE {table} {earlier} WHERE run_uuid = '{died['run_uuid']}'")
    result = stored.prune(keep_last=1)
    assert stored.there() == with_manifest(*keys[:3])
    assert [one["reason"] for one in result["decisions"]][1:3] == [
        f"in use: a restore on db9, since {restore['started']} (UTC)",
        result["decisions"][2]["reason"],
    ]
    assert result["decisions"][2]["reason"].startswith("in use: a proof on spare, since ")
    stored.restore(keys[1], "db9", "restore", status=3, run_uuid=restore["run_uuid"])
    stored.prune(keep_last=1)
    assert stored.there() == with_manifest(keys[0], keys[2])


def test_removals_are_noted_when_the_log_database_is_back(stored: Stored, log_mariadb: MariaDB) -> None:
    keys = [stored.put(age) for age in range(3)]
    with away(log_mariadb):
        result = stored.prune(keep_last=2, connect_timeout=1)
        assert stored.there() == with_manifest(*keys[:2])
        assert "the removals are kept in" in result["message"]
    assert stored.removed() == []
    assert stored.prune(keep_last=2).get("message") is None
    assert stored.removed() == [keys[2]]
    assert list((stored.host.spool / "removals").iterdir()) == []


def test_a_bucket_with_object_lock(backup_setup: Installation) -> None:
    """Locked backups stay; others are hidden behind delete markers, which the result lists."""
    client = backup_setup.store.client()
    bucket = f"locked-{uuid.uuid4().hex[:8]}"
    backup_setup.store.make_bucket(bucket, locked=True)
    stored = Stored(backup_setup, bucket)
    until = datetime.datetime.now(datetime.UTC) + DAY
    keys = [
        stored.put(0),
        stored.put(1),
        stored.put(2, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=until),
        stored.put(3, ObjectLockLegalHoldStatus="ON"),
    ]
    result = stored.prune(keep_last=1)
    assert [one["removed"] for one in result["decisions"]] == [False, True, False, False]
    assert result["decisions"][2]["reason"].startswith("locked by the bucket until ")
    assert result["decisions"][3]["reason"] == "locked by the bucket: a legal hold"
    assert sorted(result["markers"]) == with_manifest(keys[1])
    assert stored.there() == with_manifest(keys[0], keys[2], keys[3])
    versions = client.list_object_versions(Bucket=bucket, Prefix=keys[1])["Versions"]
    assert sorted(version["Key"] for version in versions) == with_manifest(keys[1])
    assert "message" not in result


def test_a_refusal_is_reported_with_its_key(stored: Stored, s3: SeaweedFS) -> None:
    keys = [stored.put(age) for age in range(3)]
    result = stored.prune(keep_last=1, access_key=s3.ro_access_key, secret_key=s3.ro_secret_key)
    assert f"{keys[2]}.manifest.json" in result["message"]
    assert "grant them s3:DeleteObject" in result["message"]
    assert stored.there() == with_manifest(*keys)
    assert stored.removed() == []


def test_an_unfinished_upload(stored: Stored) -> None:
    """Only uploads that began long before the newest backup are aborted; a younger one may still be running."""
    stored.put(0)
    key = f"{stored.host.hostname}/2026/03/backup_20260330_030000.zip"
    stored.client.create_multipart_upload(Bucket=stored.bucket, Key=key)
    assert stored.prune(keep_last=1)["aborted"] == []
    assert stored.host.observe().unfinished == [key]
    uploads = stored.client.list_multipart_uploads(Bucket=stored.bucket)["Uploads"]
    for one in uploads:
        stored.client.abort_multipart_upload(Bucket=stored.bucket, Key=one["Key"], UploadId=one["UploadId"])


@pytest.mark.usefixtures("sample_databases")
def test_runs_prune_at_their_end(backup_setup: Installation) -> None:
    first = backup_setup.backup(keep_last=1)
    assert (first.status, len(first.keys)) == (0, 2)
    second = backup_setup.backup(keep_last=1)
    assert second.status == 0, second.output
    assert not set(first.keys) & set(second.keys)
    assert len(second.keys) == 2
    removed, kept = second.uploads
    assert (removed["removido_em"] is not None, kept["removido_em"]) == (True, None)
    (log,) = backup_setup.work.glob("*.logs/backup_script.log")
    assert f"removing s3://{backup_setup.store.bucket}/{removed['caminho_arquivo']} and its manifest" in log.read_text()


@pytest.mark.usefixtures("sample_databases")
def test_a_failed_retention_is_a_warning(backup_setup: Installation) -> None:
    """The backup counts; record, mail and exit status report the retention."""
    later = f"{backup_setup.hostname}/2999/01/backup_29990101_030000.zip"
    client = backup_setup.store.client()
    for suffix in ("", ".manifest.json"):
        client.put_object(Bucket=backup_setup.store.bucket, Key=later + suffix, Body=b"")
    outcome = backup_setup.backup(keep_last=1, language="en")
    assert outcome.status != 0
    assert len(outcome.keys) == 4
    assert outcome.backup["status_backup"] == 2
    assert outcome.upload["status_upload"] == 1
    assert "this host's clock shows" in outcome.backup["observacao"]
    assert "Retention: nothing is removed: this host's clock shows" in text_of(outcome.mail)
