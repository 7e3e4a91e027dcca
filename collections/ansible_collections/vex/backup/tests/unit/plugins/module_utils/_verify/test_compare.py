# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the differences between a backup and its restored copy."""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, RestoreDiffers
from ansible_collections.vex.backup.plugins.module_utils._verify.compare import CompareRequest, compare_dumps

ONE_TWO = b"INSERT INTO `t` (`id`) VALUES\n(1),\n(2);\n"
TWO_ONE = b"INSERT INTO `t` (`id`) VALUES\n(2),\n(1);\n"
ONE_THREE = b"INSERT INTO `t` (`id`) VALUES\n(1),\n(3);\n"
Change = t.Callable[[t.Dict[str, t.Any]], t.Any]


def table(name: str, text: bytes, file: str = "tables/shop.t.sql", exact: str = "") -> t.Dict[str, t.Any]:
    return {"name": name, "rows": 2, "sha256": hashlib.sha256(text).hexdigest(), "files": [file], "exact": exact}


def view(name: str, unusable: str = "") -> t.Dict[str, str]:
    return {"kind": "VIEW", "name": name, "unusable": unusable}


def other_digest(manifest: t.Dict[str, t.Any]) -> None:
    for one in manifest["databases"]:
        one["tables"][0]["sha256"] = hashlib.sha256(b"").hexdigest()


def write(root: pathlib.Path, text: bytes, change: t.Optional[Change] = None) -> pathlib.Path:
    """Write a dump of two databases, the second one's rows by the exact dump; *change* changes its manifest."""
    for name in ("shop/tables/shop.t.sql", "odd/exact/t.sql"):
        path = root / "dump" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(text)
    manifest: t.Dict[str, t.Any] = {
        "format": 2,
        "mode": "individual",
        "tools": {"mydumper": "0.10.1"},
        "server": {"version": "10.11.1"},
        "databases": [
            {
                "name": "shop",
                "directory": "dump/shop",
                "tables": [table("t", text)],
                "definitions": [view("v"), view("broken", "it has no table"), {"kind": "TABLE", "name": "t"}],
                "programs": [{"kind": "EVENT", "name": "e"}],
            },
            {
                "name": "odd",
                "directory": "dump/odd",
                "tables": [table("t", text, "exact/t.sql", "the FLOAT column 'x'")],
                "definitions": [],
                "programs": [],
            },
        ],
    }
    if change:
        change(manifest)
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return root


def compare_folders(expected: pathlib.Path, found: pathlib.Path) -> t.Dict[str, t.Any]:
    request = CompareRequest(str(expected / "manifest.json"), str(expected), str(found))
    return compare_dumps(request, RunLog(None))


def compared(folder: pathlib.Path, text: bytes, change: t.Optional[Change] = None) -> t.Dict[str, t.Any]:
    expected = write(folder / "expected", ONE_TWO)
    found = write(folder / "found", text, change)
    return compare_folders(expected, found)


def differences(folder: pathlib.Path, text: bytes, change: t.Optional[Change] = None) -> t.List[str]:
    with pytest.raises(RestoreDiffers, match="the restored data differ from the dump") as failure:
        compared(folder, text, change)
    found: t.List[str] = failure.value.details["differences"]
    assert found[0] in str(failure.value)
    return found


@pytest.mark.parametrize("text", [ONE_TWO, TWO_ONE])
def test_the_same_rows_are_the_same_in_any_order(tmp_path: pathlib.Path, text: bytes) -> None:
    assert compared(tmp_path, text) == {"tables": 2, "rows": 4, "differences": [], "notes": [], "changed": False}


def test_other_rows_are_found_if_their_number_is_the_same(tmp_path: pathlib.Path) -> None:
    sentence = "has 2 rows as expected, but with other content"
    assert differences(tmp_path, ONE_THREE) == [f"table shop.t {sentence}", f"table odd.t {sentence}"]


def test_files_that_differ_from_their_own_manifest_are_reported_as_such(tmp_path: pathlib.Path) -> None:
    expected = write(tmp_path / "expected", ONE_TWO, other_digest)
    found = write(tmp_path / "found", ONE_TWO)
    with pytest.raises(RestoreDiffers) as failure:
        compare_folders(expected, found)
    sentence = "has other rows in the backup's files than in its manifest"
    assert failure.value.details["differences"] == [f"table shop.t {sentence}", f"table odd.t {sentence}"]


def test_another_version_of_the_server_is_named_with_the_difference(tmp_path: pathlib.Path) -> None:
    found = differences(tmp_path, ONE_THREE, lambda manifest: manifest["server"].update(version="11.4.2"))
    assert found[0].endswith("but with other content (dumped from 10.11.1, restored to 11.4.2)")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda shop: shop["tables"][0].update(rows=1), "table shop.t has 1 rows, 2 expected"),
        (lambda shop: shop["tables"].clear(), "table shop.t is missing: 2 rows expected"),
        (lambda shop: shop["definitions"].clear(), "view shop.v is missing"),
        (lambda shop: shop["programs"].clear(), "stored program shop.e (EVENT) is missing"),
        (lambda shop: shop.update(name="shops"), "database 'shop' is missing"),
    ],
)
def test_missing_objects_are_named(tmp_path: pathlib.Path, change: Change, sentence: str) -> None:
    assert differences(tmp_path, ONE_TWO, lambda manifest: change(manifest["databases"][0])) == [sentence]


def test_many_differences_are_shortened(tmp_path: pathlib.Path) -> None:
    def drop(manifest: t.Dict[str, t.Any]) -> None:
        manifest["databases"][0]["tables"] += [table(f"t{number}", b"") for number in range(30)]

    expected = write(tmp_path / "expected", ONE_TWO, drop)
    found = write(tmp_path / "found", ONE_TWO)
    with pytest.raises(RestoreDiffers, match=r"t19 is missing: 2 rows expected \(and 10 more\)$") as failure:
        compare_folders(expected, found)
    assert len(failure.value.details["differences"]) == 30


def test_rows_of_another_generation_are_only_counted_with_a_note(tmp_path: pathlib.Path) -> None:
    """Rows of the exact dump are the same with both."""

    def change(manifest: t.Dict[str, t.Any]) -> None:
        manifest["tools"]["mydumper"] = "1.0.1"

    assert differences(tmp_path / "other", ONE_THREE, change) == [
        "table odd.t has 2 rows as expected, but with other content"
    ]
    (note,) = compared(tmp_path / "same", TWO_ONE, change)["notes"]
    assert note == (
        "the rows of 1 tables were counted and not compared here, because another tool wrote them: MyDumper 0.10.1 or "
        "the server's client for the backup, MyDumper 1.0.1 or the server's client on this host"
    )


def test_a_table_that_another_tool_dumped_is_only_counted(tmp_path: pathlib.Path) -> None:
    def change(manifest: t.Dict[str, t.Any]) -> None:
        manifest["databases"][1]["tables"][0]["exact"] = ""

    (note,) = compared(tmp_path, ONE_TWO, change)["notes"]
    assert note.startswith("the rows of 1 tables were counted")


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"databases": [{"name": "a"}]}', b"\xff"])
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: pathlib.Path, content: bytes) -> None:
    found = write(tmp_path / "found", ONE_TWO)
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(ManifestUnusable, match=str(path)):
        compare_dumps(CompareRequest(str(path), str(tmp_path), str(found)), RunLog(None))


@pytest.mark.parametrize(
    "change",
    [
        lambda shop: shop.update(tables=["t"]),
        lambda shop: shop["tables"][0].update(rows=None),
    ],
)
def test_a_manifest_without_row_counts_is_named(tmp_path: pathlib.Path, change: Change) -> None:
    expected = write(tmp_path / "expected", ONE_TWO, lambda manifest: change(manifest["databases"][0]))
    found = write(tmp_path / "found", ONE_TWO)
    with pytest.raises(ManifestUnusable, match="does not describe its tables"):
        compare_folders(expected, found)
