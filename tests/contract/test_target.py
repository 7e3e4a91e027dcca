"""The option ``target`` of ``backup_copy`` has the documentation of ``destination``."""

from __future__ import annotations

from tests.contract.test_module_docs import COLLECTION, constant


def test_the_target_is_documented_as_a_destination() -> None:
    fragments = COLLECTION / "plugins/doc_fragments"
    destination = constant(fragments / "destination.py", "DOCUMENTATION")["options"]["destination"]["suboptions"]
    target = constant(fragments / "target.py", "DOCUMENTATION")["options"]["target"]["suboptions"]
    assert str(target) == str(destination).replace("O(destination.", "O(target.")
