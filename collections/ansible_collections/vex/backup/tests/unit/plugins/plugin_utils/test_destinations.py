# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the destinations that the variables make."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.filter.destinations import FilterModule
from ansible_collections.vex.backup.plugins.plugin_utils.destinations import KEEP, read_destinations

NO_BUCKET = {"bucket": ""}
S3 = {"name": "s3", "type": "s3", "bucket": "b", "access_key": "k"}
DISK = {"name": "disk", "type": "directory", "path": "/mnt/backups", "prefix": "mysql", "keep_daily": "7"}
NONE = dict.fromkeys(KEEP, 0)


def test_the_short_form_is_one_destination() -> None:
    short = {"bucket": "b", "prefix": "mysql", "region": "", "access_key": "k"}
    assert read_destinations([], short, {"keep_last": "3"}) == (
        [
            {
                "name": "s3",
                "type": "s3",
                "place": "b",
                "prefix": "mysql",
                "keep": {**NONE, "keep_last": 3},
                "has_retention": True,
                "options": {"name": "s3", "type": "s3", "bucket": "b", "access_key": "k"},
            }
        ],
        [],
    )


def test_without_either_form_there_is_none() -> None:
    assert read_destinations([], NO_BUCKET, {}) == ([], [])


def test_each_destination_has_its_own_retention_or_the_general_one() -> None:
    stores, problems = read_destinations([S3, DISK], NO_BUCKET, {"keep_weekly": 4})
    assert problems == []
    assert [one["keep"] for one in stores] == [{**NONE, "keep_weekly": 4}, {**NONE, "keep_daily": 7}]
    assert [one["place"] for one in stores] == ["b", "/mnt/backups"]
    assert stores[1]["options"] == {"name": "disk", "type": "directory", "path": "/mnt/backups"}
    kept = read_destinations([{**S3, "keep_last": 0}], NO_BUCKET, {"keep_weekly": 4}).stores[0]
    assert (kept["keep"], kept["has_retention"]) == (NONE, False)


@pytest.mark.parametrize(
    ("given", "short", "problem"),
    [
        ("s3", NO_BUCKET, "vex_backup_destinations is not a list"),
        (["s3"], NO_BUCKET, "vex_backup_destinations is not a list"),
        ([S3], {"bucket": "b"}, "vex_backup_destinations and vex_backup_s3_bucket are both set"),
        ([S3, DISK, S3], NO_BUCKET, "vex_backup_destinations has s3 twice"),
        ([{"type": "s3", "bucket": "b"}], NO_BUCKET, "vex_backup_destinations: number 1 needs a name"),
        ([{**S3, "name": "S3"}], NO_BUCKET, "vex_backup_destinations: S3 needs a name of at most 64"),
        ([{**S3, "name": "x" * 65}], NO_BUCKET, "needs a name of at most 64"),
        ([{"name": "far", "bucket": "b"}], NO_BUCKET, "far needs a type: s3, gcs, azure, directory"),
        ([{"name": "far", "type": "azure", "bucket": "b"}], NO_BUCKET, "far needs a container"),
        ([{**S3, "keep_last": "few"}], NO_BUCKET, "s3: keep_last is not a number"),
        ([{**S3, "keep_last": -1}], NO_BUCKET, "s3: keep_last is not a number"),
    ],
)
def test_what_is_wrong_is_named(given: t.Any, short: t.Dict[str, str], problem: str) -> None:
    stores, problems = read_destinations(given, short, {})
    assert stores == []
    assert any(problem in sentence for sentence in problems), problems


def test_names_may_be_numbers() -> None:
    (store,), _problems = read_destinations([{"name": 1, "type": "s3", "bucket": 2025, "prefix": 0}], NO_BUCKET, {})
    assert (store["name"], store["place"], store["prefix"]) == ("1", "2025", "0")


def test_filter() -> None:
    destinations = FilterModule().filters()["destinations"]
    assert destinations([S3], NO_BUCKET) == read_destinations([S3], NO_BUCKET, {})._asdict()
