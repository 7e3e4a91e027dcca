# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes of tables, from a manifest and as the text of a column."""

from __future__ import annotations

import base64
import json
import pathlib
import typing as t
import zlib

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable
from ansible_collections.vex.backup.plugins.module_utils._log_db import columns, table_sizes
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import RunFacts, run_state
from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import (
    MOST_CHARACTERS,
    Size,
    Sizes,
    pack_sizes,
    read_manifest,
    sizes_of,
    unpack_sizes,
)

MANIFEST = {
    "databases": [
        {
            "name": "ção",
            "tables": [
                {"name": "orders", "rows": 7, "bytes": 70, "schema_only": False},
                {"name": "log", "rows": 0, "bytes": 0, "schema_only": True},
            ],
            "broken": [
                {"kind": "TABLE", "name": "torn", "reason": "crashed", "is_lost": False},
                {"kind": "PROCEDURE", "name": "hidden", "reason": "denied", "is_lost": True},
            ],
        },
        {"name": "empty", "tables": [], "broken": []},
    ]
}
SIZES: Sizes = {"ção": {"orders": Size(7, 70), "log": Size(None, 0), "torn": Size(None, 0)}, "empty": {}}


def text_of(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def test_sizes_of_a_manifest() -> None:
    assert sizes_of(MANIFEST) == SIZES


def test_packed_sizes_are_the_same_afterwards() -> None:
    assert unpack_sizes(pack_sizes(SIZES)) == SIZES
    assert pack_sizes(SIZES).isascii()


def test_a_name_that_is_no_text_survives() -> None:
    odd: Sizes = {"a\udcff": {"b\n": Size(1, 2)}}
    assert unpack_sizes(pack_sizes(odd)) == odd


def test_ten_thousand_tables_are_small() -> None:
    many: Sizes = {"shop": {f"customer_orders_{number}": Size(number * 37, number * 991) for number in range(10_000)}}
    assert len(pack_sizes(many)) < 200_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "é",
        "no Base64!",
        base64.b64encode(b"no zlib").decode(),
        text_of(b"no JSON"),
        text_of(b"[]"),
        text_of(b'{"a": []}'),
        text_of(b'{"a": {"b": 1}}'),
        text_of(b'{"a": {"b": [1]}}'),
        text_of(b'{"a": {"b": [1, "x"]}}'),
        text_of(b'{"a": {"b": [1, null]}}'),
        text_of(b"[" * 100_000),
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no sizes of tables"):
        unpack_sizes(text)


def test_a_text_that_unpacks_to_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_sizes, "_MOST_BYTES", 20)
    with pytest.raises(ValueError, match="no sizes of tables"):
        unpack_sizes(pack_sizes(SIZES))


def test_read_manifest(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    assert read_manifest(str(path)) == MANIFEST


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"databases": [{"name": "a", "tables": [1], "broken": []}]}'])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: pathlib.Path, text: t.Optional[str]) -> None:
    path = tmp_path / "manifest.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ManifestUnusable, match=r"manifest\.json"):
        read_manifest(str(path))
    state = run_state(RunFacts("db1", manifest_file=str(path)), utc_now())
    assert "tabelas" not in state.backup


def test_the_sizes_are_recorded(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    facts = RunFacts("db1", manifest_file=str(path))
    assert unpack_sizes(run_state(facts, utc_now()).backup["tabelas"]) == SIZES
    assert MOST_CHARACTERS < 16 * 1024 * 1024
    monkeypatch.setattr(columns, "MOST_CHARACTERS", 10)
    assert "tabelas" not in run_state(facts, utc_now()).backup
