"""The documented schema of what webhooks get, and the example beside it."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from ansible_collections.vex.backup.plugins.module_utils._notify.channel import EVENTS, Message
from ansible_collections.vex.backup.plugins.module_utils._notify.webhook import body_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import decided
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Plan, Stages
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import Target
from tests.integration.notifying import SCHEMA, assert_documented

PLAN = Plan(
    "db1", "backup_x", "backup_x.zip", "/dump", is_packed=True, is_uploaded=True, targets=[Target("s3", "s3", "b", "k")]
)
PROOF = {"hostname": "verifier", "failures": 1, "problems": ["db1: no"], "proven": []}
SERVER = {"hostname": "db1", "due": "2026-03-31 03:00:00", "tolerance_minutes": 60, "last_backup": None}
RUN = decided(PLAN, Stages())["summary"]


def body(event: str, facts: dict[str, Any], log: str = "") -> Any:
    return json.loads(body_of(Message("u", event, False, "2026-03-31T03:00:00Z", "title", "text", facts, log)))


def test_the_schema_is_valid() -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert tuple(schema["properties"]["event"]["enum"]) == EVENTS


def test_the_example_is_valid() -> None:
    page = SCHEMA.with_name("webhook.md").read_text()
    (example,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert_documented(json.loads(example))
    assert set(json.loads(example)["facts"]) == set(RUN)


@pytest.mark.parametrize("log", ["", "the end"])
def test_bodies_are_valid(log: str) -> None:
    for event in ("success", "warning", "error"):
        assert_documented(body(event, RUN, log))
    assert_documented(body("overdue", {"overdue": [SERVER], "closed": [], "recovered": ["db2"]}, log))
    assert_documented(body("proof_failed", PROOF, log))


@pytest.mark.parametrize(("event", "facts"), [("error", PROOF), ("overdue", RUN), ("proof_failed", RUN), ("x", RUN)])
def test_other_bodies_are_not(event: str, facts: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        assert_documented(body(event, facts))
