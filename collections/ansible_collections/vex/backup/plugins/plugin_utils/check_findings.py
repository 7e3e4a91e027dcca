# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings of ``vex-backup check``: one for each thing that a backup run needs."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Stages
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import Result, has_failed, problem_of

# The needs that mysql_dump tries once it has reached the server, and backup_trial, with the names of their findings.
DUMP_NEEDS = {
    name: name for name in "mydumper client compression databases grants directory disk lock tools tables".split()
}
BUCKET_NEEDS = {name: f"bucket {name}" for name in "list write read remove parts".split()}
# The failure of a session that was opened but cannot be used.
SESSION_FAILURE = "SessionRefused"
NOT_CHECKED = "not checked"


@dataclasses.dataclass(frozen=True)
class Checks:
    """The results of a check of a host.

    ``stages``: the steps of a backup in check mode. ``variables``: the validation of the variables, as Ansible
    registers it. ``buckets``: the results of ``backup_trial`` by destination. ``wrong_settings``: a sentence on unknown
    variables, or on missing ones that a run needs, or empty. ``is_uploaded``, ``is_mailed``, ``is_told`` and
    ``is_pinged``: the configuration asks for an upload, for a mail, for messages to channels, and for pings.
    """

    stages: Stages
    variables: Result
    buckets: t.Mapping[str, Result]
    wrong_settings: str
    is_uploaded: bool
    is_mailed: bool
    is_told: bool
    is_pinged: bool


@dataclasses.dataclass(frozen=True)
class Finding:
    """A need of a run.

    ``ok`` is ``None`` when it was not checked; ``detail`` is the failure and its remedy, or a remark on a need that is
    met.
    """

    name: str
    ok: t.Optional[bool]
    detail: str


def findings_of(checks: Checks) -> t.List[Finding]:
    """Return one finding for each need of a run, in the order of its steps."""
    stages = checks.stages
    configuration = "; ".join(filter(None, [_variables_problem(checks.variables), checks.wrong_settings]))
    # A record that would only be kept in the spool opens with a message.
    log_database = str(stages.opened.get("message") or "")
    mail, channels, ping = (problem_of(one, "error") for one in (stages.mail, stages.channels, stages.ping))
    return [
        Finding("configuration", not configuration, configuration),
        *_hook_findings(stages.before_run),
        *_server_findings(stages.dump),
        *_needs(stages.dump, DUMP_NEEDS),
        Finding("archive", not has_failed(stages.pack), _message(stages.pack)),
        *(
            _findings_of_buckets(checks.buckets)
            if checks.is_uploaded
            else [_unused("bucket", "vex_backup_upload_enabled")]
        ),
        Finding("log database", not log_database, log_database),
        Finding("mail", not mail, mail) if checks.is_mailed else _unused("mail", "vex_backup_mail_enabled"),
        *([Finding("channels", not channels, channels)] if checks.is_told else []),
        *([Finding("ping", not ping, ping)] if checks.is_pinged else []),
    ]


def _variables_problem(validation: Result) -> str:
    if not has_failed(validation):
        return ""
    return f"{_message(validation)} {'; '.join(validation.get('argument_errors') or [])}"


def _server_findings(dump: Result) -> t.List[Finding]:
    """Return the findings on the connection, without which nothing else of the server is tried."""
    if "needs" in dump:
        return [Finding("server", True, ""), Finding("session", True, "")]
    if dump.get("failure") == SESSION_FAILURE:
        return [Finding("server", True, ""), Finding("session", False, _message(dump))]
    ok = False if has_failed(dump) else None
    return [Finding("server", ok, _message(dump) or NOT_CHECKED), Finding("session", None, NOT_CHECKED)]


def _findings_of_buckets(buckets: t.Mapping[str, Result]) -> t.List[Finding]:
    """Return the findings on each destination, named where there are several; without any, that nothing was tried."""
    if len(buckets) < 2:
        return _bucket_findings(next(iter(buckets.values()), {}))
    return [
        dataclasses.replace(finding, name=f"{finding.name} ({name})")
        for name, result in buckets.items()
        for finding in _bucket_findings(result)
    ]


def _hook_findings(hooks: Result) -> t.List[Finding]:
    """Return the finding on the programs of the hooks of all phases; none where there are no hooks."""
    if not (has_failed(hooks) or "needs" in hooks):
        return []
    return [Finding("hooks", not has_failed(hooks), _message(hooks) if has_failed(hooks) else "")]


def _bucket_findings(bucket: Result) -> t.List[Finding]:
    findings = _needs(bucket, BUCKET_NEEDS)
    if has_failed(bucket) and "needs" not in bucket:
        # Before the first request, for example without the library.
        findings[0] = dataclasses.replace(findings[0], ok=False, detail=_message(bucket))
    return findings


def _needs(result: Result, names: t.Mapping[str, str]) -> t.List[Finding]:
    """Return a finding for each need that a module tries, in the order of *names*.

    :param names: the name of the finding by that of the need
    """
    tried: t.Mapping[str, str] = result.get("needs") or {}
    notes: t.Mapping[str, str] = result.get("notes") or {}
    return [
        Finding(shown, not tried[name], tried[name] or notes.get(name, ""))
        if name in tried
        else Finding(shown, None, NOT_CHECKED)
        for name, shown in names.items()
    ]


def _unused(name: str, variable: str) -> Finding:
    return Finding(name, True, f"not used: {variable} is false")


def _message(result: Result) -> str:
    return str(result.get("msg") or "")
