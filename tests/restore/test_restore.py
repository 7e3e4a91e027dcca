"""``vex-backup list`` and ``restore``, and the playbook: from a bucket alone to a server, and what may be between."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command import Command
from tests.integration.restoring import assert_equal
from tests.servers.mariadb import MariaDB

PASSWORD = "the key to all of it"


@pytest.fixture
def target(command: Command, fresh_mariadb: MariaDB) -> MariaDB:
    """An empty server that the configuration names as the one to restore to."""
    fresh_mariadb.create_account("restorer", "its password", "ALL ON *.*")
    command.host.variables.update(
        vex_backup_restore_login_unix_socket=fresh_mariadb.socket,
        vex_backup_restore_login_user="restorer",
        vex_backup_restore_login_password="its password",
        vex_backup_restore_dir=str(command.host.directory / "restore"),
    )
    return fresh_mariadb


def make_backup(command: Command, **changes: Any) -> str:
    """Back up, and lose the log database; the archive's key."""
    outcome = command.host.backup(**changes)
    assert outcome.status == 0, outcome.output
    command.host.variables.update(
        vex_backup_log_db_unix_socket="/nowhere", **{f"vex_backup_{name}": value for name, value in changes.items()}
    )
    return outcome.key


def test_the_list(command: Command, capfd: pytest.CaptureFixture[str]) -> None:
    key = make_backup(command)
    client, bucket = command.host.store.client(), command.host.store.bucket
    client.put_object(Bucket=bucket, Key=f"{key}.hold", Body=b"{}")
    assert command("list") == 0
    heading, line = capfd.readouterr().out.splitlines()
    assert heading.split() == ["NAME", "SERVER", "SIZE", "AGE", "PROVEN", "HELD"]
    assert line.split()[:2] == [Path(key).stem, command.host.hostname]
    assert line.split()[-2:] == ["no", "held"]
    client.put_object(Bucket=bucket, Key=f"{key}.proof.json", Body=b"{}")
    assert command("list", "--every-server", "--json") == 0
    (backup,) = [one for one in json.loads(capfd.readouterr().out) if one["hostname"] == command.host.hostname]
    assert backup["proven"] is not None
    client.delete_object(Bucket=bucket, Key=f"{key}.manifest.json")
    assert command("list") == 0
    assert "no backup: its upload did not end" in capfd.readouterr().out
    assert command("list", "--server", "another") == 0
    assert len(capfd.readouterr().out.splitlines()) == 1
    assert command("list", s3_bucket="missing") == 1
    assert "the bucket does not exist" in " ".join(capfd.readouterr().err.split())


def test_a_plan_first(command: Command, target: MariaDB, capfd: pytest.CaptureFixture[str]) -> None:
    key = make_backup(command)
    assert command("restore") == 0
    out, said = capfd.readouterr()
    assert said == ""
    assert f"Backup:      {Path(key).stem} of {command.host.hostname}" in out
    assert "not proven" in out
    assert f"From:        s3://{command.host.store.bucket}/{key}: " in out
    assert f"Into:        {target.socket} (MariaDB 10." in out
    assert out.endswith("Nothing was done. To go on, call it again with --yes.\n")
    assert [name for (name,) in target.execute("SHOW DATABASES") if name == "vendas"] == []


@pytest.mark.parametrize(
    "changes", [{}, {"archive_format": "7z", "archive_password": PASSWORD}, {"archive_password": PASSWORD}]
)
def test_the_whole_of_it(
    command: Command,
    target: MariaDB,
    mariadb: MariaDB,
    sample_databases: tuple[str, ...],
    changes: dict[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    make_backup(command, **changes)
    assert command("restore", "--latest", "--yes") == 0, capfd.readouterr()
    out = capfd.readouterr().out
    assert "as they were dumped" in out
    assert PASSWORD not in out
    assert_equal(mariadb, target, sample_databases)
    left = [path.name for path in (command.host.directory / "restore").iterdir()]
    assert left == ["restore.log"]
    # What is there now is in the way, and stays as it is.
    assert command("restore", "--yes") == 1
    out, said = capfd.readouterr()
    assert "In the way:" in out
    assert "choose another name (--as), or --overwrite it" in said
    assert command("restore", "--yes", "--overwrite") == 0
    assert "Drop first:" in capfd.readouterr().out
    assert_equal(mariadb, target, sample_databases)


def test_part_of_it(command: Command, target: MariaDB, mariadb: MariaDB, capfd: pytest.CaptureFixture[str]) -> None:
    make_backup(command)
    assert command("restore", "--database", "rh ação", "--as", "rh de antes", "--yes") == 0, capfd.readouterr()
    assert "rh ação as rh de antes: " in capfd.readouterr().out
    shown = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{}'"
    assert target.execute(shown.format("rh de antes")) == mariadb.execute(shown.format("rh ação"))
    assert command("restore", "--database", "vendas", "--table", "cliente", "--yes") == 0, capfd.readouterr()
    assert "vendas.cliente: 1 tables" in capfd.readouterr().out
    assert [name for (name,) in target.execute("SHOW TABLES FROM vendas")] == ["cliente"]
    assert command("restore", "--table", "cliente", "--yes") == 1
    assert "name the database" in capfd.readouterr().err


def test_to_another_server(
    command: Command,
    target: MariaDB,
    mariadb: MariaDB,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Into a fresh server, from a host that never was: name, address and account are all there is."""
    make_backup(command)
    original = command.host.hostname
    for name in [name for name in command.host.variables if name.startswith("vex_backup_restore_login")]:
        del command.host.variables[name]
    command.host.variables["vex_backup_hostname"] = "another"
    monkeypatch.setattr("sys.stdin", io.StringIO("its password\n"))
    to = f"127.0.0.1:{target.port}"
    arguments = ("--server", original, "--at", "2099-01-01", "--to", to, "--user", "restorer")
    assert command("restore", *arguments, "--database", "portal", "--yes") == 0, capfd.readouterr()
    out = capfd.readouterr().out
    assert f"Into:        {to} (MariaDB" in out
    assert_equal(mariadb, target, ["portal"])


def spoil(command: Command, key: str, change: Callable[[bytes], bytes]) -> None:
    """Put something else in an object's place."""
    client, bucket = command.host.store.client(), command.host.store.bucket
    content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    client.put_object(Bucket=bucket, Key=key, Body=change(content))


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("change", "message"),
    [(flipped, "it is damaged in the bucket"), (lambda content: content[:-100], "it was cut short or replaced")],
    ids=["a flipped byte", "truncated"],
)
def test_a_damaged_archive(
    command: Command,
    target: MariaDB,
    change: Callable[[bytes], bytes],
    message: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    spoil(command, make_backup(command), change)
    assert command("restore", "--yes") == 1
    assert message in " ".join(capfd.readouterr().err.split())
    assert ("vendas",) not in target.execute("SHOW DATABASES")


def test_a_wrong_password(command: Command, target: MariaDB, capfd: pytest.CaptureFixture[str]) -> None:
    make_backup(command, archive_password=PASSWORD)
    assert command("restore", "--yes", archive_password="not it") == 1
    assert "is encrypted with another password than the one given" in " ".join(capfd.readouterr().err.split())
    assert ("vendas",) not in target.execute("SHOW DATABASES")
