"""End a module at each failpoint of a backup, and run again: every promise holds.

``make test`` takes a spread selection of the points, ``make test-faults`` takes all.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.files import KINDS
from tests.contract.imports import sources
from tests.faults.conftest import NewSteps, Reached
from tests.faults.ending import ACTIONS, Short, begin_upload, ended_at, interfere, selected
from tests.faults.interference import Interference
from tests.faults.traces import check_next_backup, check_nothing_left, check_whole

ROOT = Path(__file__).parents[2]
STEP = re.compile(r'failpoint\(f?"([^"]+)"\)')
REQUEST = re.compile(r'send_request[(,]\s*"(\w+)"')
# Requests that none of these runs makes: about uploads that are days old, and about cold storage, which SeaweedFS does
# not have. Neither changes what a promise is about. The last two are Google Cloud Storage's, whose uploads
# tests/integration/test_gcs_module.py ends.
NOT_MADE = {"store:list_parts", "store:restore_object", "store:cancel", "store:part"}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_backup(new_steps: NewSteps, reached: Reached, action: str) -> None:
    host = new_steps()
    host.backup()
    failures = []
    for point in selected(reached["backup"], 4):
        try:
            check_next_backup(host, ended_at(point, action))
        except AssertionError as error:
            failures.append(f"{action} at {point}: {error}")
            host = new_steps()
            host.backup()
    assert not failures, "\n\n".join(failures)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_upload_by_a_later_run(new_steps: NewSteps, reached: Reached, action: str) -> None:
    """The first run is killed while it uploads parts, the second while it uploads the rest."""
    assert any("abort_multipart_upload" in point.name for point in reached["later"])
    failures = []
    for point in selected(reached["later"], 1):
        try:
            check_next_backup(begin_upload(new_steps()), ended_at(point, action))
        except AssertionError as error:
            failures.append(f"{action} at {point}: {error}")
    assert not failures, "\n\n".join(failures)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_short_command(new_steps: NewSteps, reached: Reached, action: str) -> None:
    host = new_steps()
    host.backup()
    short = Short(host)
    for point in selected(reached["short"], 2):
        interfere(short.run, ended_at(point, action))
        short.run(Interference())
        check_whole(host)
        check_nothing_left(host)


def test_every_point_of_the_code_is_reached(reached: Reached) -> None:
    found = {point.name for points in reached.values() for point in points}
    assert points_of_the_code() - found == {f"{step}:{moment}" for step in NOT_MADE for moment in ("before", "after")}


def points_of_the_code() -> set[str]:
    """Return the names of all failpoints."""
    texts = [one.text for one in sources(ROOT / "collections", "ansible_collections/vex/backup/plugins/module_utils")]
    files = {*KINDS.values(), "directory", "file"}
    filled = {
        "rename:": files,
        "fsync:": files,
        "store:": {name for text in texts for name in REQUEST.findall(text)},
        "record:": {"running", "finish"},
    }
    steps = set()
    for given in (given for text in texts for given in STEP.findall(text)):
        prefix, _, hole = given.partition("{")
        steps |= {f"{prefix}{name}" for name in filled[prefix]} if hole else {given}
    return {f"{step}:{moment}" for step in steps for moment in ("before", "after")}
