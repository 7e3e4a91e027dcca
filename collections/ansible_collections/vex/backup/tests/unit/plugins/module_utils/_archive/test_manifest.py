# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest inside an archive, computed from the one beside it."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import (
    Archive,
    archive_of,
    parse_manifest,
    summary_of,
    with_archive,
    without_archive,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable

ARCHIVE = Archive("b.zip", 3, "ab", "zip", encrypted=False, level=0)


@pytest.mark.parametrize("inner", [{"name": "b", "restore": ["zstd", "myloader"]}, {"name": "b", "restore": []}])
def test_the_inner_manifest_is_the_outer_one_without_the_archive(inner: t.Dict[str, t.Any]) -> None:
    assert without_archive(with_archive(inner, ARCHIVE)) == inner


def test_the_commands_begin_with_that_of_the_archive() -> None:
    archive = ARCHIVE._replace(name="a b.zip")
    outer = with_archive({"name": "b", "restore": ["zstd"]}, archive)
    assert outer["archive"] == {**ARCHIVE._asdict(), "name": "a b.zip"}
    assert outer["restore"] == ["\"$(command -v 7zz || command -v 7z || command -v 7za)\" x 'a b.zip'", "zstd"]
    assert archive_of(outer) == archive


@pytest.mark.parametrize(
    "content", [b"", b"\xff{}", b"[]", b"{}", b'{"archive": {"name": "b.zip"}}', b"[" * 100_000, b'{"archive": 1}']
)
def test_what_is_no_manifest_is_named(content: bytes) -> None:
    with pytest.raises(ManifestUnusable, match=r"^here is not the manifest of an archive \(.*choose another backup$"):
        parse_manifest(content, "here")


def test_a_manifest_is_parsed() -> None:
    outer = with_archive({"name": "ação"}, ARCHIVE)
    assert parse_manifest(json.dumps(outer, ensure_ascii=False).encode(), "here") == outer


def test_a_manifest_without_commands_stays_without() -> None:
    outer = {"name": "b", "archive": ARCHIVE._asdict()}
    assert without_archive(outer) == {"name": "b"}


def test_the_summary_of_a_backup() -> None:
    inner = {
        "name": "backup_20260101_030000",
        "run_uuid": "u",
        "hostname": "db1",
        "server": {"product": "mysql"},
        "started": "2026-01-01 03:00:00",
        "status": 1,
        "mode": "individual",
        "consistent": True,
        "dump_bytes": 30,
        "files": [{"size": 7}, {"size": 8}],
        "databases": [{"name": "d", "tables": [1, 2, 3], "views": [1, 2], "programs": [1]}],
    }
    plain = {name: inner[name] for name in list(inner)[:9]}
    assert summary_of(with_archive(inner, ARCHIVE._replace(encrypted=True))) == {
        **plain,
        "bytes": 15,
        "encryption_key_ids": [],
        "encrypted": True,
        "archive_bytes": 3,
        "databases": [{"name": "d", "tables": 3, "views": 2, "programs": 1}],
    }
    unknown = dict.fromkeys(plain)
    assert summary_of(with_archive({}, ARCHIVE)) == {
        **unknown,
        "bytes": 0,
        "encryption_key_ids": [],
        "encrypted": False,
        "archive_bytes": 3,
        "databases": [],
    }


def test_the_summary_names_the_keys_of_encrypted_tables() -> None:
    needs: t.List[t.Dict[str, t.List[str]]] = [{"encryption": ["7"]}, {"encryption": ["yes"]}, {"encryption": ["10"]}]
    names = {"name": "d", "tables": [], "views": [], "programs": []}
    databases = [*({**names, "definitions": [{"needs": found}, {}]} for found in needs), names]
    assert summary_of(with_archive({"databases": databases}, ARCHIVE))["encryption_key_ids"] == [7, 10]
    assert summary_of(with_archive({}, ARCHIVE))["encryption_key_ids"] == []
