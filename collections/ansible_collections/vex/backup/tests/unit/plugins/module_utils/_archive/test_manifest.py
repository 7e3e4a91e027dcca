# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifest inside an archive, computed from the one beside it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import (
    Archive,
    summary_of,
    with_archive,
    without_archive,
)

ARCHIVE = Archive("b.zip", 3, "ab", "zip", encrypted=False, level=0)


@pytest.mark.parametrize("inner", [{"name": "b", "restore": ["zstd", "myloader"]}, {"name": "b", "restore": []}])
def test_the_inner_manifest_is_the_outer_one_without_the_archive(inner: t.Dict[str, t.Any]) -> None:
    assert without_archive(with_archive(inner, ARCHIVE)) == inner


def test_a_manifest_without_commands_stays_without() -> None:
    outer = {"name": "b", "archive": ARCHIVE._asdict()}
    assert without_archive(outer) == {"name": "b"}


def test_the_summary_names_the_keys_of_encrypted_tables() -> None:
    needs: t.List[t.Dict[str, t.List[str]]] = [{"encryption": ["7"]}, {"encryption": ["yes"]}, {"encryption": ["10"]}]
    names = {"name": "d", "tables": [], "views": [], "programs": []}
    databases = [*({**names, "definitions": [{"needs": found}, {}]} for found in needs), names]
    assert summary_of(with_archive({"databases": databases}, ARCHIVE))["encryption_key_ids"] == [7, 10]
    assert summary_of(with_archive({}, ARCHIVE))["encryption_key_ids"] == []
