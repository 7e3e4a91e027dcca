# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which objects of a bucket are backups, and which of them is meant."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup, OptionError
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import (
    StoredBackup,
    choose,
    prefix_of,
    read_catalogue,
)
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed

LATER = datetime.datetime(2026, 2, 1)


def listed(*keys: str) -> t.List[Listed]:
    return [Listed(key, 7, LATER, "e1") for key in keys]


def host(*names: str) -> t.List[StoredBackup]:
    """Whole backups of one host, newest first; one that ends with ``-`` has no manifest."""
    keys = []
    for name in names:
        key = f"db1/2026/01/{name.rstrip('-')}.zip"
        keys += [key] if name.endswith("-") else [key, f"{key}.manifest.json"]
    return read_catalogue(listed(*keys), "").backups


@pytest.mark.parametrize(
    ("prefix", "hostname", "expected"),
    [("", None, ""), ("", "db1", "db1/"), ("/a/b/", None, "a/b/"), ("a", "db 1/é", "a/db%201%2F%C3%A9/")],
)
def test_prefix(prefix: str, hostname: t.Optional[str], expected: str) -> None:
    assert prefix_of(prefix, hostname) == expected


def test_no_name_is_not_every_host() -> None:
    """Retention would take the backups of all hosts for one's, a restore somebody else's newest."""
    with pytest.raises(OptionError, match="empty name"):
        prefix_of("mysql", "")


def test_a_backup_and_what_is_said_of_it() -> None:
    key = "p/db%201/2026/01/backup_20260131_030000.zip"
    found = read_catalogue(
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
            proven=LATER,
            held=True,
        )
    ]
    assert found.strays == ["p/db%201/x.hold", "p/other"]


def test_an_archive_alone_is_there_but_no_backup() -> None:
    (found,) = read_catalogue(listed("db1/2026/01/backup_20260131_030000.7z"), "").backups
    assert (found.manifest, found.proven, found.held) == (False, None, False)


def test_newest_first_of_all_hosts() -> None:
    names = [
        "b/2026/01/backup_20260101_000000.zip",
        "a/2026/01/backup_20260102_000000.zip",
        "a/2025/12/backup_20251231_000000.zip",
    ]
    found = read_catalogue(listed(*names), "").backups
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
def test_what_is_none(key: str) -> None:
    found = read_catalogue(listed(key), "p")
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
    ],
)
def test_choose(wanted: t.Dict[str, str], expected: str) -> None:
    assert choose(host(A, B, f"{C}-"), **wanted).name == expected


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        ([], {}, "no backup at all: it has none of this host"),
        ([A, B], {"at": "2025-12-31"}, f"taken until 2025-12-31 UTC: it has 2, from {A} to {B}"),
        ([A], {"name": B}, f"called {B}"),
        ([A, f"{C}-"], {"name": C}, "has no manifest beside it"),
    ],
)
def test_what_cannot_be_chosen(names: t.List[str], wanted: t.Dict[str, str], message: str) -> None:
    with pytest.raises(NoSuchBackup, match=message):
        choose(host(*names), **wanted)


def test_a_time_that_is_none() -> None:
    with pytest.raises(OptionError, match="'yesterday' is not a time"):
        choose([], at="yesterday")
