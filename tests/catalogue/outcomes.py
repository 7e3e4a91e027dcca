"""The result of each content of the catalogue for each server and MyDumper, recorded for the documentation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.catalogue.content import Content

FILE = Path(__file__).with_name("outcomes.json")
BY_MYDUMPER, BY_CLIENT = "MyDumper", "client"
AT_BACKUP, AT_RESTORE, DIFFERS = "warning at backup", "warning at restore", "reported by the restore"
# Set to write the file anew, which needs MyDumper of both generations.
_RECORD = "VEX_RECORD_OUTCOMES"


def recorded() -> dict[str, dict[str, str]]:
    """Return the outcomes by content, by server and MyDumper."""
    found: dict[str, dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return found


def outcomes_of(manifest: Mapping[str, Any], contents: Iterable[Content]) -> dict[str, str]:
    """Return which tool dumped the rows of each content, by a manifest."""
    tables = {table["name"]: table["exact"] for one in manifest["databases"] for table in one["tables"]}
    return {
        content.name: BY_CLIENT
        if any(reason for name, reason in tables.items() if _is_of(name, content))
        else BY_MYDUMPER
        for content in contents
    }


def require(stack: str, found: Mapping[str, str]) -> None:
    """Compare the outcomes of *stack* with the recorded ones, or record them when the environment asks for that."""
    known = recorded()
    if os.environ.get(_RECORD):
        for name, outcome in found.items():
            known.setdefault(name, {})[stack] = outcome
        text = json.dumps(
            {name: dict(sorted(known[name].items())) for name in sorted(known)}, indent=1, ensure_ascii=False
        )
        FILE.write_text(f"{text}\n", encoding="utf-8")
    expected = {name: known.get(name, {}).get(stack) for name in found}
    assert found == expected, f"run the test with {_RECORD}=1 to record the outcomes in {FILE.name}"


def _is_of(name: str, content: Content) -> bool:
    return name == content.stem or name.startswith(f"{content.stem}__")
