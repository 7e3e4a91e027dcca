# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the presets of S3 stores."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.plugin_utils.destinations import read_destinations
from ansible_collections.vex.backup.plugins.plugin_utils.presets import PRESETS, with_preset

HERE = "vex_backup_destinations: far"
S3 = {"name": "far", "type": "s3", "bucket": "b"}
OWN = "https://store.example.org"


@pytest.mark.parametrize(
    ("preset", "given", "address", "region", "style"),
    [
        (
            "oci",
            {"namespace": "ax1", "region": "sa-saopaulo-1"},
            "https://ax1.compat.objectstorage.sa-saopaulo-1.oraclecloud.com",
            "sa-saopaulo-1",
            "path",
        ),
        ("b2", {"region": "us-west-004"}, "https://s3.us-west-004.backblazeb2.com", "us-west-004", None),
        ("r2", {"account": "0a1b"}, "https://0a1b.r2.cloudflarestorage.com", "auto", None),
        ("wasabi", {"region": "eu-central-1"}, "https://s3.eu-central-1.wasabisys.com", "eu-central-1", None),
        ("google", {}, "https://storage.googleapis.com", "auto", None),
        ("minio", {"endpoint_url": OWN}, OWN, "us-east-1", "path"),
        ("ceph", {"endpoint_url": OWN}, OWN, "default", "path"),
    ],
)
def test_each_preset(preset: str, given: t.Dict[str, str], address: str, region: str, style: t.Optional[str]) -> None:
    (store,), problems = read_destinations([{**S3, "preset": preset, **given}], {}, {})
    assert problems == []
    expected = {**S3, "endpoint_url": address, "region": region, "addressing_style": style}
    assert store["options"] == {name: value for name, value in expected.items() if value is not None}


def test_every_preset_is_tested() -> None:
    cases = [mark.args[1] for mark in test_each_preset.pytestmark]  # type: ignore[attr-defined]
    assert {case[0] for case in cases[0]} == set(PRESETS)


def test_the_options_of_the_destination_stay() -> None:
    given = {**S3, "preset": "minio", "endpoint_url": OWN, "region": "eu-1", "addressing_style": "virtual"}
    assert with_preset(given, HERE)[0] == {name: value for name, value in given.items() if name != "preset"}


def test_without_a_preset_nothing_changes() -> None:
    assert with_preset({**S3, "preset": ""}, HERE) == ({**S3, "preset": ""}, [])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"preset": "aws"}, "has the preset aws: with type s3, it is one of oci, b2"),
        ({"preset": "oci", "type": "directory", "path": "/mnt"}, "has the preset oci: with type s3"),
        ({"preset": "oci", "region": "sa-saopaulo-1"}, "needs a namespace for the preset oci"),
        ({"preset": "b2", "region": "x.example.org/"}, "needs a region for the preset b2, of letters"),
        ({"preset": "minio"}, "needs an endpoint_url: each minio has its own"),
    ],
)
def test_what_is_wrong_is_named(given: t.Dict[str, str], problem: str) -> None:
    stores, problems = read_destinations([{**S3, **given}], {}, {})
    assert stores == []
    assert [sentence for sentence in problems if f"{HERE} {problem}" in sentence] == problems
