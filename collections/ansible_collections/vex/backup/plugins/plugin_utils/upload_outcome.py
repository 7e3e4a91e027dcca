# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a run's uploads: of each destination, and of all together."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import RUN_NAME_PATTERN, build
from ansible_collections.vex.backup.plugins.module_utils._common.notes import error_note
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, RUNNING, SUCCESS, WARNING

Result = t.Mapping[str, t.Any]

NO_RESULT: Result = {}
# The states of an upload, and of all uploads of a run together.
DISABLED = "disabled"
NOT_REACHED = "not_reached"
UPLOADED = "success"
PARTLY_UPLOADED = "partial"
UPLOAD_FAILED = "error"
STATUSES = {UPLOADED: SUCCESS, PARTLY_UPLOADED: WARNING, UPLOAD_FAILED: ERROR}


@dataclasses.dataclass(frozen=True)
class Target:
    """The place of a run's archive at one destination: ``key`` in the ``bucket``, container or directory."""

    name: str
    type: str
    bucket: str
    key: str


def target_of(store: t.Mapping[str, t.Any], hostname: str, run: str, archive_format: str) -> Target:
    """Return the place of a run's archive at a destination.

    :param store: a destination, as the filter ``destinations`` returns it
    :param hostname: with an empty one, which the role refuses, and for a run that could not start, the key is empty
    """
    is_known = bool(hostname) and re.fullmatch(RUN_NAME_PATTERN, run)
    key = build(store["prefix"], hostname, run, archive_format) if is_known else ""
    return Target(store["name"], store["type"], store["place"], key)


@dataclasses.dataclass(frozen=True)
class Archive:
    """The archive that is uploaded, as far as it is known."""

    name: str
    size: t.Optional[int]
    sha256: t.Optional[str]


@dataclasses.dataclass(frozen=True)
class TargetOutcome:
    """The outcome of an upload to one destination.

    ``state``: ``success``, ``error``, ``disabled`` or ``not_reached``. ``reason``: why it failed, by its own task;
    empty for no failure, and when the run failed before it.
    """

    target: Target
    result: Result
    state: str
    reason: str = ""

    def record(self, archive: Archive, reason_of_run: str) -> t.Dict[str, t.Any]:
        """Return the item of ``uploads`` of ``backup_log_record``, without unknown options.

        :param reason_of_run: why the run failed, for an upload that it did not reach; empty for no failure
        """
        reason = (self.reason or reason_of_run) if self.state == UPLOAD_FAILED else ""
        known = {
            "destination": self.target.name,
            "type": self.target.type,
            "status": STATUSES[self.state],
            "archive_name": archive.name,
            "archive_bytes": archive.size,
            "sha256": archive.sha256,
            "bucket": self.target.bucket,
            "key": self.target.key,
            "started": self.result.get("upload_started"),
            "finished": self.result.get("upload_finished"),
            "notes": [error_note(reason)] if reason else [],
        }
        return {name: value for name, value in known.items() if value is not None}

    def begun(self, archive: Archive) -> t.Dict[str, t.Any]:
        """Return the item for an upload that begins."""
        found = self.record(archive, "")
        return {**{name: value for name, value in found.items() if name not in {"notes", "sha256"}}, "status": RUNNING}

    def shown(self) -> t.Dict[str, t.Any]:
        """Return what mail and summary show; times are empty where they are unknown."""
        started, finished = (str(self.result.get(f"upload_{name}") or "") for name in ("started", "finished"))
        return {**dataclasses.asdict(self.target), "state": self.state, "started": started, "finished": finished}


def outcome_of(target: Target, result: Result) -> TargetOutcome:
    """Return the outcome of an upload that was due."""
    if has_failed(result):
        return TargetOutcome(target, result, UPLOAD_FAILED, str(result.get("msg") or "no message was given"))
    # The manifest is uploaded last.
    return TargetOutcome(target, result, UPLOADED if "manifest_key" in result else UPLOAD_FAILED)


def state_of_all(outcomes: t.Sequence[TargetOutcome]) -> str:
    """Return the state of all uploads of a run together; there is one at least."""
    states = {one.state for one in outcomes}
    return states.pop() if len(states) == 1 else PARTLY_UPLOADED


def has_failed(result: Result) -> bool:
    """Return whether a registered result is the result of a task that failed."""
    return bool(result.get("failed"))


def problem_of(result: Result, name: str) -> str:
    """Return the message of a failed task, else the value that it returned under *name*; empty without a problem."""
    return str(result.get("msg" if has_failed(result) else name) or "")


def problems_of_each(title: str, results: t.Mapping[str, Result]) -> t.List[str]:
    """Return a sentence for each destination with a problem; with its name where there are several."""
    found = [(name, problem_of(result, "message")) for name, result in results.items()]
    return [f"{title}{f' ({name})' if len(found) > 1 else ''}: {problem}" for name, problem in found if problem]


def ended(result: t.Union[Result, t.Sequence[Result]]) -> Result:
    """Return the result of a stage; for a stage in the background, the result of the task that waited for it."""
    if not isinstance(result, (list, tuple)):
        return t.cast("Result", result)
    started, waited = result
    return t.cast("Result", waited if "finished" in waited else started)


def ended_by_item(registered: t.Sequence[Result]) -> t.Dict[str, Result]:
    """Return the results of a stage that is a loop over names, by name.

    :param registered: the result of the loop that began, and that of the loop that waited
    """
    began, waited = ({one[one["ansible_loop_var"]]: one for one in loop.get("results", ())} for loop in registered)
    return {name: ended([result, waited.get(name, NO_RESULT)]) for name, result in began.items()}
