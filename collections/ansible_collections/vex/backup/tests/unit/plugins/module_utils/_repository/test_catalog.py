# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog of a bucket."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup, as_result, catalog_of
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed

LATER = datetime.datetime(2026, 2, 1)


def listed(*keys: str) -> t.List[Listed]:
    return [Listed(key, 7, LATER, "e1") for key in keys]


def test_a_backup_with_all_its_objects() -> None:
    key = "p/db%201/2026/01/backup_20260131_030000.zip"
    found = catalog_of(
        listed(key, f"{key}.manifest.json", f"{key}.proof.json", f"{key}.hold", "p/other", "p/db%201/x.hold"), "p"
    )
    assert found.backups == [
        StoredBackup(
            name="backup_20260131_030000",
            hostname="db 1",
            key=key,
            size=7,
            etag="e1",
            taken=datetime.datetime(2026, 1, 31, 3),
            modified=LATER,
            manifest=True,
            incomplete=False,
            proof=LATER,
            held=True,
        )
    ]
    assert found.strays == ["p/db%201/x.hold", "p/other"]


def test_an_incomplete_backup() -> None:
    key = "db1/2026/01/backup_20260131_030000.zip"
    (found,) = catalog_of(listed(key, f"{key}.incomplete.json"), "").backups
    assert (found.manifest, found.incomplete, found.is_uploaded) == (False, True, True)
    assert found.manifest_key == f"{key}.incomplete.json"
    (both,) = catalog_of(listed(key, f"{key}.incomplete.json", f"{key}.manifest.json"), "").backups
    assert (both.manifest, both.incomplete, both.manifest_key) == (True, False, f"{key}.manifest.json")


def test_an_archive_without_a_manifest() -> None:
    (found,) = catalog_of(listed("db1/2026/01/backup_20260131_030000.7z"), "").backups
    assert (found.manifest, found.proven, found.held) == (False, None, False)


def test_backups_of_all_hosts_are_sorted_newest_first() -> None:
    names = [
        "b/2026/01/backup_20260101_000000.zip",
        "a/2026/01/backup_20260102_000000.zip",
        "a/2025/12/backup_20251231_000000.zip",
    ]
    found = catalog_of(listed(*names), "").backups
    assert [(one.hostname, one.name[7:15]) for one in found] == [
        ("a", "20260102"),
        ("b", "20260101"),
        ("a", "20251231"),
    ]


@pytest.mark.parametrize(
    "key",
    [
        "p/more/db1/2026/01/backup_20260131_030000.zip",
        "p/db1/2026/01/backup_20260231_030000.zip",
        "p/db1/2026/01/backup_20260131_030000.zip.partial",
        "p/db1/2026/01/backup_20260131_030000.tar",
        "p/backup_20260131_030000.zip",
        "p/db1/2026/01/backup_20260131_030000.zip.manifest.json",
    ],
)
def test_other_objects_are_strays(key: str) -> None:
    found = catalog_of(listed(key), "p")
    assert (found.backups, found.strays) == ([], [key])


def test_a_backup_as_modules_return_it() -> None:
    name = "backup_20260101_030000"
    key = f"db1/2026/01/{name}.zip"
    (found,) = catalog_of(listed(key, f"{key}.manifest.json"), "").backups
    assert as_result(found) == {
        "name": name,
        "hostname": "db1",
        "key": key,
        "size": 7,
        "etag": "e1",
        "taken": "2026-01-01 03:00:00",
        "modified": "2026-02-01 00:00:00",
        "manifest": True,
        "incomplete": False,
        "proven": None,
        "held": False,
        "storage_class": "STANDARD",
        "run_uuid": None,
        "fault": None,
        "proof": None,
        "proof_fault": None,
        "proof_unread": False,
    }
