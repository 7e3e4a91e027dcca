# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the facts that hooks get."""

from __future__ import annotations

import dataclasses

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.filter.hook_facts import FilterModule
from ansible_collections.vex.backup.plugins.module_utils._hooks.environment import Facts
from ansible_collections.vex.backup.plugins.plugin_utils.hook_facts import facts_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Stages
from ansible_collections.vex.backup.tests.unit.plugins.plugin_utils.made_stages import (
    DUMP,
    GOOD,
    OPENED,
    PLAN,
    ROLE_PLAN,
    RUN,
)


def test_before_the_run() -> None:
    found = facts_of(PLAN, Stages(opened=OPENED))
    assert {name: text for name, text in found.items() if text} == {
        "hostname": "db1",
        "run_uuid": RUN,
        "name": PLAN.name,
        "started": "2025-07-20 16:15:23",
        "status": "0",
    }


def test_after_the_dump() -> None:
    found = facts_of(PLAN, Stages(opened=OPENED, dump={**DUMP, "status": 2}))
    assert (found["status"], found["upload_status"]) == ("2", "")
    assert (found["dump_dir"], found["dump_bytes"], found["databases"]) == (PLAN.dump_path, "5000", "loja\na, b")
    assert (found["archive"], found["key"]) == ("", "")


def test_after_the_run() -> None:
    found = facts_of(PLAN, GOOD)
    assert (found["status"], found["upload_status"], found["problems"]) == ("1", "1", "")
    assert (found["bucket"], found["key"]) == ("vex", PLAN.targets[0].key)
    assert (found["archive"], found["archive_bytes"]) == ("/work/backup_20250720_161523.zip", "1000")


def test_after_a_failure() -> None:
    stages = dataclasses.replace(GOOD, uploads={"s3": {"failed": True, "msg": "no bucket"}})
    found = facts_of(PLAN, stages)
    assert (found["status"], found["upload_status"], found["problems"]) == ("1", "3", "Upload the archive: no bucket")
    assert (found["bucket"], found["key"]) == ("", "")


def test_facts_are_those_of_the_module() -> None:
    assert {*facts_of(PLAN, GOOD), "run_log"} == {field.name for field in dataclasses.fields(Facts)}


def test_filter() -> None:
    hook_facts = FilterModule().filters()["hook_facts"]
    assert hook_facts({"opened": OPENED}, ROLE_PLAN)["run_uuid"] == RUN
    with pytest.raises(AnsibleFilterError, match=r"vex\.backup\.hook_facts: "):
        hook_facts({}, {"hostname": "db1"})
