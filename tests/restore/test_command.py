"""Tests of ``vex-backup prune``, ``hold``, ``release`` and ``audit`` on a host with backups."""

from __future__ import annotations

import fcntl
import json
import subprocess
from typing import Any

import pytest

from tests.command import Command
from tests.playbook import PLAYBOOK, ROOT, away, environment, write_private
from tests.servers.mariadb import MariaDB


def names(command: Command) -> list[str]:
    """Return the names of the backups in the bucket, oldest first."""
    return sorted(key.rsplit("/", 1)[-1][:-4] for key in command.host.observe().keys if key.endswith(".zip"))


def said(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return capfd.readouterr().out.splitlines()


def test_hold_prune_and_release(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        assert command("run") == 0
    oldest, middle, newest = names(command)
    assert command("hold", oldest) == 0
    assert command("hold", oldest) == 0
    assert said(capfd) == [f"{oldest} is held", f"{oldest} is already held"]
    assert command("prune") == 0
    assert said(capfd)[0] == f"keep         {newest}  retention is off: no number of backups to keep is set"
    planned = [f"keep         {newest}  1 of the newest 1", f"keep         {oldest}  held"]
    assert command("prune", "--dry-run", keep_last=1) == 0
    assert said(capfd) == [planned[0], f"would remove {middle}  no rule keeps it", planned[1]]
    store = command.host.store
    login = {"s3_access_key": store.ro_access_key, "s3_secret_key": store.ro_secret_key}
    assert command("prune", keep_last=1, **login) == 1
    assert "grant them s3:DeleteObject there" in capfd.readouterr().err
    with open(command.places.lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert command("prune", keep_last=1) == 75
    assert names(command) == [oldest, middle, newest]
    capfd.readouterr()
    assert command("prune", keep_last=1) == 0
    assert said(capfd) == [planned[0], f"removed      {middle}  no rule keeps it", planned[1]]
    assert names(command) == [oldest, newest]
    assert [row["removido_em"] is not None for row in command.host.observe().uploads] == [False, True, False]
    assert command("release", oldest) == 0
    assert command("audit") == 0
    assert said(capfd) == [f"{oldest} is not held", "2 backups, 0 findings"]
    assert command("release", oldest) == 0
    assert command("prune", "--dry-run", keep_last=2) == 0
    lines = said(capfd)
    assert (lines[0], lines[-1]) == (f"{oldest} is not held", "There is nothing to remove.")
    assert command("hold", middle) == 1
    message = " ".join(capfd.readouterr().err.split())
    assert f"the bucket holds no backup of {command.host.hostname} called {middle}" in message


def test_audit_names_its_findings(command: Command, log_mariadb: MariaDB, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("run") == 0
    key = command.host.observe().key
    client, bucket = command.host.store.client(), command.host.store.bucket
    content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.put_object(Bucket=bucket, Key=key, Body=content[:-1] + bytes([content[-1] ^ 1]))
    assert command("audit") == 0
    assert said(capfd) == ["1 backup, 0 findings"]
    assert command("audit", "--deep", "--json") == 1
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    assert [(one["kind"], one["key"]) for one in found["findings"]] == [("checksum_differs", key)]
    client.delete_object(Bucket=bucket, Key=f"{key}.manifest.json")
    with away(log_mariadb):
        assert command("audit", log_db_host="", timeout=60) == 1
        lines = said(capfd)
    assert lines[0].startswith("log_database")
    assert f"archive_without_manifest {key}" in lines
    assert lines[-1] == "0 backups, 2 findings"
    client.delete_object(Bucket=bucket, Key=key)
    assert command("audit") == 1
    assert said(capfd)[0] == f"row_without_object {key}"


def test_audit_playbook(command: Command) -> None:
    """The control node audits every server of the inventory."""
    assert command("run") == 0
    inventory = command.host.directory / "inventory.json"
    write_private(inventory, {"all": {"hosts": {command.host.hostname: command.host.variables}}})
    play = [*PLAYBOOK, "playbooks/audit.yml", "--inventory", str(inventory)]

    def audit() -> subprocess.CompletedProcess[str]:
        return subprocess.run(play, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)

    good = audit()
    assert good.returncode == 0, good.stdout
    assert f"{command.host.hostname}: 1 backup, 0 findings" in good.stdout
    key = command.host.observe().key
    command.host.store.client().delete_object(Bucket=command.host.store.bucket, Key=key)
    bad = audit()
    assert bad.returncode == 2
    assert "row_without_object" in bad.stdout
    assert "search the bucket for its versions" in bad.stdout
