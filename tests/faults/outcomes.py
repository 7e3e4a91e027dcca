"""The outcome of a run with each fault, recorded for the documentation."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.faults.faults import FAULTS, Fault
from tests.faults.faults_of_hosts import HOST_FAULTS
from tests.faults.scene import Seen

FILE = Path(__file__).with_name("outcomes.json")
# Set to write the file anew.
_RECORD = "VEX_RECORD_OUTCOMES"
ALL_FAULTS = [*FAULTS, *HOST_FAULTS]


def title(fault: Fault) -> str:
    """Return the name of a fault that no other has."""
    return f"{fault.group}: {fault.name}"


def recorded() -> dict[str, str]:
    """Return what was seen, by the title of the fault."""
    found: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return found


def require(fault: Fault, seen: Seen) -> None:
    """Compare what is seen with what was recorded, or record it when the environment asks for that."""
    known = recorded()
    if os.environ.get(_RECORD):
        known[title(fault)] = str(seen)
        order = [title(one) for one in ALL_FAULTS]
        kept = {name: known[name] for name in order if name in known}
        FILE.write_text(f"{json.dumps(kept, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
    assert known.get(title(fault)) == str(seen), f"run the test with {_RECORD}=1 to record the outcome in {FILE.name}"


def rows() -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """Return the table, by group: fault, expected, seen, words of the message."""
    known = recorded()
    groups = list(dict.fromkeys(fault.group for fault in ALL_FAULTS))
    return [
        (
            group,
            [
                (fault.name, fault.expected.words, known[title(fault)], " … ".join(fault.words))
                for fault in ALL_FAULTS
                if fault.group == group and title(fault) in known
            ],
        )
        for group in groups
    ]
