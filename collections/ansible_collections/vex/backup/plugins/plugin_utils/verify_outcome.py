# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The choice of backups to prove, the result of each proof, and the outcome of a run, for ``vex.backup.verify``."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.notes import error_note, warning_note
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, RUNNING, SUCCESS, WARNING

Result = t.Mapping[str, t.Any]
# A backup as backup_info lists it.
Backup = t.Mapping[str, t.Any]

TIME = "%Y-%m-%d %H:%M:%S"
# The status of a proof that was left to the next run.
SKIPPED = RUNNING


@dataclasses.dataclass(frozen=True)
class Choice:
    """The backups to prove, in this order, and the wanted servers that have none."""

    chosen: t.List[Backup]
    missing: t.List[str]


@dataclasses.dataclass(frozen=True)
class Stages:
    """The results of a proof's stages, as Ansible registers them; empty for a stage that did not run.

    ``downloaded`` is the result of ``backup_download``, ``loaded`` of ``mysql_restore``, ``compared`` of
    ``backup_compare``, ``written`` of ``backup_proof``. ``failure`` is the name and the message of the task that
    failed.
    """

    downloaded: Result = dataclasses.field(default_factory=dict)
    loaded: Result = dataclasses.field(default_factory=dict)
    compared: Result = dataclasses.field(default_factory=dict)
    written: Result = dataclasses.field(default_factory=dict)
    failure: str = ""


@dataclasses.dataclass(frozen=True)
class Proof:
    """The result of one proof.

    ``status`` is one of ``_common/status.py``, ``notes`` are levelled lines, ``problem`` is a sentence, empty after a
    good proof. ``tables``, ``rows``, ``compared``, from ``mysql_restore``, and ``recovery_seconds``, from the start of
    the download until all data was restored, are ``None`` without a proof. ``unrecorded`` is the reason why the log
    database has no record, or empty.
    """

    backup: Backup
    status: int
    notes: t.List[str]
    problem: str = ""
    tables: t.Optional[int] = None
    rows: t.Optional[int] = None
    compared: t.Optional[t.Mapping[str, int]] = None
    recovery_seconds: t.Optional[int] = None
    unrecorded: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of a run. ``proven`` and ``skipped`` are keys of archives, ``problems`` sentences.

    ``failures`` is the number of backups that could not be proven, at least 1 if there is any problem.
    """

    proven: t.List[str]
    skipped: t.List[str]
    failures: int
    problems: t.List[str]


def choose(backups: t.Sequence[Backup], servers: t.Sequence[str]) -> Choice:
    """Choose the newest backup of each server: servers without a proof first, then those with the oldest proof.

    :param backups: as ``backup_info`` lists them, newest first; those without a manifest are not whole
    :param servers: the wanted ones; all when empty
    """
    whole = [backup for backup in backups if backup["manifest"]]
    newest: t.Dict[str, Backup] = {}
    proven: t.Dict[str, str] = {}
    for backup in whole:
        hostname = backup["hostname"]
        newest.setdefault(hostname, backup)
        proven[hostname] = max(proven.get(hostname, ""), backup["proven"] or "")
    wanted = list(dict.fromkeys(servers)) or sorted(newest)
    order = sorted(filter(newest.__contains__, wanted), key=lambda hostname: (proven[hostname], hostname))
    missing = [hostname for hostname in wanted if hostname not in newest]
    return Choice([newest[hostname] for hostname in order], missing)


def prove(backup: Backup, stages: Stages) -> Proof:
    """Decide the result of one proof from the results of its stages."""
    if stages.failure:
        problem = f"{backup['hostname']} {backup['name']}: {stages.failure}"
        return Proof(backup, ERROR, [error_note(stages.failure)], problem)
    compared = stages.compared
    notes = [*compared["notes"], *filter(None, [stages.written.get("message")])]
    return Proof(
        backup=backup,
        status=WARNING if notes else SUCCESS,
        notes=[warning_note(str(note)) for note in notes],
        tables=compared["tables"],
        rows=compared["rows"],
        compared=stages.loaded["compared"],
        recovery_seconds=recovery_seconds(stages.downloaded, stages.loaded),
    )


def recovery_seconds(downloaded: Result, loaded: Result) -> int:
    """Return the seconds from the start of the download until all data was restored."""
    end, start = (
        datetime.datetime.strptime(text, TIME) for text in (loaded["restore_finished"], downloaded["download_started"])
    )
    return int((end - start).total_seconds())


def decide(
    proofs: t.Sequence[Result], missing: t.Sequence[str], failure: str, mail: Result, channels: Result
) -> Outcome:
    """Decide the outcome of a run.

    :param proofs: the fields of each :class:`Proof`
    :param missing: wanted servers without a whole backup
    :param failure: the name and the message of a task that failed outside a proof; empty for none
    :param mail: the result of ``backup_mail``; empty before the mail
    :param channels: the result of ``backup_notify``; empty before it
    """
    failed = [proof for proof in proofs if proof["status"] == ERROR]
    without = f"no whole backup in the bucket of: {', '.join(missing)}" if missing else ""
    unrecorded = dict.fromkeys(str(proof["unrecorded"]) for proof in proofs)
    untold = [str(told.get("error") or told.get("msg") or "") for told in (mail, channels)]
    problems = [failure, *(proof["problem"] for proof in failed), without, *unrecorded, *untold]
    problems = [problem for problem in problems if problem]
    return Outcome(
        proven=[proof["backup"]["key"] for proof in proofs if proof["status"] in (SUCCESS, WARNING)],
        skipped=[proof["backup"]["key"] for proof in proofs if proof["status"] == SKIPPED],
        failures=len(failed) or min(1, len(problems)),
        problems=problems,
    )
