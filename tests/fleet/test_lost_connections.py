"""One run over three hosts that lose their connections during the dump, for half a minute or with the host itself."""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.breaking import HeldDump, cable_out, without_sshd
from tests.fleet.conftest import RECIPES
from tests.fleet.fleet import UNREACHABLE, Control, Member, Run, backup
from tests.fleet.hosts import Host
from tests.playbook import ATTACHMENTS, Outcome, attachments_of

CUT = 30
UNPLUGGED, RESTARTED, SWITCHED_OFF = "mysql-1", "mariadb-1", "mysql-2"


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Make a directory whose path is short enough for SSH's sockets."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def members(hosts: dict[str, Host], control: Control) -> dict[str, Member]:
    """Return the members by host name."""
    made = {name: Member(hosts[name], control) for name in RECIPES}
    for member in made.values():
        member.create_account()
    # A few seconds of retries are enough to show that Ansible gives a host up.
    made[SWITCHED_OFF].variables["vex_backup_ssh_retries"] = 2
    return made


@pytest.fixture(scope="module")
def outcomes(members: dict[str, Member], directory: Path) -> Iterator[dict[str, Outcome]]:
    """Run the backup; the host that is switched off stays off until its test switches it on."""
    with contextlib.ExitStack() as dumps:
        held = {name: dumps.enter_context(HeldDump(member)) for name, member in members.items()}
        run = Run(list(members.values()), directory)
        for dump in held.values():
            dump.reach(run)
        members[SWITCHED_OFF].host.switch_off()
        with cable_out(members[UNPLUGGED].host), without_sshd(members[RESTARTED].host):
            time.sleep(CUT)
        for name in (UNPLUGGED, RESTARTED):
            held[name].go_on()
        try:
            yield run.wait()
        finally:
            members[SWITCHED_OFF].switch_on()


@pytest.mark.parametrize("name", [UNPLUGGED, RESTARTED])
def test_a_run_outlives_its_connection(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.backup["status_backup"] in {1, 2}, outcome.output
    assert outcome.upload["status_upload"] == 1
    assert outcome.upload["caminho_arquivo"] == outcome.key
    assert sorted(attachments_of(outcome.mail)) == ATTACHMENTS
    assert (outcome.backup["data_encerramento"] - outcome.backup["data_inicio"]).total_seconds() > CUT


def test_a_host_that_dies_is_given_up(outcomes: dict[str, Outcome], members: dict[str, Member]) -> None:
    outcome = outcomes[SWITCHED_OFF]
    assert outcome.status == UNREACHABLE, outcome.output
    assert re.search(rf"{members[SWITCHED_OFF].hostname} +: ok=\d+ .*unreachable=1", outcome.output)
    assert (outcome.backup["status_backup"], outcome.mails) == (0, [])


def test_its_next_run_closes_what_died(
    outcomes: dict[str, Outcome], members: dict[str, Member], directory: Path
) -> None:
    member = members[SWITCHED_OFF]
    member.switch_on()
    outcome = backup([member], directory, abandoned_after=1)[SWITCHED_OFF]
    assert outcome.status == 2, "the abandoned run is a failure of this one"
    died, made = outcome.backups
    assert died["status_backup"] == 3
    assert "was abandoned in stage dump: no process has worked on it since" in died["observacao"]
    assert died["data_encerramento"] >= died["data_inicio"]
    assert made["status_backup"] in {1, 2}
    assert outcome.upload["backup_id"] == made["id"]
