"""Check mode changes nothing and reports what it would do; a second run of a task changes nothing."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.playbook import HANGS, PLAYBOOK, ROOT, Installation, Outcome, environment, write_private

# The tasks of a good run that change something.
STEPS = ["Open the run's record", "Dump the server", "Pack the dump", "Record the archive", "Upload the archive"]
STEPS += ["Close the run's record", "Mail the result"]


def test_check_mode_before_the_first_backup(backup_setup: Installation, sample_databases: tuple[str, ...]) -> None:
    """Before the first backup, check mode does not even make the work directory."""
    outcome = unchanged(backup_setup, "--diff")
    assert outcome.status == 0, outcome.output
    assert changed_tasks(outcome) == STEPS
    said = " ".join(outcome.output.split())
    assert f"nothing was done; of {', '.join(sorted(sample_databases))} there would be backup_" in said
    assert f"s3://vex/{backup_setup.prefix}" in said
    assert f"+ backup_log.hostname: {backup_setup.hostname}" in said
    assert "WARNING" not in said
    assert not backup_setup.work.exists()


def test_check_mode_after_a_backup(backup_setup: Installation, sample_databases: tuple[str, ...]) -> None:
    """Check that archives, and kept records and mails, stay as they are."""
    backup_setup.sink.mode = "refuse"
    backup_setup.backup(log_db_password="not it")
    backup_setup.sink.mode = "normal"
    assert list((backup_setup.spool / "records").iterdir())
    assert list((backup_setup.spool / "mails").iterdir())
    outcome = unchanged(backup_setup)
    assert outcome.status == 0, outcome.output


def test_check_mode_finds_faults(backup_setup: Installation, sample_databases: tuple[str, ...]) -> None:
    for variables, words in (
        ({"login_password": "not it"}, "refused the login of"),
        ({"s3_bucket": "nowhere"}, "the bucket does not exist"),
    ):
        outcome = unchanged(backup_setup, **variables)
        assert outcome.status != 0
        assert words in " ".join(outcome.output.split())


def test_a_second_run_changes_nothing(backup_setup: Installation, tmp_path: Path) -> None:
    host = backup_setup
    source = host.work / "backup_20260101_030000"
    source.mkdir(parents=True)
    (source / "data.sql").write_text("SELECT 1;\n" * 1000)
    (source / "manifest.json").write_text(json.dumps({"run": "some"}))
    steps = [
        {"vex.backup.archive_7z": {"source": str(source), "dest": f"{source}.zip"}},
        {
            "vex.backup.s3_upload": {
                **options(host, "s3", "access_key", "secret_key", "endpoint_url", "bucket"),
                "src": f"{source}.zip",
                "manifest": f"{source}.zip.manifest.json",
                "key": f"{host.prefix}again.zip",
            }
        },
        {
            "vex.backup.backup_log_record": {
                **options(host, "log_db", "unix_socket", "user", "password", to="login_"),
                "login_database": host.log_database.name,
                "spool_dir": str(host.spool),
                "hostname": host.hostname,
                "run_uuid": "0f0e0d0c-0b0a-4908-8706-050403020100",
                "status": 1,
                "backup": {"databases": ["loja"], "dump_bytes": 1234567, "notes": ["one", "two"]},
                "uploads": [
                    {
                        "destination": "s3",
                        "type": "s3",
                        "status": 1,
                        "bucket": "vex",
                        "key": "some",
                        "finished": "2026-01-01 03:00:00",
                    }
                ],
            }
        },
    ]
    results = run_twice(steps, tmp_path)
    assert [(first["changed"], second["changed"]) for first, second in results] == [(True, False)] * 3, results
    assert len(host.observe().backups) == 1


def test_a_current_schema_is_not_changed(backup_setup: Installation) -> None:
    output = backup_setup.log_database.apply_schema("--check")
    assert "changed=0 " in output
    assert "no step is pending" in output
    # Only a playbook with backups shows a summary of them.
    assert "BACKUPS" not in output


def options(host: Installation, of: str, *names: str, to: str = "") -> dict[str, Any]:
    """Return options of a module, from the variables of the host."""
    return {f"{to}{name}": host.variables[f"vex_backup_{of}_{name}"] for name in names}


def run_twice(steps: list[dict[str, Any]], directory: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Run all tasks twice; return the first and the second result of each."""
    tasks: list[dict[str, Any]] = [
        {"name": f"Step {number}", **step, "register": f"step_{number}"} for number, step in enumerate(steps * 2)
    ]
    found = ", ".join(f"step_{number}" for number in range(len(tasks)))
    results, playbook = directory / "results.json", directory / "twice.json"
    copy = {"content": f"{{{{ [{found}] | to_json }}}}", "dest": str(results), "mode": "0600"}
    tasks.append({"name": "Keep what they returned", "ansible.builtin.copy": copy})
    play = {"name": "Twice", "hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    write_private(playbook, [{**play, "vars": {"ansible_python_interpreter": sys.executable}}])
    done = subprocess.run(
        [*PLAYBOOK, str(playbook)],
        cwd=ROOT,
        env=environment({"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}),
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    returned = json.loads(results.read_text())
    return list(zip(returned[: len(steps)], returned[len(steps) :], strict=True))


def unchanged(host: Installation, *arguments: str, **variables: Any) -> Outcome:
    """Run with ``--check``, and check that no file, row, object or mail has changed or is new."""
    before, files = host.observe(), contents(host)
    outcome = host.backup("--check", *arguments, **variables)
    assert contents(host) == files
    after = outcome._replace(status=before.status, output=before.output, mails=before.mails)
    assert after == before
    assert len(outcome.mails) == len(before.mails)
    return outcome


def contents(host: Installation) -> dict[str, tuple[float, str]]:
    """Return the modification time and the digest of every file of the work directory."""
    return {
        str(path): (path.lstat().st_mtime, hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in [host.work, *host.work.rglob("*")]
        if path.exists()
    }


def changed_tasks(outcome: Outcome) -> list[str]:
    """Return the names of the tasks that report a change."""
    found = []
    for part in outcome.output.split("\nTASK [vex.backup.backup : ")[1:]:
        name, _, said = part.partition("]")
        if "\nchanged: " in said:
            found.append(name)
    return found
