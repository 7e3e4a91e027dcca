# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the choice of backups to prove, of the result of a proof, and of the outcome of a run."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.plugin_utils.verify_outcome import Outcome, Stages, choose, decide, prove


def backup(hostname: str, day: int, proven: t.Optional[str] = None, *, manifest: bool = True) -> t.Dict[str, t.Any]:
    name = f"backup_202601{day:02}_030000"
    return {
        "hostname": hostname,
        "name": name,
        "key": f"{hostname}/{name}.zip",
        "proven": proven,
        "manifest": manifest,
    }


LISTED = [
    backup("db3", 9, manifest=False),
    backup("db1", 8),
    backup("db2", 8),
    backup("db4", 8, "2026-01-08 06:00:00"),
    backup("db1", 7, "2026-01-07 06:00:00"),
    backup("db1", 6, "2026-01-06 06:00:00"),
]
COMPARED = {"columns": 5, "definitions": 3, "sampled_rows": 7, "tables_sampled": 2}
STAGES = Stages(
    downloaded={"download_started": "2026-01-01 03:00:00"},
    loaded={"restore_finished": "2026-01-01 03:01:23", "compared": COMPARED},
    compared={"tables": 2, "rows": 7, "notes": []},
)


def test_servers_without_a_proof_come_first_then_the_oldest_proof() -> None:
    choice = choose(LISTED, [])
    assert choice.chosen == [LISTED[2], LISTED[1], LISTED[3]]
    assert choice.missing == []


def test_only_the_wanted_servers_are_chosen() -> None:
    choice = choose(LISTED, ["db4", "db3", "db1", "db4"])
    assert choice.chosen == [LISTED[1], LISTED[3]]
    assert choice.missing == ["db3"]


@pytest.mark.parametrize(("notes", "status", "levelled"), [([], 1, []), (["a\nb"], 2, ["[WARNING] a b"])])
def test_a_proof(notes: t.List[str], status: int, levelled: t.List[str]) -> None:
    stages = Stages(STAGES.downloaded, STAGES.loaded, {**STAGES.compared, "notes": notes})
    proof = prove(LISTED[1], stages)
    assert (proof.status, proof.notes, proof.problem) == (status, levelled, "")
    assert (proof.tables, proof.rows, proof.recovery_seconds, proof.compared) == (2, 7, 83, COMPARED)


def test_a_proof_that_hosts_with_a_key_do_not_believe() -> None:
    written = {"changed": True, "message": "it is not signed"}
    proof = prove(LISTED[1], dataclasses.replace(STAGES, written=written))
    assert (proof.status, proof.notes) == (2, ["[WARNING] it is not signed"])


def test_a_failed_proof() -> None:
    proof = prove(LISTED[1], Stages(failure="Unpack the backup: wrong\npassword"))
    assert (proof.status, proof.tables, proof.compared) == (3, None, None)
    assert proof.notes == ["[ERROR] Unpack the backup: wrong password"]
    assert proof.problem == "db1 backup_20260108_030000: Unpack the backup: wrong\npassword"


def result(status: int, problem: str = "", unrecorded: str = "") -> t.Dict[str, t.Any]:
    return {"backup": {"key": f"key{status}"}, "status": status, "problem": problem, "unrecorded": unrecorded}


def test_a_good_run() -> None:
    outcome = decide([result(1), result(2), result(0)], [], "", {"delivered": True}, {"delivered": []})
    assert outcome == Outcome(proven=["key1", "key2"], skipped=["key0"], failures=0, problems=[])


def test_every_problem_is_reported_once() -> None:
    proofs = [result(3, "db1: bad"), result(1, unrecorded="no log database"), result(1, unrecorded="no log database")]
    outcome = decide(proofs, ["db3"], "List the bucket: refused", {"error": "no mail server"}, {"error": "no chat"})
    assert outcome.failures == 1
    assert outcome.problems == [
        "List the bucket: refused",
        "db1: bad",
        "no whole backup in the bucket of: db3",
        "no log database",
        "no mail server",
        "no chat",
    ]


@pytest.mark.parametrize("mail", [{"msg": "failed"}, {"msg": "failed", "error": ""}])
def test_a_failed_mail_is_one_failure(mail: t.Dict[str, str]) -> None:
    assert decide([result(1)], [], "", mail, {}).failures == 1
