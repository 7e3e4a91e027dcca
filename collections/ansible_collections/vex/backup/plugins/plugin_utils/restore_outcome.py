# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a restore, decided from the results of its stages, for the role ``vex.backup.restore``."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.notes import error_note, info_note, warning_note
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR
from ansible_collections.vex.backup.plugins.module_utils._common.text import counted

Result = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Scope:
    """The scope of a restore. A text is empty if it is not given.

    ``database`` and ``table`` are the only ones that are restored, ``name`` is the new name of the database, ``into``
    the server.
    """

    database: str
    table: str
    name: str
    into: str

    def __str__(self) -> str:
        table = f".{self.table}" if self.table else ""
        renamed = f" as {self.name}" if self.name else ""
        return f"{self.database or 'everything'}{table}{renamed} into {self.into}"


@dataclasses.dataclass(frozen=True)
class Stages:
    """The results of a restore's stages so far, as Ansible registers them; empty for a stage that did not run.

    ``opened`` and ``closed`` are results of ``restore_log_record``, ``loaded`` is the result of ``mysql_restore``.
    ``failure`` is the name and the message of the task that failed.
    """

    opened: Result
    loaded: Result
    closed: Result
    failure: str


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The outcome of a restore.

    ``status`` is one of ``_common/status.py``, ``notes`` are levelled lines, ``record`` are further options of
    ``restore_log_record``. For the person who restores, ``warnings`` are sentences, with the reason why the log
    database has no record, and ``loaded`` is the size of what was restored.
    """

    status: int
    notes: t.List[str]
    record: t.Dict[str, t.Any]
    warnings: t.List[str]
    loaded: str


def decide(scope: Scope, stages: Stages) -> Outcome:
    """Decide the outcome of a restore from the results of its stages."""
    loaded = stages.loaded
    warnings = [str(text) for text in loaded.get("restore_warnings") or []]
    failures = [error_note(stages.failure)] if stages.failure else []
    known = {} if stages.failure else {"restored": loaded.get("restore_finished")}
    if not stages.failure:
        known.update({name: loaded.get(name) for name in ("tables", "rows", "compared")})
    return Outcome(
        status=ERROR if stages.failure else int(loaded.get("status", ERROR)),
        notes=[info_note(str(scope)), *failures, *map(warning_note, warnings)],
        record={name: value for name, value in known.items() if value is not None},
        warnings=[*warnings, *_unrecorded(stages)],
        loaded=f"{counted(loaded.get('tables', 0), 'table')}, {counted(loaded.get('rows', 0), 'row')}",
    )


def _unrecorded(stages: Stages) -> t.List[str]:
    reasons = (stages.closed.get("message"), stages.closed.get("msg"), stages.opened.get("msg"))
    return [f"not in the log database: {reason}" for reason in reasons if reason is not None][:1]
