# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The choice of one backup of a host, and a host that has none."""

from __future__ import annotations

import datetime
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup, OptionError
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup, catalog_of
from ansible_collections.vex.backup.plugins.module_utils._repository.choice import (
    choose,
    choose_backup,
    no_backup,
    similar_names,
)
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket, open_store

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


def test_an_incomplete_backup_is_chosen_only_by_its_name() -> None:
    whole, newer = "backup_20260130_030000", "backup_20260131_030000"
    keys = [f"db1/2026/01/{name}.zip" for name in (whole, newer)]
    backups = catalog_of(listed(*keys, f"{keys[0]}.manifest.json", f"{keys[1]}.incomplete.json"), "").backups
    assert choose(backups, "db1").name == choose(backups, "db1", at="2026-02-01").name == whole
    assert choose(backups, "db1", name=newer).name == newer
    message = (
        f"^the only backups that match are incomplete, such as {newer}, which lacks tables that the server could not "
        "read: choose one by its name$"
    )
    with pytest.raises(NoSuchBackup, match=message):
        choose(backups[:1], "db1")


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
    assert choose(host(A, B, f"{C}-"), "db1", **wanted).name == expected


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        ([f"{C}-"], {"name": A}, "^the bucket holds no complete backup of db1: see the list of its backups$"),
        (
            [A, B],
            {"at": "2025-12-31"},
            f"of db1 taken until 2025-12-31 UTC: it holds 2, from {A} to {B}; choose one of them$",
        ),
        ([A], {"name": B}, f"of db1 called {B}: it holds 1, from {A} to {A}; choose one of them$"),
        (
            [A, f"{C}-"],
            {"name": C},
            rf"{C}\.zip\.manifest\.json\), so its upload did not end and it is not a backup: choose another$",
        ),
    ],
)
def test_no_backup_to_choose(names: t.List[str], wanted: t.Dict[str, str], message: str) -> None:
    with pytest.raises(NoSuchBackup, match=message):
        choose(host(*names), "db1", **wanted)


@pytest.mark.parametrize("text", ["yesterday", "2026-01-01X", "2026-01-01 24:00", "2026-02-31", "01/02/2026"])
def test_an_invalid_time(text: str) -> None:
    message = f"^'{text}' is not a time: write 2026-01-31, 2026-01-31 03:00 or 2026-01-31 03:00:00, in UTC$"
    with pytest.raises(OptionError, match=message):
        choose([], "db1", at=text)


def test_a_minute_and_a_day_include_their_last_second() -> None:
    inside, after = "backup_20260102_030059", "backup_20260103_000000"
    backups = host(A, inside, after)
    assert (
        choose(backups, "db1", at=" 2026-01-02 03:00 ").name == choose(backups, "db1", at="2026-01-02").name == inside
    )
    assert (
        choose(backups, "db1", at="2026-01-02 02:59").name == choose(backups, "db1", at="2026-01-02 03:00:58").name == A
    )


HOSTS = ("db01.example.com", "db02.example.com", "db 1")


@pytest.fixture
def bucket() -> FakeBucket:
    made = FakeBucket()
    for name in ("db01.example.com", "db02.example.com", "db%201"):
        made.put_backup(f"mysql/{name}/2026/01/{A}.zip", LATER)
    return made


def test_find_a_backup(bucket: FakeBucket) -> None:
    with open_store(bucket) as store:
        assert choose_backup(store, "mysql", "db 1", name=A).key == f"mysql/db%201/2026/01/{A}.zip"
        with pytest.raises(NoSuchBackup, match=r"s3://vex/mysql holds no backup of db01: did you mean db01\.example"):
            choose_backup(store, "mysql", "db01")


@pytest.mark.parametrize(
    ("prefix", "hostname", "message"),
    [
        ("mysql", "db02", "s3://vex/mysql holds no backup of db02: did you mean db02.example.com?"),
        ("/mysql/", "db 2", "s3://vex/mysql holds no backup of db 2: did you mean db 1?"),
        ("mysql", "web", "s3://vex/mysql holds no backup of web: check the name of the host, prefix and bucket"),
        ("", "web", "s3://vex holds no backup of web: check the name of the host, prefix and bucket"),
        ("none", None, "s3://vex/none holds no backup: check prefix and bucket if there should be one"),
    ],
)
def test_no_backup(bucket: FakeBucket, prefix: str, hostname: t.Optional[str], message: str) -> None:
    bucket.page = 1
    with open_store(bucket) as store:
        assert no_backup(store, prefix, hostname) == message


def test_keys_that_may_not_list_other_hosts(bucket: FakeBucket) -> None:
    bucket.refuse("list_objects_v2", "mysql/", "AccessDenied")
    with (
        open_store(bucket) as store,
        pytest.raises(NoSuchBackup, match="no backup of db02: check the name of the host"),
    ):
        choose_backup(store, "mysql", "db02")


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("db01", ["db01.example.com"]),
        ("DB01.example.org", ["db01.example.com"]),
        ("db03.example.com", ["db01.example.com", "db02.example.com"]),
        ("reports", []),
    ],
)
def test_similar_names(name: str, similar: t.List[str]) -> None:
    assert set(similar_names(name, HOSTS)) >= set(similar)
    assert bool(similar_names(name, HOSTS)) == bool(similar)
