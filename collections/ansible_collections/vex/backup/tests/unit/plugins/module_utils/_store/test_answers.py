# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers that were cut off. Those of a real server are in tests/faults."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.s3_answers import NEEDED, require_whole


@pytest.mark.parametrize("operation", NEEDED)
def test_an_answer_without_its_content_may_pass(operation: str) -> None:
    with pytest.raises(StoreFailed) as caught:
        require_whole(operation, {"ResponseMetadata": {}}, "s3://vex/a.zip", "http://store")
    assert caught.value.may_pass
    assert f"incomplete answer for s3://vex/a.zip, without {', '.join(NEEDED[operation])}" in str(caught.value)


@pytest.mark.parametrize(
    ("operation", "answer"),
    [("delete_object", {}), ("list_objects_v2", {"IsTruncated": False}), ("put_object", {"ETag": "e", "more": 1})],
)
def test_a_whole_answer(operation: str, answer: t.Dict[str, t.Any]) -> None:
    require_whole(operation, answer, "s3://vex/a.zip", "http://store")
