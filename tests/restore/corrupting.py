"""Changes of a good dump: what a dumper would have written that lost or altered something without a word.

The counts and digests of the rows' text in the manifest are those of the changed text, so that only what the server
said when it was dumped shows the loss.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition, block, parse_blocks
from tests.restore.damaging import Change

Text = Callable[[bytes], bytes]
_ROW = re.compile(rb"^\(", re.MULTILINE)


def rows(table: str, change: Text) -> Change:
    """Change the text of a table's rows."""

    def apply(root: Path, manifest: dict[str, Any]) -> None:
        folder, entry = _find(root, manifest, table)
        for name in entry["files"]:
            path = folder / name
            path.write_bytes(change(path.read_bytes()))
        _count(folder, entry)

    return apply


def replace(table: str, before: bytes, after: bytes) -> Change:
    """Change the one place in a table's rows that is *before*."""

    def change(text: bytes) -> bytes:
        assert text.count(before) == 1, text[:2000]
        return text.replace(before, after)

    return rows(table, change)


def substitute(table: str, pattern: bytes, after: bytes | Callable[[re.Match[bytes]], bytes]) -> Change:
    """Change the places in a table's rows that match *pattern*."""

    def change(text: bytes) -> bytes:
        changed = re.sub(pattern, after, text, flags=re.MULTILINE)
        assert changed != text, text[:2000]
        return changed

    return rows(table, change)


def without_last_file(table: str) -> Change:
    """Split a table's rows into two files and leave out the second, as if MyDumper had not written it."""

    def apply(root: Path, manifest: dict[str, Any]) -> None:
        folder, entry = _find(root, manifest, table)
        split(table)(root, manifest)
        (folder / entry["files"].pop()).unlink()
        _count(folder, entry)

    return apply


def split(table: str) -> Change:
    """Split a table's rows into two files. The dump remains good."""

    def apply(root: Path, manifest: dict[str, Any]) -> None:
        folder, entry = _find(root, manifest, table)
        (name,) = entry["files"]
        text = (folder / name).read_bytes()
        start = text.index(b"INSERT INTO")
        head, found = text[:start], text[start:]
        insert, _, content = found.partition(b"\n")
        lines = content.removesuffix(b";\n").split(b",\n")
        half = len(lines) // 2
        entry["files"] = [f"{name.removesuffix('.sql')}.0000{number}.sql" for number in (1, 2)]
        for file, part in zip(entry["files"], (lines[:half], lines[half:]), strict=True):
            (folder / file).write_bytes(head + insert + b"\n" + b",\n".join(part) + b";\n")
        (folder / name).unlink()
        _count(folder, entry)

    return apply


def without_rows(table: str) -> Change:
    """Leave out a table's rows, as if MyDumper had passed over the table."""

    def apply(root: Path, manifest: dict[str, Any]) -> None:
        folder, entry = _find(root, manifest, table)
        for name in entry["files"]:
            (folder / name).unlink()
        entry["files"] = []
        _count(folder, entry)

    return apply


def definition(file: str, name: str, before: bytes, after: bytes) -> Change:
    """Change the one place in an object's definition, or in its settings, that is *before*."""

    def apply(root: Path, manifest: dict[str, Any]) -> None:
        def change(one: Definition) -> bytes:
            text = block(one)
            assert one.name != name or text.count(before) == 1, text
            return text.replace(before, after) if one.name == name else text

        _rewrite(root, manifest, file, change)

    return apply


def without_definition(file: str, name: str) -> Change:
    """Leave out an object's definition."""

    def apply(root: Path, manifest: dict[str, Any]) -> None:
        _rewrite(root, manifest, file, lambda one: b"" if one.name == name else block(one))

    return apply


def _rewrite(root: Path, manifest: dict[str, Any], file: str, change: Callable[[Definition], bytes]) -> None:
    (database,) = manifest["databases"]
    path = root / database["directory"] / file
    path.write_bytes(b"".join(map(change, parse_blocks(path.read_bytes()))))


def _find(root: Path, manifest: dict[str, Any], table: str) -> tuple[Path, dict[str, Any]]:
    """Return the directory of the database, and the table's entry in the manifest."""
    (database,) = manifest["databases"]
    (entry,) = [one for one in database["tables"] if one["name"] == table]
    return root / database["directory"], entry


def _count(folder: Path, entry: dict[str, Any]) -> None:
    """Count and digest the rows in the manifest again."""
    texts = [(folder / name).read_bytes() for name in entry["files"]]
    digests = [hashlib.sha256(text).hexdigest() for text in texts] or [hashlib.sha256().hexdigest()]
    entry["rows"] = sum(len(_ROW.findall(text)) for text in texts)
    joined = hashlib.sha256("".join(digests).encode()).hexdigest()
    entry["sha256"] = digests[0] if len(digests) == 1 else joined
