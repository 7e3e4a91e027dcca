# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings of ``vex-backup check``: one for each thing that a backup run needs."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Result, Stages, has_failed, problem_of

# The needs of a dump, in the order in which it checks them, and the failure that its module returns for each.
DUMP_NEEDS = {
    "server": "ServerUnavailable",
    "session": "SessionRefused",
    "mydumper": "ProgramMissing",
    "databases": "OptionError",
    "grants": "MissingGrants",
    "disk": "NotEnoughSpace",
    "tools": "ToolLoginFailed",
    "tables": "TablesUnreadable",
}
NOT_CHECKED = "not checked"


@dataclasses.dataclass(frozen=True)
class Checks:
    """The results of a check of a host.

    ``stages``: the steps of a backup in check mode. ``variables``: the validation of the variables, as Ansible
    registers it. ``wrong_settings``: a sentence on unknown variables, or on missing ones that a run
    needs, or empty. ``is_uploaded`` and ``is_mailed``: the configuration asks for an upload, and for a mail.
    """

    stages: Stages
    variables: Result
    wrong_settings: str
    is_uploaded: bool
    is_mailed: bool


@dataclasses.dataclass(frozen=True)
class Finding:
    """A need of a run. ``ok`` is ``None`` when it was not checked; ``detail`` is the failure and its remedy."""

    name: str
    ok: t.Optional[bool]
    detail: str


def findings_of(checks: Checks) -> t.List[Finding]:
    """Return one finding for each need of a run, in the order of its steps."""
    stages = checks.stages
    configuration = "; ".join(filter(None, [_variables_problem(checks.variables), checks.wrong_settings]))
    # A record that would only be kept in the spool opens with a message.
    log_database = str(stages.opened.get("message") or "")
    mail = problem_of(stages.mail, "error")
    unused = "not used: {} is false"
    return [
        Finding("configuration", not configuration, configuration),
        *_dump_findings(stages.dump),
        Finding("archive", not has_failed(stages.pack), _message(stages.pack)),
        Finding(
            "bucket",
            not has_failed(stages.upload),
            _message(stages.upload) if checks.is_uploaded else unused.format("vex_backup_upload_enabled"),
        ),
        Finding("log database", not log_database, log_database),
        Finding("mail", not mail, mail if checks.is_mailed else unused.format("vex_backup_mail_enabled")),
    ]


def _variables_problem(validation: Result) -> str:
    if not has_failed(validation):
        return ""
    return f"{_message(validation)} {'; '.join(validation.get('argument_errors') or [])}"


def _dump_findings(dump: Result) -> t.List[Finding]:
    """Return a finding for each need of the dump; the needs after the first failed one were not checked."""
    findings: t.List[Finding] = []
    failure = dump.get("failure") or "" if has_failed(dump) else None
    is_over = False
    for name, expected in DUMP_NEEDS.items():
        if is_over:
            findings.append(Finding(name, None, NOT_CHECKED))
            continue
        # A failure that belongs to no single need is reported by the first one: nothing is known of the others.
        is_over = failure is not None and (failure == expected or failure not in DUMP_NEEDS.values())
        findings.append(Finding(name, not is_over, _message(dump) if is_over else ""))
    return findings


def _message(result: Result) -> str:
    return str(result.get("msg") or "")
