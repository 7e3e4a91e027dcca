"""Misspelled variables: no role does anything, and a backup that is refused for one is recorded and mailed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.plugin_utils.known_variables import GIVEN, PREFIX, known_variables
from tests.command import Command
from tests.faults.checks import check_mail
from tests.integration.awx_collection import awx_collection
from tests.playbook import ROOT, Installation, run_playbook, text_of, write_private

HOST = "db-unknown"
# A misspelled variable of each playbook, and the name that is meant.
MISSPELLED = [
    ("audit", "audit_depe", "audit_deep"),
    ("awx", "awx_update_secret", "awx_update_secrets"),
    ("deploy", "host_stat", "host_state"),
    ("restore", "restore_overwite", "restore_overwrite"),
    ("schema", "log_db_crate", "log_db_create"),
    ("verify", "verify_server", "verify_servers"),
    ("watch", "watch_longest_runs", "watch_longest_run"),
]
# Required by the specs of the roles' arguments.
REQUIRED = {"s3_bucket": "x", "mail_from": "vex@example.org", "mail_to": ["dba@example.org"]}


def inventory_of(directory: Path, **variables: object) -> str:
    """Write an inventory of one host, which every playbook finds, and return its path."""
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        **{PREFIX + name: value for name, value in {**REQUIRED, **variables}.items()},
    }
    path = directory / "inventory.json"
    write_private(path, {"all": {"hosts": {HOST: host, "localhost": host}}})
    return str(path)


def hosts_of(playbook: str) -> list[str]:
    """Return the arguments that make *playbook* run on the inventory's host, as root needs no password."""
    name = {"audit": "hosts", "deploy": "hosts"}.get(playbook, f"{playbook}_hosts")
    return [] if playbook in {"awx", "schema"} else ["-e", f"{PREFIX}{name}={HOST}", "-e", "ansible_become=false"]


@pytest.mark.parametrize("source", ["extra vars", "host vars"])
@pytest.mark.parametrize(("playbook", "wrong", "meant"), MISSPELLED, ids=[one[0] for one in MISSPELLED])
def test_a_role_does_nothing(tmp_path: Path, source: str, playbook: str, wrong: str, meant: str) -> None:
    is_extra = source == "extra vars"
    inventory = inventory_of(tmp_path, **({} if is_extra else {wrong: "secret-value"}))
    given = ["-e", f"{PREFIX}{wrong}=secret-value"] if is_extra else []
    collections = f"{ROOT / 'collections'}:{awx_collection()}" if playbook == "awx" else str(ROOT / "collections")
    done = run_playbook(
        f"playbooks/{playbook}.yml",
        *("-i", inventory, *hosts_of(playbook), *given),
        changes={"ANSIBLE_COLLECTIONS_PATH": collections},
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{PREFIX}{wrong} is unknown: did you mean {PREFIX}{meant}?" in " ".join(done.stdout.split())
    assert "secret-value" not in done.stdout + done.stderr
    tasks = re.findall(r"^TASK \[(?:.* : )?(.*?)\]", done.stdout, re.MULTILINE)
    assert [task for task in tasks if not task.startswith("Validating arguments")] == ["Refuse unknown variables"]


def test_all_known_variables_together_are_accepted(tmp_path: Path) -> None:
    """Set those for users as extra variables, which must not be the roles' own."""
    known = known_variables()
    playbook, variables = tmp_path / "playbook.json", tmp_path / "variables.json"
    write_private(variables, dict.fromkeys(known.public, "x"))
    show = {"ansible.builtin.debug": {"msg": "refused: {{ query('vex.backup.unknown_variables') }}"}}
    own = dict.fromkeys(known.internal - GIVEN, "x")
    write_private(playbook, [{"hosts": "localhost", "gather_facts": False, "vars": own, "tasks": [show]}])
    done = run_playbook(str(playbook), "-i", "localhost,", "-c", "local", "-e", f"@{variables}")
    assert "refused: []" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("source", ["extra vars", "host vars"])
def test_a_refused_backup_is_recorded_and_mailed(backup_setup: Installation, source: str) -> None:
    wrong = "exclude_tabels"
    if source == "extra vars":
        outcome = backup_setup.backup("-e", json.dumps({PREFIX + wrong: ["a.b"]}))
    else:
        outcome = backup_setup.backup(**{wrong: ["a.b"]})
    says = f"{PREFIX}{wrong} is unknown: did you mean vex_backup_exclude_tables?"
    assert outcome.status == 2
    assert says in " ".join(outcome.output.split())
    assert outcome.backup["status_backup"] == 3
    assert outcome.backup["data_encerramento"] is not None
    assert says in outcome.backup["observacao"]
    check_mail(backup_setup, outcome, ["Status Backup: Erro", says])
    assert (outcome.uploads, outcome.keys) == ([], [])


def test_an_extra_variable_with_the_name_of_a_result(backup_setup: Installation) -> None:
    """It would replace the result of a task, for example that of the upload."""
    outcome = backup_setup.backup("-e", "vex_backup_upload=false")
    assert outcome.status == 2
    assert "vex_backup_upload is not for users: did you mean vex_backup_upload_rate?" in text_of(outcome.mail)
    assert outcome.backup["status_backup"] == 3


def test_roles_accept_the_results_of_other_roles(
    backup_setup: Installation, sample_databases: tuple[str, ...], tmp_path: Path
) -> None:
    """One play backs a host up twice, and plans a restore."""
    inventory, playbook = tmp_path / "inventory.json", tmp_path / "playbook.json"
    write_private(inventory, {"all": {"hosts": {backup_setup.hostname: backup_setup.variables}}})
    backup = {"ansible.builtin.include_role": {"name": "vex.backup.backup"}}
    restore = {
        "ansible.builtin.include_role": {"name": "vex.backup.restore"},
        "vars": {
            "vex_backup_restore_login_user": "root",
            "vex_backup_restore_dir": str(tmp_path / "restore"),
        },
    }
    write_private(playbook, [{"hosts": "all", "gather_facts": False, "tasks": [backup, backup, restore]}])
    done = run_playbook(str(playbook), "-i", str(inventory))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [row["status_backup"] for row in backup_setup.observe().backups] == [1, 1]


def test_a_host_refuses_an_unknown_key_of_its_configuration(
    command: Command, capfd: pytest.CaptureFixture[str]
) -> None:
    says = "vex_backup_keep_dialy is unknown: did you mean vex_backup_keep_daily?"
    for arguments in (["prune"], ["hold", "backup_20260101_030000"], ["audit"], ["list"], ["restore", "--yes"]):
        assert command(*arguments, keep_dialy=7) == 1
        out, err = capfd.readouterr()
        assert (out, says in " ".join(err.split())) == ("", True), arguments
    left = command.host.observe()
    assert (left.backups, left.mails, left.files) == ([], [], [])

    assert command("check", keep_dialy=7) == 1
    out = capfd.readouterr().out
    assert [line for line in out.splitlines() if not line.startswith("OK ")] == [f"FAIL configuration: {says}"]

    assert command("run", keep_dialy=7) == 1
    assert says in " ".join(capfd.readouterr().err.split())
    left = command.host.observe()
    assert left.backup["status_backup"] == 3
    assert says in left.backup["observacao"]
    assert says in text_of(left.mail)
