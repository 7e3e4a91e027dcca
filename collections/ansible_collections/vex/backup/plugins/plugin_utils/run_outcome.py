# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a backup run, decided from the results of its stages.

The role ``vex.backup.backup`` decides it after each stage. The record, the mail, the summary and the report show it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.notes import (
    error_note,
    info_note,
    warning_note,
)
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, WARNING
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Failure, Plan, Stages
from ansible_collections.vex.backup.plugins.plugin_utils.run_time import seconds_of
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import (
    DISABLED,
    NO_RESULT,
    NOT_REACHED,
    STATUSES,
    UPLOAD_FAILED,
    UPLOADED,
    Archive,
    Result,
    TargetOutcome,
    has_failed,
    outcome_of,
    problem_of,
    problems_of_each,
    state_of_all,
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of a run, as far as its stages have come. Statuses are from ``_common/status.py``.

    ``status``: of the backup. ``upload_status``: of all uploads together, ``None`` while none is due, 2 when some
    destinations have the archive and some lack it; ``upload_state`` is the same as a word: ``success``, ``partial``,
    ``error``, ``disabled`` or ``not_reached``. ``destinations``: for each its ``name``, ``type``, ``bucket``, ``key``,
    ``state``, ``started`` and ``finished``. ``verdict``: status of the whole run, an error as soon as there is a
    problem. ``problems``: sentences; the play fails when there is one.
    ``late_problems``: problems found after the record was closed, to be added to it. ``late_warnings``: the same, but
    the play does not fail. ``left_out``: sentences on what the configuration left out. ``abandoned``: a sentence, which
    is a problem too, for each abandoned run that this one closed. ``notes``: levelled lines on problems of the backup.
    ``backup`` and ``uploads``: the options of those names of ``backup_log_record``, without unknown ones. ``begun``:
    ``uploads`` while they run. ``compressed_bytes``: size of the dump's files, ``archive_bytes``: of the archive, or 0.
    ``location``: address of the archive at the first destination that has it, else its path, else the dump's.
    ``bytes``: size of the archive, or of the dump when it is not packed, ``None`` without one. ``seconds``: from the
    start of the run to the end of its record. ``uploaded``: the names of the destinations that have the archive.
    ``may_prune``: the backup is whole, and there is such a destination, so older backups may be removed from these.
    ``pending``: the names of those that still lack archives of earlier runs.
    """

    status: int
    upload_status: t.Optional[int]
    upload_state: str
    destinations: t.List[t.Dict[str, t.Any]]
    verdict: int
    failure: t.Optional[Failure]
    record_problem: str
    problems: t.List[str]
    late_problems: t.List[str]
    late_warnings: t.List[str]
    left_out: t.List[str]
    abandoned: t.List[str]
    notes: t.List[str]
    backup: t.Dict[str, t.Any]
    uploads: t.List[t.Dict[str, t.Any]]
    begun: t.List[t.Dict[str, t.Any]]
    compressed_bytes: int
    archive_bytes: int
    location: str
    bytes: t.Optional[int]
    seconds: t.Optional[int]
    uploaded: t.List[str]
    may_prune: bool
    pending: t.List[str]


def decide(plan: Plan, stages: Stages) -> Outcome:
    """Decide the outcome of a run from the results of its stages so far."""
    made = _is_made(plan, stages)
    uploads = _uploads(plan, stages, made)
    upload_state = state_of_all(uploads) if uploads else _state_without_upload(plan)
    uploaded = [one for one in uploads if one.state == UPLOADED]
    failures = [*([stages.failure] if stages.failure else []), *_upload_failures(uploads)]
    record_problem = problem_of(stages.closed, "message")
    late_problems = _late_problems(stages)
    failed = [f"{failure.task}: {failure.message}" for failure in failures]
    lost = [str(text) for text in stages.dump.get("dump_errors") or []] if made else []
    incomplete = [f"the backup is incomplete: {'; '.join(lost)}"] if lost else []
    abandoned = [str(sentence) for sentence in stages.opened.get("abandoned") or []]
    problems = [*incomplete, *failed, *filter(None, [record_problem]), *abandoned, *late_problems]
    status = int(stages.dump["status"]) if made else ERROR
    late_warnings = _hook_warnings(stages.after_run)
    # A late problem is added to a closed record, which is then no longer a plain success.
    is_warned = [*_early_warnings(stages, made), *late_warnings, *late_problems]
    status = max(status, WARNING) if is_warned else status
    left_out = [str(text) for text in stages.dump.get("left_out") or []]
    notes = _notes(stages, made, [*late_warnings, *late_problems])
    return Outcome(
        status=status,
        upload_status=STATUSES.get(upload_state),
        upload_state=upload_state,
        destinations=[one.shown() for one in uploads],
        verdict=ERROR if problems else status,
        failure=failures[0] if failures else None,
        record_problem=record_problem,
        problems=problems,
        late_problems=late_problems,
        late_warnings=late_warnings,
        left_out=left_out,
        abandoned=abandoned,
        notes=notes,
        backup=_backup_record(plan, stages, [*notes, *map(info_note, left_out)]),
        uploads=_upload_records(plan, stages, uploads),
        begun=[one.begun(_archive(plan, stages)) for one in uploads if one.state in STATUSES],
        compressed_bytes=stages.dump.get("compressed_bytes", 0),
        archive_bytes=stages.pack.get("size", 0),
        location=next((one.result["url"] for one in uploaded), stages.pack.get("archive") or plan.dump_path),
        bytes=stages.pack.get("size", stages.dump.get("dump_bytes")) if made else None,
        seconds=seconds_of(stages.opened, stages.closed),
        uploaded=[one.target.name for one in uploaded],
        may_prune=bool(uploaded) and status != ERROR,
        pending=[one.target.name for one in uploaded if one.result.get("pending")],
    )


def decided(plan: Plan, stages: Stages) -> t.Dict[str, t.Any]:
    """Return the outcome of a run as the role has it: a key for each field of :class:`Outcome`, and ``summary``."""
    return _as_dict(plan, stages, decide(plan, stages))


def undecided(plan: t.Any, registered: t.Any, error: Exception) -> t.Dict[str, t.Any]:
    """Return the outcome, in the form of :func:`decided`, of a run whose stages or plan made *error*.

    The run has failed, and so has its upload if that was reached: both records are closed. Neither argument need have
    its shape.
    """
    message = f"the outcome could not be decided: {type(error).__name__}: {error}"
    stages = _as_mapping(registered)
    if stages.get("failure"):
        # It may be the reason why the run ended.
        message = f"{message}; before it: {stages['failure']}"
    known = Stages(opened=_as_mapping(stages.get("opened")), failure=Failure("Decide the outcome", message))
    try:
        whole_plan = Plan.from_role(plan)
    except Exception:  # noqa: BLE001 - as in the filter
        whole_plan = Plan("", "", "", "", is_packed=False, is_uploaded=False)
    outcome = decide(whole_plan, known)
    reached = stages.get("uploads")
    if whole_plan.is_uploaded and (any(reached) if isinstance(reached, (list, tuple)) else reached):
        uploads = [TargetOutcome(target, NO_RESULT, UPLOAD_FAILED) for target in whole_plan.targets]
        outcome = dataclasses.replace(
            outcome,
            upload_status=ERROR,
            upload_state=UPLOAD_FAILED,
            destinations=[one.shown() for one in uploads],
            uploads=_upload_records(whole_plan, known, uploads),
        )
    return _as_dict(whole_plan, known, outcome)


def _as_mapping(value: t.Any) -> Result:
    return value if isinstance(value, t.Mapping) else NO_RESULT


def _as_dict(plan: Plan, stages: Stages, outcome: Outcome) -> t.Dict[str, t.Any]:
    # Field by field: dataclasses.asdict copies dictionaries and lists by their type, which Ansible's own types refuse.
    fields = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
    failure = dataclasses.asdict(outcome.failure) if outcome.failure else None
    return {**fields, "failure": failure, "summary": summary_of(plan, stages, outcome)}


def summary_of(plan: Plan, stages: Stages, outcome: Outcome) -> t.Dict[str, t.Any]:
    """Return the part of an outcome for the summary of all hosts, AWX and ansible-runner (``vex_backup_outcomes``).

    In check mode there is no backup: of a run that would begin, everything but ``hostname`` is ``None`` or empty.
    """
    if plan.is_check:
        made = ("run_uuid", "status_backup", "status_upload", "bytes", "seconds", "bucket", "key", "destinations")
        status = ERROR if outcome.problems else None
        return {"hostname": plan.hostname, "status": status, "problems": outcome.problems, **dict.fromkeys(made)}
    # Where a restore finds it: the first destination that has it.
    place = next((one for one in outcome.destinations if one["state"] == UPLOADED), {})
    return {
        "hostname": plan.hostname,
        "run_uuid": stages.opened.get("run_uuid"),
        "status": outcome.verdict,
        "status_backup": outcome.status,
        "status_upload": outcome.upload_status,
        "bytes": outcome.bytes,
        "seconds": outcome.seconds,
        "bucket": place.get("bucket"),
        "key": place.get("key"),
        "destinations": outcome.destinations,
        "problems": outcome.problems,
    }


def _is_made(plan: Plan, stages: Stages) -> bool:
    """Return whether there is a dump, and its archive where there is to be one; it may lack tables.

    A hook after the dump may refuse it.
    """
    dumped = "status" in stages.dump and not has_failed(stages.dump) and not has_failed(stages.after_dump)
    packed = ("archive" in stages.pack or not plan.is_packed) and not has_failed(stages.pack)
    return dumped and packed


def _archive(plan: Plan, stages: Stages) -> Archive:
    return Archive(plan.archive_name, stages.pack.get("size"), stages.pack.get("sha256"))


def _state_without_upload(plan: Plan) -> str:
    return NOT_REACHED if plan.is_uploaded else DISABLED


def _uploads(plan: Plan, stages: Stages, made: bool) -> t.List[TargetOutcome]:
    results = [(target, stages.uploads.get(target.name, NO_RESULT)) for target in plan.targets]
    if made and plan.is_uploaded:
        return [outcome_of(target, result) for target, result in results]
    return [TargetOutcome(target, result, _state_without_upload(plan)) for target, result in results]


def _upload_failures(uploads: t.Sequence[TargetOutcome]) -> t.List[Failure]:
    # The only destination of a run needs no name.
    suffix = " to {}" if len(uploads) > 1 else ""
    return [Failure(f"Upload the archive{suffix.format(one.target.name)}", one.reason) for one in uploads if one.reason]


def _upload_records(plan: Plan, stages: Stages, uploads: t.Sequence[TargetOutcome]) -> t.List[t.Dict[str, t.Any]]:
    archive = _archive(plan, stages)
    reason = stages.failure.message if stages.failure else ""
    return [one.record(archive, reason) for one in uploads if one.state in STATUSES]


def _late_problems(stages: Stages) -> t.List[str]:
    prune = problem_of(stages.prune, "message")
    told = [problem_of(result, "error") for result in (stages.mail, stages.channels, stages.ping)]
    return [
        *problems_of_each("Earlier archives", stages.earlier),
        *([f"Retention: {prune}"] if prune else []),
        *problems_of_each("Retention", stages.prunes),
        *filter(None, [problem_of(stages.after_run, "message"), *told]),
    ]


def _early_warnings(stages: Stages, made: bool) -> t.List[str]:
    hooks = [*_hook_warnings(stages.before_run), *_hook_warnings(stages.after_dump)]
    return [*hooks, *(_size_alarms(stages) if made else [])]


def _hook_warnings(hooks: Result) -> t.List[str]:
    return [str(text) for text in hooks.get("hook_warnings") or []]


def _size_alarms(stages: Stages) -> t.List[str]:
    if has_failed(stages.sizes):
        return [f"the sizes were not compared with earlier backups: {problem_of(stages.sizes, 'message')}"]
    return [str(text) for text in stages.sizes.get("alarms") or []]


def _notes(stages: Stages, made: bool, late: t.Sequence[str]) -> t.List[str]:
    warnings = [*(str(text) for text in stages.dump.get("dump_warnings") or []), *_early_warnings(stages, made)]
    errors = [str(text) for text in stages.dump.get("dump_errors") or []]
    # The reasons of a failed dump are in its result.
    if not made and stages.failure and not (errors and has_failed(stages.dump)):
        errors = [*errors, stages.failure.message]
    return [
        *(warning_note(text) for text in warnings if text),
        *(error_note(text) for text in errors if text),
        *(warning_note(text) for text in late),
    ]


def _backup_record(plan: Plan, stages: Stages, notes: t.List[str]) -> t.Dict[str, t.Any]:
    dump = stages.dump
    # Chunks are compressed beside the dump, and may take longer than it.
    finished = dump.get("compression_finished", dump.get("dump_finished"))
    packed = stages.pack if "pack_finished" in stages.pack else NO_RESULT
    return _known(
        archive_name=plan.archive_name if plan.is_packed else plan.name,
        databases=dump.get("databases"),
        dump_bytes=dump.get("dump_bytes"),
        server_version=dump.get("server_version"),
        tool_version=dump.get("tool_version"),
        binlog_coordinates=dump.get("binlog_coordinates"),
        dump_started=dump.get("dump_started"),
        dump_finished=finished,
        pack_started=packed.get("pack_started"),
        pack_finished=packed.get("pack_finished"),
        alarms=stages.sizes.get("count"),
        notes=notes,
    )


def _known(**options: t.Any) -> t.Dict[str, t.Any]:
    return {name: value for name, value in options.items() if value is not None}
