# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog of a bucket, and the choice of one backup."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup, OptionError
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import (
    StoredBackup,
    as_result,
    catalog_of,
    choose,
)
from ansible_collections.vex.backup.plugins.module_utils._store.listing import Listed

LATER = datetime.datetime(2026, 2, 1)


def listed(*keys: str) -> t.List[Listed]:
    return [Listed(key, 7, LATER, "e1") for key in keys]


def host(*names: str) -> t.List[StoredBackup]:
    """Return backups of one host, newest first; a name that ends with ``-`` gets no manifest."""
    keys = []
    for name in names:
        key = f"db1/2026/01/{name.rstrip('-')}.zip"
        keys += [key] if name.endswith("-") else [key, f"{key}.manifest.json"]
    return catalog_of(listed(*keys), "").backups


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


def test_an_incomplete_backup_is_chosen_only_by_its_name() -> None:
    whole, newer = "backup_20260130_030000", "backup_20260131_030000"
    keys = [f"db1/2026/01/{name}.zip" for name in (whole, newer)]
    backups = catalog_of(listed(*keys, f"{keys[0]}.manifest.json", f"{keys[1]}.incomplete.json"), "").backups
    assert choose(backups).name == choose(backups, at="2026-02-01").name == whole
    assert choose(backups, name=newer).name == newer
    message = (
        f"^the only backups that match are incomplete, such as {newer}, which lacks tables that the server could not "
        "read: choose one by its name$"
    )
    with pytest.raises(NoSuchBackup, match=message):
        choose(backups[:1])


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


A, B, C = "backup_20260101_030000", "backup_20260102_030000", "backup_20260103_030000"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, B),
        ({"name": A}, A),
        ({"at": "2026-01-01"}, A),
        ({"at": "2026-01-02 02:59"}, A),
        ({"at": "2026-01-02 03:00"}, B),
        ({"at": "2026-01-02T02:59:59Z"}, A),
        ({"at": "2026-01-02T03:00:00Z"}, B),
        ({"at": "2026-01-02 03:00:00"}, B),
        ({"at": "2026-01-02"}, B),
    ],
)
def test_choose(wanted: t.Dict[str, str], expected: str) -> None:
    assert choose(host(A, B, f"{C}-"), **wanted).name == expected


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        ([], {}, "^the bucket holds no backup of this host: check hostname, prefix and bucket$"),
        ([f"{C}-"], {"name": A}, "^the bucket holds no backup of this host: check hostname, prefix and bucket$"),
        (
            [A, B],
            {"at": "2025-12-31"},
            f"of this host taken until 2025-12-31 UTC: it holds 2, from {A} to {B}; choose one of them$",
        ),
        ([A], {"name": B}, f"of this host called {B}: it holds 1, from {A} to {A}; choose one of them$"),
        (
            [A, f"{C}-"],
            {"name": C},
            rf"{C}\.zip\.manifest\.json\), so its upload did not end and it is not a backup: choose another$",
        ),
    ],
)
def test_no_backup_to_choose(names: t.List[str], wanted: t.Dict[str, str], message: str) -> None:
    with pytest.raises(NoSuchBackup, match=message):
        choose(host(*names), **wanted)


@pytest.mark.parametrize("text", ["yesterday", "2026-01-01X", "2026-01-01 24:00", "2026-02-31", "01/02/2026"])
def test_an_invalid_time(text: str) -> None:
    message = f"^'{text}' is not a time: write 2026-01-31, 2026-01-31 03:00 or 2026-01-31 03:00:00, in UTC$"
    with pytest.raises(OptionError, match=message):
        choose([], at=text)


def test_a_minute_and_a_day_include_their_last_second() -> None:
    inside, after = "backup_20260102_030059", "backup_20260103_000000"
    backups = host(A, inside, after)
    assert choose(backups, at=" 2026-01-02 03:00 ").name == choose(backups, at="2026-01-02").name == inside
    assert choose(backups, at="2026-01-02 02:59").name == choose(backups, at="2026-01-02 03:00:58").name == A


def test_a_backup_as_modules_return_it() -> None:
    (found,) = host(A)
    assert as_result(found) == {
        "name": A,
        "hostname": "db1",
        "key": f"db1/2026/01/{A}.zip",
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
    }
