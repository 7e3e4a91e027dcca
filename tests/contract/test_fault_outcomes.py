"""The recorded outcomes of the fault suite: one for each fault, and each as expected."""

from __future__ import annotations

from scripts import reference
from tests.faults import outcomes


def test_each_fault_has_the_expected_outcome() -> None:
    expected = {outcomes.title(fault): str(fault.expected.value) for fault in outcomes.ALL_FAULTS}
    assert len(expected) == len(outcomes.ALL_FAULTS), "two faults have one name"
    recorded = outcomes.recorded()
    assert len(recorded) >= 100
    assert {name: expected.get(name) for name in recorded} == recorded


def test_the_page_has_every_fault() -> None:
    page = reference.faults()
    recorded = [fault.name for fault in outcomes.ALL_FAULTS if outcomes.title(fault) in outcomes.recorded()]
    assert [name for name in recorded if f"| {name} |" not in page] == []
