"""A module of the playbook that is ended at a failpoint, by the environment of its task: the role reports it."""

from __future__ import annotations

import pytest

from tests.faults.checks import assert_says, check_failure, check_success
from tests.faults.ending import ALL
from tests.playbook import Installation, text_of

POINTS = ["rename:archive:before=kill", "rename:directory:before=term", "fsync:manifest:after=kill"]


@pytest.mark.parametrize("setting", POINTS if ALL else POINTS[:1])
def test_a_module_dies(host: Installation, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("VEX_FAILPOINT", setting)
    outcome = host.backup(keep_failed=0)
    dump = outcome._replace(files=[name for name in outcome.files if (host.work / name / "manifest.json").exists()])
    check_failure(host, outcome._replace(files=[name for name in outcome.files if name not in dump.files]), [])
    assert outcome.status != 0
    monkeypatch.delenv("VEX_FAILPOINT")
    host.sink.clear()
    # A run whose logs are young may be between two steps.
    check_success(host, host.backup(keep_failed=0, abandoned_after=0))
    assert [path.name for path in host.work.glob("*.partial")] == []


def test_the_upload_dies(host: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive is uploaded and its manifest is not: the next run uploads it."""
    monkeypatch.setenv("VEX_FAILPOINT", "store:put_object:after=kill")
    outcome = host.backup()
    assert outcome.status != 0
    assert (outcome.backup["status_backup"], outcome.upload["status_upload"]) == (1, 3)
    assert_says(text_of(outcome.mail), ["Status Backup: Sucesso", "Status Upload: Erro"])
    assert len(outcome.keys) == 1, "the archive alone, which is no backup"
    monkeypatch.delenv("VEX_FAILPOINT")
    after = host.backup()
    check_success(host, after)
    assert [row["status_upload"] for row in after.uploads] == [1, 1]
    assert len(after.keys) == 4
