# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the outcome of a run."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.filter.run_outcome import FilterModule
from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Outcome, decide, decided, summary_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Failure, Plan, Stages
from ansible_collections.vex.backup.tests.unit.plugins.plugin_utils.made_stages import (
    CLOSED,
    DUMP,
    GOOD,
    OPENED,
    PACK,
    PLAN,
    ROLE_PLAN,
    RUN,
    SKIPPED,
    UPLOAD,
)

KEY = PLAN.targets[0].key
ITEM = {"ansible_loop_var": "to", "to": "s3"}


def failed(message: str, **more: t.Any) -> t.Dict[str, t.Any]:
    """Return the registered result of a task that failed."""
    return {"failed": True, "msg": message, **more}


def outcome(plan: Plan = PLAN, **changes: t.Any) -> Outcome:
    """Return the outcome of a good run with these stages changed."""
    return decide(plan, dataclasses.replace(GOOD, **changes))


def dump_failed(**details: t.Any) -> Outcome:
    """Return the outcome of a run whose dump failed."""
    return outcome(
        dump=failed("no dump", dump_started="2025-07-20 16:15:24", **details),
        pack={},
        uploads={},
        failure=Failure("Dump the server", "no dump"),
    )


def test_good_run() -> None:
    found = outcome()
    assert (found.status, found.upload_status, found.upload_state, found.verdict) == (1, 1, "success", 1)
    assert (found.problems, found.late_problems, found.notes, found.failure) == ([], [], [], None)
    assert found.record_problem == ""
    assert (found.bytes, found.archive_bytes, found.compressed_bytes, found.seconds) == (1000, 1000, 900, 83)
    assert found.location == UPLOAD["url"]
    assert found.may_prune


def test_record_of_a_good_run() -> None:
    found = outcome()
    assert found.backup == {
        "archive_name": "backup_20250720_161523.zip",
        "databases": ["loja", "a, b"],
        "dump_bytes": 5000,
        "server_version": "MariaDB 11.8.3",
        "tool_version": "mydumper 0.10.1",
        "binlog_coordinates": "binlog.000001:4",
        "dump_started": "2025-07-20 16:15:24",
        "dump_finished": "2025-07-20 16:15:30",
        "pack_started": "2025-07-20 16:15:31",
        "pack_finished": "2025-07-20 16:15:40",
        "notes": [],
    }
    assert found.uploads == [
        {
            "destination": "s3",
            "type": "s3",
            "status": 1,
            "archive_name": "backup_20250720_161523.zip",
            "archive_bytes": 1000,
            "sha256": "0" * 64,
            "bucket": "vex",
            "key": KEY,
            "started": "2025-07-20 16:15:41",
            "finished": "2025-07-20 16:15:50",
            "notes": [],
        }
    ]


def test_summary_of_a_good_run() -> None:
    assert summary_of(PLAN, GOOD, outcome()) == {
        "hostname": "db1",
        "run_uuid": RUN,
        "status": 1,
        "status_backup": 1,
        "status_upload": 1,
        "bytes": 1000,
        "seconds": 83,
        "bucket": "vex",
        "key": KEY,
        "destinations": [
            {
                "name": "s3",
                "type": "s3",
                "bucket": "vex",
                "key": KEY,
                "state": "success",
                "started": "2025-07-20 16:15:41",
                "finished": "2025-07-20 16:15:50",
            }
        ],
        "problems": [],
    }


def test_compression_that_ends_after_the_dump_is_its_end() -> None:
    found = outcome(dump={**DUMP, "compression_finished": "2025-07-20 16:15:35"})
    assert found.backup["dump_finished"] == "2025-07-20 16:15:35"


def test_dump_warned() -> None:
    found = outcome(dump={**DUMP, "status": 2, "dump_warnings": ["table\n changed", ""]})
    assert (found.status, found.upload_status, found.verdict) == (2, 1, 2)
    assert found.notes == ["[WARNING] table changed"]
    assert found.backup["notes"] == found.notes
    assert found.problems == []
    assert found.may_prune


def test_what_was_left_out_is_no_problem() -> None:
    found = outcome(dump={**DUMP, "left_out": ["left out by exclude_tables: a.b"]}, mail={"error": "no mail"})
    assert (found.left_out, found.notes) == (["left out by exclude_tables: a.b"], ["[WARNING] no mail"])
    assert found.backup["notes"] == ["[WARNING] no mail", "[INFO] left out by exclude_tables: a.b"]
    assert outcome().left_out == []


def test_dump_lacks_tables() -> None:
    found = outcome(dump={**DUMP, "status": 3, "dump_errors": ["t crashed", "u is lost"]})
    assert (found.status, found.upload_state, found.verdict, found.may_prune) == (3, "success", 3, False)
    assert found.notes == ["[ERROR] t crashed", "[ERROR] u is lost"]
    assert found.problems == ["the backup is incomplete: t crashed; u is lost"]
    assert (found.bytes, found.location, found.uploads[0]["status"]) == (1000, UPLOAD["url"], 1)
    failure = Failure("Pack the dump", "disk full")
    found = outcome(dump={**DUMP, "status": 3, "dump_errors": ["t crashed"]}, pack=failed("disk full"), failure=failure)
    assert found.notes == ["[ERROR] t crashed", "[ERROR] disk full"]


def test_dump_failed_with_lines_of_its_log() -> None:
    found = dump_failed(status=3, dump_warnings=["slow"], dump_errors=["lost connection"], databases=["loja"])
    assert (found.status, found.upload_status, found.upload_state, found.verdict) == (3, None, "not_reached", 3)
    # The lines of the log say more than the message of the module.
    assert found.notes == ["[WARNING] slow", "[ERROR] lost connection"]
    assert found.problems == ["Dump the server: no dump"]
    assert found.failure == Failure("Dump the server", "no dump")
    assert found.backup["databases"] == ["loja"]
    assert (found.uploads, found.bytes, found.may_prune) == ([], None, False)


def test_dump_failed_before_it_had_a_log() -> None:
    found = dump_failed()
    assert found.notes == ["[ERROR] no dump"]
    assert found.backup == {
        "archive_name": "backup_20250720_161523.zip",
        "dump_started": "2025-07-20 16:15:24",
        "notes": ["[ERROR] no dump"],
    }
    assert found.location == PLAN.dump_path
    assert (found.compressed_bytes, found.archive_bytes) == (0, 0)


def test_nothing_ran() -> None:
    """The host became unreachable, or the first task failed before it returned anything."""
    found = decide(PLAN, Stages())
    assert (found.status, found.upload_status, found.verdict) == (3, None, 3)
    assert (found.notes, found.problems, found.seconds) == ([], [], None)
    assert found.backup == {"archive_name": "backup_20250720_161523.zip", "notes": []}
    assert summary_of(PLAN, Stages(), found)["run_uuid"] is None


def test_pack_failed() -> None:
    found = outcome(pack=failed("disk full"), uploads={}, failure=Failure("Pack the dump", "disk full"))
    assert (found.status, found.upload_status, found.upload_state) == (3, None, "not_reached")
    assert found.notes == ["[ERROR] disk full"]
    assert "pack_started" not in found.backup
    assert found.backup["dump_bytes"] == 5000
    assert (found.bytes, found.location, found.may_prune) == (None, PLAN.dump_path, False)


def test_pack_failed_after_a_dump_that_warned() -> None:
    warned = {**DUMP, "status": 2, "dump_warnings": ["slow"]}
    found = outcome(dump=warned, pack=failed("disk full"), uploads={}, failure=Failure("Pack the dump", "disk full"))
    assert (found.status, found.notes) == (3, ["[WARNING] slow", "[ERROR] disk full"])


def test_pack_was_not_reached() -> None:
    """A task between the stages failed, such as a record with a malformed option."""
    found = outcome(pack={}, uploads={}, failure=Failure("Record the dump", "malformed"))
    assert (found.status, found.upload_state, found.notes) == (3, "not_reached", ["[ERROR] malformed"])


def test_dump_that_is_not_packed() -> None:
    plan = dataclasses.replace(PLAN, is_packed=False, is_uploaded=False)
    found = outcome(plan, pack=SKIPPED, uploads={})
    assert (found.status, found.bytes, found.location) == (1, 5000, PLAN.dump_path)
    assert found.backup["archive_name"] == PLAN.name
    assert "pack_finished" not in found.backup


def test_stages_so_far() -> None:
    """Record the dump while packing and the upload are still to come."""
    found = decide(PLAN, Stages(opened=OPENED, dump=DUMP))
    assert found.backup["dump_finished"] == "2025-07-20 16:15:30"
    assert (found.notes, found.compressed_bytes) == ([], 900)


@pytest.mark.parametrize(
    ("closed", "problem"),
    [
        (failed("the module died"), "the module died"),
        ({**CLOSED, "message": "the log database is away"}, "the log database is away"),
        (SKIPPED, ""),
        ({}, ""),
    ],
)
def test_record_problem(closed: t.Dict[str, t.Any], problem: str) -> None:
    found = outcome(closed=closed)
    assert found.record_problem == problem
    assert found.problems == ([problem] if problem else [])
    # The record cannot hold it: neither status nor notes change.
    assert (found.status, found.notes, found.late_problems) == (1, [], [])
    assert found.verdict == (3 if problem else 1)


@pytest.mark.parametrize("pruned", [failed("no bucket"), {"message": "no bucket"}])
def test_prune_problem(pruned: t.Dict[str, t.Any]) -> None:
    found = outcome(prune=pruned)
    assert (found.status, found.upload_status, found.verdict) == (2, 1, 3)
    assert found.problems == found.late_problems == ["Retention: no bucket"]
    assert found.notes == ["[WARNING] Retention: no bucket"]


@pytest.mark.parametrize("mailed", [failed("no such host"), {"error": "no such host", "spooled": True}])
def test_mail_problem(mailed: t.Dict[str, t.Any]) -> None:
    found = outcome(mail=mailed)
    assert (found.status, found.verdict, found.may_prune) == (2, 3, True)
    assert found.problems == found.late_problems == ["no such host"]
    assert found.notes == found.backup["notes"] == ["[WARNING] no such host"]


def test_every_problem_at_once() -> None:
    opened = {**GOOD.opened, "abandoned": ["an earlier run died"]}
    found = outcome(
        opened=opened,
        dump=failed("no", dump_errors=["lost"]),
        pack={},
        uploads={},
        closed=failed("no record"),
        prune=SKIPPED,
        mail={"error": "no mail"},
        failure=Failure("Dump the server", "no"),
    )
    assert (found.status, found.verdict) == (3, 3)
    assert found.problems == ["Dump the server: no", "no record", "an earlier run died", "no mail"]
    assert found.notes == ["[ERROR] lost", "[WARNING] no mail"]


def test_check_mode() -> None:
    """In check mode every module returns its plan, without times of its own."""
    stages = Stages(
        opened=OPENED,
        dump={"status": 1, "databases": ["loja"], "changed": True},
        pack={"archive": PACK["archive"], "changed": True},
        uploads={"s3": {"url": UPLOAD["url"], "manifest_key": UPLOAD["manifest_key"], "changed": True}},
        closed=CLOSED,
        prune=SKIPPED,
        mail={"delivered": False, "changed": True},
    )
    found = decide(PLAN, stages)
    assert (found.status, found.upload_status, found.problems) == (1, 1, [])
    assert (found.bytes, found.location) == (None, UPLOAD["url"])
    summary = summary_of(dataclasses.replace(PLAN, is_check=True), stages, found)
    assert {name for name, value in summary.items() if value} == {"hostname"}
    failed = dataclasses.replace(found, problems=["no"])
    summary = summary_of(dataclasses.replace(PLAN, is_check=True), stages, failed)
    assert (summary["status"], summary["key"], summary["problems"]) == (3, None, ["no"])


def test_stages_in_the_background() -> None:
    stages = Stages.from_registered(
        {
            "opened": OPENED,
            "dump": [{"results_file": "/x", "started": 1}, {**DUMP, "finished": True}],
            # Skipped, then on the host itself: their own results count.
            "pack": [SKIPPED, SKIPPED],
            "uploads": [{"results": [{**UPLOAD, **ITEM}]}, {"results": [{**SKIPPED, **ITEM}]}],
            "failure": {},
        }
    )
    assert stages.dump["status"] == 1
    assert (stages.pack, stages.mail, stages.failure) == (SKIPPED, {}, None)
    assert stages.uploads == {"s3": {**UPLOAD, **ITEM}}


def test_stage_that_never_ended_has_failed() -> None:
    waited = failed("the host was restarted", finished=True, failure="StageLost")
    failure = {"task": "a", "message": "b"}
    found = decide(PLAN, Stages.from_registered({"dump": [{"results_file": "/x"}, waited], "failure": failure}))
    assert (found.status, found.notes) == (3, ["[ERROR] b"])


def test_filter() -> None:
    run_outcome = FilterModule().filters()["run_outcome"]
    uploads = [{"results": [{**UPLOAD, **ITEM}]}, {}]
    stages = {**dataclasses.asdict(GOOD), "uploads": uploads, "earlier": [{}, {}], "prunes": [{}, {}], "failure": {}}
    found = run_outcome(stages, ROLE_PLAN)
    assert found == {**dataclasses.asdict(outcome()), "summary": summary_of(PLAN, GOOD, outcome())}


@pytest.mark.parametrize("changed", [{"hostname": ""}, {"name": "backup_unopened"}, {"is_uploaded": False}])
def test_a_run_that_could_not_start_has_no_keys(changed: t.Dict[str, t.Any]) -> None:
    found = FilterModule().filters()["run_outcome"]({"failure": {}}, {**ROLE_PLAN, **changed})
    assert [one["key"] for one in found["destinations"]] == [""]


@pytest.mark.parametrize(
    ("stages", "plan"),
    [
        ({"dumped": {}}, ROLE_PLAN),
        ({"dump": [{}]}, ROLE_PLAN),
        ({"dump": [None, None]}, ROLE_PLAN),
        ({"closed": 7, "opened": 7}, ROLE_PLAN),
        ({"failure": "text"}, ROLE_PLAN),
        ("text", ROLE_PLAN),
        ({}, {"hostname": "db1"}),
        ({"closed": 7}, {**ROLE_PLAN, "stores": None}),
        (None, "text"),
    ],
)
def test_filter_answers_another_shape_with_an_error(stages: t.Any, plan: t.Any) -> None:
    """The role closes the record with this outcome, so it has the keys of any other."""
    found = FilterModule().filters()["run_outcome"](stages, plan)
    assert found.keys() == decided(PLAN, GOOD).keys()
    assert (found["status"], found["verdict"], found["may_prune"], found["uploads"]) == (3, 3, False, [])
    (problem,) = found["problems"]
    assert re.match(r"Decide the outcome: the outcome could not be decided: \w+Error: ", problem)
    assert "Traceback" not in problem
    assert found["summary"]["status"] == 3
    assert found["backup"]["notes"] == found["notes"] == [f"[ERROR] {found['failure']['message']}"]


def test_filter_keeps_what_it_knows_when_it_cannot_decide() -> None:
    stages = {
        "opened": OPENED,
        "dump": [{**DUMP, "status": "many"}, SKIPPED],
        "uploads": [{"results": [{**failed("no"), **ITEM}]}, {}],
        "failure": {"task": "Upload the archive", "message": "no such bucket"},
    }
    found = FilterModule().filters()["run_outcome"]({**stages, "pack": PACK}, ROLE_PLAN)
    assert (found["summary"]["run_uuid"], found["summary"]["status_upload"]) == (RUN, 3)
    assert "ValueError" in found["problems"][0]
    assert "no such bucket" in found["problems"][0]
    # An upload that was reached has a record too.
    (upload,) = found["uploads"]
    assert (found["upload_state"], upload["status"], upload["key"]) == ("error", 3, KEY)
    assert [one["state"] for one in found["destinations"]] == ["error"]
    unreached = FilterModule().filters()["run_outcome"]({**stages, "uploads": [{}, {}]}, ROLE_PLAN)
    assert (unreached["upload_state"], unreached["uploads"]) == ("not_reached", [])


@pytest.mark.parametrize("message", [["no", "space"], {"reason": "no"}, 7, None])
def test_a_message_that_is_not_text(message: t.Any) -> None:
    stages = Stages.from_registered({"dump": [failed("no"), {}], "failure": {"task": "Dump", "message": message}})
    assert decide(PLAN, stages).notes == [f"[ERROR] {message}"]
