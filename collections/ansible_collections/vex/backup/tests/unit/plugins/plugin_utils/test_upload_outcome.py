# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the outcome of a run's uploads."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Outcome, decide, summary_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Failure, Plan
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import Target
from ansible_collections.vex.backup.tests.unit.plugins.plugin_utils.made_stages import (
    GOOD,
    PACK,
    PLAN,
    SKIPPED,
    UPLOAD,
)

KEY = PLAN.targets[0].key
TWO = dataclasses.replace(PLAN, targets=(*PLAN.targets, Target("vault", "gcs", "safe", "far/" + KEY)))


def failed(message: str, **more: t.Any) -> t.Dict[str, t.Any]:
    """Return the registered result of a task that failed."""
    return {"failed": True, "msg": message, **more}


def outcome(plan: Plan = PLAN, **changes: t.Any) -> Outcome:
    """Return the outcome of a good run with these stages changed."""
    return decide(plan, dataclasses.replace(GOOD, **changes))


def test_upload_failed() -> None:
    found = outcome(uploads={"s3": failed("no such\nbucket")})
    assert (found.status, found.upload_status, found.upload_state, found.verdict) == (1, 3, "error", 3)
    assert found.notes == []
    assert found.failure == Failure("Upload the archive", "no such\nbucket")
    assert found.problems == ["Upload the archive: no such\nbucket"]
    (upload,) = found.uploads
    assert (upload["status"], upload["notes"]) == (3, ["[ERROR] no such bucket"])
    assert "started" not in upload
    assert (found.bytes, found.location, found.may_prune) == (1000, PACK["archive"], False)
    told = summary_of(PLAN, GOOD, found)
    assert (told["bucket"], told["key"], told["status_backup"], told["status_upload"]) == (None, None, 1, 3)


def test_upload_without_its_manifest_is_none() -> None:
    unfinished = {name: value for name, value in UPLOAD.items() if name != "manifest_key"}
    assert outcome(uploads={"s3": unfinished}).upload_status == 3
    assert outcome(uploads={"s3": {**UPLOAD, "failed": True}}).upload_status == 3


def test_upload_was_not_reached_after_a_whole_archive() -> None:
    found = outcome(uploads={}, failure=Failure("Record the archive", "malformed"))
    assert (found.status, found.upload_status) == (1, 3)
    assert found.uploads[0]["notes"] == ["[ERROR] malformed"]
    assert found.problems == ["Record the archive: malformed"]


def test_one_of_two_uploads_failed() -> None:
    found = outcome(TWO, uploads={"s3": {**UPLOAD, "pending": ["a.zip"]}, "vault": failed("away")})
    assert (found.status, found.upload_status, found.upload_state, found.verdict) == (1, 2, "partial", 3)
    assert found.problems == ["Upload the archive to vault: away"]
    assert found.failure == Failure("Upload the archive to vault", "away")
    assert [(one["destination"], one["type"], one["status"], one["notes"]) for one in found.uploads] == [
        ("s3", "s3", 1, []),
        ("vault", "gcs", 3, ["[ERROR] away"]),
    ]
    assert [(one["name"], one["state"]) for one in found.destinations] == [("s3", "success"), ("vault", "error")]
    assert (found.uploaded, found.pending, found.may_prune) == (["s3"], ["s3"], True)
    assert found.location == UPLOAD["url"]
    told = summary_of(TWO, GOOD, found)
    assert (told["bucket"], told["key"], told["status_upload"]) == ("vex", KEY, 2)


def test_the_first_destination_of_two_lacks_the_backup() -> None:
    url = "gs://safe/far/" + KEY
    found = outcome(
        TWO, uploads={"s3": failed("away", upload_started="2025-07-20 16:15:41"), "vault": {**UPLOAD, "url": url}}
    )
    assert (found.location, found.uploaded, found.pending) == (url, ["vault"], [])
    assert found.uploads[0]["started"] == "2025-07-20 16:15:41"
    told = summary_of(TWO, GOOD, found)
    assert (told["bucket"], told["key"]) == ("safe", "far/" + KEY)


def test_no_upload_of_two_succeeded() -> None:
    found = outcome(TWO, uploads={"s3": failed("away"), "vault": failed("denied")})
    assert (found.upload_status, found.upload_state, found.may_prune) == (3, "error", False)
    assert found.problems == ["Upload the archive to s3: away", "Upload the archive to vault: denied"]
    # One began, and the task that waits for it was not reached.
    failure = Failure("Wait until the archive is uploaded", "no memory")
    found = outcome(TWO, uploads={"s3": {"results_file": "/x"}, "vault": {}}, failure=failure)
    assert [one["notes"] for one in found.uploads] == [["[ERROR] no memory"]] * 2
    assert found.problems == ["Wait until the archive is uploaded: no memory"]


def test_a_run_without_destinations() -> None:
    found = outcome(dataclasses.replace(PLAN, targets=()), uploads={})
    assert (found.upload_state, found.uploads, found.may_prune) == ("not_reached", [], False)


def test_upload_is_disabled() -> None:
    found = outcome(dataclasses.replace(PLAN, is_uploaded=False), uploads={"s3": SKIPPED})
    assert (found.status, found.upload_status, found.upload_state, found.verdict) == (1, None, "disabled", 1)
    assert (found.uploads, found.bytes, found.location) == ([], 1000, PACK["archive"])
    assert not found.may_prune


def test_upload_is_disabled_and_the_dump_failed() -> None:
    plan = dataclasses.replace(PLAN, is_uploaded=False)
    found = outcome(plan, dump=failed("no"), pack={}, uploads={}, failure=Failure("Dump the server", "no"))
    assert (found.status, found.upload_state) == (3, "disabled")


def test_an_upload_that_begins() -> None:
    (begun,) = outcome(uploads={}).begun
    assert begun == {
        "destination": "s3",
        "type": "s3",
        "status": 0,
        "archive_name": PLAN.archive_name,
        "archive_bytes": 1000,
        "bucket": "vex",
        "key": KEY,
    }
    assert outcome(dataclasses.replace(PLAN, is_uploaded=False)).begun == []


def test_problems_of_several_destinations_are_named() -> None:
    pruned = {"s3": {"message": "denied"}, "vault": {}}
    found = outcome(TWO, uploads={"s3": UPLOAD, "vault": UPLOAD}, prunes=pruned, earlier={"vault": failed("away")})
    assert found.late_problems == ["Earlier archives: away", "Retention (s3): denied"]
