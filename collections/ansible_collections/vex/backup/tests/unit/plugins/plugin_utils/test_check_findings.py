# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the findings of a check."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.filter.check_findings import FilterModule
from ansible_collections.vex.backup.plugins.plugin_utils.check_findings import Checks, findings_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Stages

DUMP_NEEDS = ["server", "session", "mydumper", "databases", "grants", "disk", "tools", "tables"]
NAMES = ["configuration", *DUMP_NEEDS, "archive", "bucket", "log database", "mail"]


def find(
    stages: t.Optional[Stages] = None,
    *,
    variables: t.Optional[t.Dict[str, t.Any]] = None,
    wrong_settings: str = "",
    is_uploaded: bool = True,
    is_mailed: bool = True,
) -> t.Dict[str, t.Tuple[t.Optional[bool], str]]:
    """Return the findings by name."""
    checks = Checks(stages or Stages(), variables or {}, wrong_settings, is_uploaded, is_mailed)
    found = findings_of(checks)
    assert [finding.name for finding in found] == NAMES
    return {finding.name: (finding.ok, finding.detail) for finding in found}


def failed(message: str, failure: str = "") -> t.Dict[str, t.Any]:
    """Return the registered result of a task that failed."""
    return {"failed": True, "msg": message, **({"failure": failure} if failure else {})}


def test_all_is_well() -> None:
    assert set(find().values()) == {(True, "")}


def test_wrong_variable() -> None:
    variables = {**failed("Validation failed:"), "argument_errors": ["threads is no int", "x"]}
    assert find(variables=variables)["configuration"] == (False, "Validation failed: threads is no int; x")


def test_wrong_setting() -> None:
    assert find(wrong_settings="Set the bucket.")["configuration"] == (False, "Set the bucket.")


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        ("ServerUnavailable", "server"),
        ("SessionRefused", "session"),
        ("ProgramMissing", "mydumper"),
        ("OptionError", "databases"),
        ("MissingGrants", "grants"),
        ("NotEnoughSpace", "disk"),
        ("ToolLoginFailed", "tools"),
        ("TablesUnreadable", "tables"),
        # A failure of no known kind counts for the first need.
        ("AlreadyRunning", "server"),
        ("", "server"),
    ],
)
def test_dump_failed(failure: str, name: str) -> None:
    found = find(Stages(dump=failed("why", failure)))
    place = DUMP_NEEDS.index(name)
    before, after = DUMP_NEEDS[:place], DUMP_NEEDS[place + 1 :]
    assert [found[need] for need in before] == [(True, "")] * len(before)
    assert found[name] == (False, "why")
    assert [found[need] for need in after] == [(None, "not checked")] * len(after)


def test_archive_and_bucket_failed() -> None:
    found = find(Stages(pack=failed("no 7-Zip"), upload=failed("no bucket")))
    assert (found["archive"], found["bucket"]) == ((False, "no 7-Zip"), (False, "no bucket"))


def test_log_database_is_away() -> None:
    assert find(Stages(opened={"message": "away"}))["log database"] == (False, "away")


@pytest.mark.parametrize("mail", [failed("no server"), {"error": "no server"}])
def test_mail_failed(mail: t.Dict[str, t.Any]) -> None:
    assert find(Stages(mail=mail))["mail"] == (False, "no server")


def test_upload_and_mail_are_disabled() -> None:
    found = find(is_uploaded=False, is_mailed=False)
    assert found["bucket"] == (True, "not used: vex_backup_upload_enabled is false")
    assert found["mail"] == (True, "not used: vex_backup_mail_enabled is false")


def test_filter() -> None:
    check_findings = FilterModule().filters()["check_findings"]
    given: t.Dict[str, t.Any] = {"variables": {}, "wrong_settings": "", "is_uploaded": True, "is_mailed": True}
    found = check_findings({"opened": {"message": "away"}}, **given)
    assert {"name": "log database", "ok": False, "detail": "away"} in found
    assert len(found) == len(NAMES)
    with pytest.raises(AnsibleFilterError, match=r"vex\.backup\.check_findings: "):
        check_findings({}, variables={})
