# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the findings of a check."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.filter.check_findings import FilterModule
from ansible_collections.vex.backup.plugins.plugin_utils.check_findings import Checks, findings_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Stages

DUMP_NEEDS = "mydumper client compression databases grants directory disk lock tools tables".split()
BUCKET_NEEDS = "list write read remove parts".split()
BUCKET = [f"bucket {name}" for name in BUCKET_NEEDS]
NAMES = ["configuration", "server", "session", *DUMP_NEEDS, "archive", *BUCKET, "log database", "mail"]
NAMES += ["channels", "ping"]
DUMPED: t.Dict[str, t.Any] = {"needs": dict.fromkeys(DUMP_NEEDS, "")}
TRIED: t.Dict[str, t.Any] = {"needs": dict.fromkeys(BUCKET_NEEDS, ""), "notes": {}}
UNTOLD = {
    "variables": {},
    "wrong_settings": "",
    "is_uploaded": True,
    "is_mailed": False,
    "is_told": False,
    "is_pinged": False,
}
MET = (True, "")
UNKNOWN = (None, "not checked")


def find(
    *,
    dump: t.Optional[t.Dict[str, t.Any]] = None,
    bucket: t.Optional[t.Dict[str, t.Any]] = None,
    checks: t.Optional[t.Dict[str, t.Any]] = None,
    **stages: t.Any,
) -> t.Dict[str, t.Tuple[t.Optional[bool], str]]:
    """Return the findings by name; without an argument, all is well."""
    given: t.Dict[str, t.Any] = {"variables": {}, "wrong_settings": "", "is_uploaded": True, "is_mailed": True}
    given.update(is_told=True, is_pinged=True)
    made = Stages(dump=DUMPED if dump is None else dump, **stages)
    buckets = {"s3": TRIED if bucket is None else bucket}
    found = findings_of(Checks(stages=made, buckets=buckets, **{**given, **(checks or {})}))
    return {finding.name: (finding.ok, finding.detail) for finding in found}


def failed(message: str, **more: t.Any) -> t.Dict[str, t.Any]:
    """Return the registered result of a task that failed."""
    return {"failed": True, "msg": message, **more}


def test_all_is_well() -> None:
    assert find() == dict.fromkeys(NAMES, MET)
    assert list(find()) == NAMES


def test_wrong_variable() -> None:
    variables = failed("Validation failed:", argument_errors=["threads is no int", "x"])
    found = find(checks={"variables": variables, "wrong_settings": "Set the bucket."})
    assert found["configuration"] == (False, "Validation failed: threads is no int; x; Set the bucket.")


def test_wrong_setting() -> None:
    assert find(checks={"wrong_settings": "Set the bucket."})["configuration"] == (False, "Set the bucket.")


@pytest.mark.parametrize(
    ("dump", "server", "session"),
    [
        (failed("why", failure="ServerUnavailable"), (False, "why"), UNKNOWN),
        (failed("why"), (False, "why"), UNKNOWN),
        (failed("why", failure="SessionRefused"), MET, (False, "why")),
        ({}, UNKNOWN, UNKNOWN),
    ],
)
def test_server_is_not_reached(
    dump: t.Dict[str, t.Any], server: t.Tuple[t.Any, str], session: t.Tuple[t.Any, str]
) -> None:
    found = find(dump=dump)
    assert (found["server"], found["session"]) == (server, session)
    assert [found[name] for name in DUMP_NEEDS] == [UNKNOWN] * len(DUMP_NEEDS)


def test_needs_of_the_dump() -> None:
    needs = {"client": "", "grants": "no RELOAD", "lock": "held"}
    found = find(dump=failed("no RELOAD; held", failure="MissingGrants", needs=needs))
    assert {name: found[name] for name in ("server", "session", "client", "grants", "lock")} == {
        **dict.fromkeys(("server", "session", "client"), MET),
        "grants": (False, "no RELOAD"),
        "lock": (False, "held"),
    }
    assert {found[name] for name in {*DUMP_NEEDS} - {*needs}} == {UNKNOWN}


def test_needs_of_the_bucket() -> None:
    bucket = failed("no", needs={"list": "", "read": "", "remove": "no"}, notes={"read": "cold"})
    found = find(bucket=bucket)
    assert [found[name] for name in BUCKET] == [MET, UNKNOWN, (True, "cold"), (False, "no"), UNKNOWN]


def test_each_of_several_destinations_is_named() -> None:
    checks: t.Dict[str, t.Any] = {
        "buckets": {"s3": TRIED, "vault": failed("no boto3")},
        **UNTOLD,
    }
    found = findings_of(Checks(stages=Stages(dump=DUMPED), **checks))
    named = {finding.name: finding.ok for finding in found if finding.name.startswith("bucket")}
    assert named == {
        **{f"{name} (s3)": True for name in BUCKET},
        **{f"{name} (vault)": None for name in BUCKET},
        "bucket list (vault)": False,
    }


def test_no_destination_was_tried() -> None:
    checks: t.Dict[str, t.Any] = {"buckets": {}, **UNTOLD}
    found = findings_of(Checks(stages=Stages(dump=DUMPED), **checks))
    assert [finding.ok for finding in found if finding.name in BUCKET] == [None] * 5


def test_bucket_is_not_asked() -> None:
    found = find(bucket=failed("no boto3"))
    assert [found[name] for name in BUCKET] == [(False, "no boto3"), *[UNKNOWN] * 4]
    assert [find(bucket={})[name] for name in BUCKET] == [UNKNOWN] * 5


def test_hooks() -> None:
    """There is no finding without hooks."""
    assert find(before_run={"needs": {"before_run 1 (true)": ""}, "msg": "runs no hook"})["hooks"] == MET
    assert find(before_run=failed("no program", needs={}))["hooks"] == (False, "no program")
    assert find(before_run=failed("wrong form"))["hooks"] == (False, "wrong form")
    assert "hooks" not in find(before_run={"skipped": True})


def test_archive_failed() -> None:
    assert find(pack=failed("no 7-Zip"))["archive"] == (False, "no 7-Zip")


def test_log_database_is_away() -> None:
    assert find(opened={"message": "away"})["log database"] == (False, "away")


@pytest.mark.parametrize("mail", [failed("no server"), {"error": "no server"}])
def test_mail_failed(mail: t.Dict[str, t.Any]) -> None:
    assert find(mail=mail)["mail"] == (False, "no server")


@pytest.mark.parametrize("result", [failed("no server"), {"error": "no server"}])
def test_channels_and_ping_failed(result: t.Dict[str, t.Any]) -> None:
    found = find(channels=result, ping=result)
    assert found["channels"] == found["ping"] == (False, "no server")


def test_upload_and_mail_are_disabled() -> None:
    found = find(checks={"is_uploaded": False, "is_mailed": False, "is_told": False, "is_pinged": False})
    assert found["bucket"] == (True, "not used: vex_backup_upload_enabled is false")
    assert found["mail"] == (True, "not used: vex_backup_mail_enabled is false")
    assert not {*BUCKET, "channels", "ping"}.intersection(found)


def test_filter() -> None:
    check_findings = FilterModule().filters()["check_findings"]
    given: t.Dict[str, t.Any] = {"variables": {}, "wrong_settings": "", "is_uploaded": True, "is_mailed": True}
    given.update(is_told=True, is_pinged=True)
    found = check_findings(
        {"opened": {"message": "away"}}, buckets={"results": [{**TRIED, "ansible_loop_var": "to", "to": "s3"}]}, **given
    )
    assert {"name": "log database", "ok": False, "detail": "away"} in found
    assert len(found) == len(NAMES)
    with pytest.raises(AnsibleFilterError, match=r"vex\.backup\.check_findings: "):
        check_findings({}, variables={})
