"""playbooks/restore.yml and verify.yml on MySQL 9.7: restore from the bucket to another host, and a proof there."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fleet import mysql_databases
from tests.fleet.breaking import kill_stage, reach_loading
from tests.fleet.fleet import UNREACHABLE, Control, Member, Run, backup
from tests.fleet.hosts import Host
from tests.integration import hard_databases, odd_databases
from tests.integration.restoring import assert_equal
from tests.playbook import Outcome, Row, text_of

PASSWORD = "the key to all of it"
# Servers with rows of this size have this setting.
LARGE_ROWS = "SET GLOBAL max_allowed_packet = 1024 * 1024 * 1024"


class Backups(NamedTuple):
    """Two backups of ``mysql-1``, by their names: of all ``databases``, and an encrypted one of ``some`` of them."""

    server: Member
    databases: tuple[str, ...]
    some: tuple[str, ...]
    whole: str
    encrypted: str


@pytest.fixture(scope="module")
def backups(hosts: dict[str, Host], control: Control) -> Iterator[Backups]:
    """Back up databases with every feature of MySQL on ``mysql-1``."""
    host = hosts["mysql-1"]
    server = Member(host, control)
    server.create_account()
    try:
        host.execute(LARGE_ROWS)
        hard = hard_databases.fill(host)
        own = mysql_databases.fill(host)
        databases = (*odd_databases.fill(host, own_tables=()), *own, *hard)
        some = ("hard", *own, hard_databases.HARD)
        with tempfile.TemporaryDirectory(prefix="vex-") as folder:
            outcome = backup([server], Path(folder))["mysql-1"]
            assert outcome.status == 0, outcome.output
            whole = name_of(outcome)
            encrypting = {"archive_format": "7z", "archive_password": PASSWORD, "databases": list(some)}
            outcome = backup([server], Path(folder), **encrypting)["mysql-1"]
            assert outcome.status == 0, outcome.output
        yield Backups(server, databases, some, whole, name_of(outcome))
    finally:
        host.execute("SET GLOBAL max_allowed_packet = DEFAULT")
        for made in (odd_databases, mysql_databases, hard_databases):
            made.drop(host)


def name_of(outcome: Outcome) -> str:
    """Return the name of the newest backup."""
    return str(outcome.backups[-1]["nome_arquivo"]).partition(".")[0]


@pytest.fixture
def spare(join: Callable[[str], Member], hosts: dict[str, Host]) -> Iterator[Member]:
    """Prepare ``mysql-2``, an empty server, and empty it afterwards."""
    host = hosts["mysql-2"]
    host.execute(LARGE_ROWS)
    yield join("mysql-2")
    names = [str(row[0]) for row in host.execute("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")]
    own = [name for name in names if name not in {"mysql", "sys", "information_schema", "performance_schema"}]
    drop = [f"DROP DATABASE {odd_databases.quoted(name)}" for name in own]
    host.execute("SET GLOBAL max_allowed_packet = DEFAULT", "SET FOREIGN_KEY_CHECKS = 0", *drop)


def restore(spare: Member, backups: Backups, directory: Path, **variables: Any) -> str:
    """Restore into *spare*'s server over SSH; return Ansible's output.

    :param variables: variables without ``vex_backup_``
    """
    given = {"restore_server": backups.server.hostname, "restore_yes": True, "restore_poll_seconds": 1}
    outcome = Run([spare], directory, playbook="restore", **{**given, **variables}).wait()["mysql-2"]
    assert outcome.status == 0, outcome.output
    assert "as they were dumped" in " ".join(outcome.output.split())
    return outcome.output


def records(control: Control, backups: Backups) -> list[Row]:
    """Return the records of restores of these backups."""
    query = "SELECT * FROM restauracao_log WHERE servidor = %s ORDER BY id"
    return control.log_database.rows(query, backups.server.hostname)


def test_all_of_it_without_the_log_database(
    backups: Backups, spare: Member, hosts: dict[str, Host], control: Control, inventory_directory: Path
) -> None:
    """Everything is restored from the bucket; the record is spooled on the host."""
    spare.variables["vex_backup_log_db_port"] = 1
    before = len(records(control, backups))
    said = restore(spare, backups, inventory_directory, restore_name=backups.whole)
    assert_equal(hosts["mysql-1"], spare.host, backups.databases)
    shown = f"SHOW CREATE DATABASE {hard_databases.EMPTY}"
    assert spare.host.execute(shown) == hosts["mysql-1"].execute(shown)
    assert "the record is kept in" in " ".join(said.split())
    assert len(records(control, backups)) == before
    kept = spare.host.shell(f"cat {spare.work}/spool/records/*.json")
    assert (json.loads(kept.stdout)["restore"]["status"], "hard_cases" in said) == (2, True)


def test_parts_of_an_encrypted_one(
    backups: Backups, spare: Member, hosts: dict[str, Host], control: Control, inventory_directory: Path
) -> None:
    """The newest backup is restored."""
    encrypted = {"archive_password": PASSWORD}
    name = mysql_databases.PLAIN_NAME
    wanted = {"restore_database": name, "restore_as": "another ção"}
    restore(spare, backups, inventory_directory, **encrypted, **wanted)
    restore(spare, backups, inventory_directory, **encrypted, restore_database="hard", restore_table="parent")
    original, restored = hosts["mysql-1"], spare.host
    for table in ("indexed_json", "computed", "collated", "meaning", "compressed_page"):
        checksum = "CHECKSUM TABLE `{}`.`{}`"
        ((_, expected),) = original.execute(checksum.format(name, table))
        assert [value for _, value in restored.execute(checksum.format("another ção", table))] == [expected]
    assert restored.execute("SELECT * FROM `another ção`.recursive_view") == original.execute(
        f"SELECT * FROM `{name}`.recursive_view"
    )
    assert restored.execute("SHOW TABLES FROM hard") == (("parent",),)
    assert restored.execute("SELECT * FROM hard.parent") == original.execute("SELECT * FROM hard.parent")
    as_another, of_a_table = [row for row in records(control, backups) if row["hostname"] == spare.hostname]
    assert {as_another["tipo"], of_a_table["tipo"]} == {"restauracao"}
    assert (as_another["status"], as_another["tabelas"]) == (2, 5), as_another["observacao"]
    assert f"{name} as another ção into the server on " in as_another["observacao"]
    found = (of_a_table["status"], of_a_table["tabelas"], of_a_table["linhas"])
    assert found == (1, 1, 1), of_a_table["observacao"]


def test_one_that_dies_is_over(backups: Backups, spare: Member, control: Control, inventory_directory: Path) -> None:
    """A killed restore leaves no result, as after a restart of the host."""
    wanted = {"restore_server": backups.server.hostname, "restore_name": backups.whole, "restore_yes": True}
    run = Run([spare], inventory_directory, playbook="restore", restore_poll_seconds=1, **wanted)
    reach_loading(spare.host, run)
    stages = f"ls {spare.work}/restore/stages.*"
    assert spare.host.shell(stages).returncode == 0
    kill_stage(spare.host)
    outcome = run.wait()["mysql-2"]
    says = "Wait for the load and the comparison: this step ended without a result: the host was restarted"
    assert outcome.status not in {0, UNREACHABLE}, outcome.output
    assert says in " ".join(outcome.output.split())
    newest = records(control, backups)[-1]
    assert (newest["hostname"], newest["status"]) == (spare.hostname, 3)
    assert says in newest["observacao"]
    assert spare.host.shell(stages).returncode != 0


def test_it_is_proven_on_a_host_with_a_mysql(
    backups: Backups, spare: Member, control: Control, inventory_directory: Path
) -> None:
    """The scratch server runs beside the host's server, which is not changed."""
    variables = {
        "verify_servers": [backups.server.hostname],
        "verify_poll_seconds": 1,
        "verify_hostname": spare.hostname,
        "archive_password": PASSWORD,
    }
    mails = len(control.sink.messages)
    hosts = ("--extra-vars", "vex_backup_verify_hosts=all")
    outcome = Run([spare], inventory_directory, *hosts, playbook="verify", **variables).wait()["mysql-2"]
    assert outcome.status == 0, outcome.output
    (row,) = [one for one in records(control, backups) if one["tipo"] == "verificacao"]
    assert (row["hostname"], row["status"]) == (spare.hostname, 1), row["observacao"]
    keys = backups.server.observe().keys
    (proof,) = [key for key in keys if key.endswith(".proof.json")]
    assert backups.encrypted in proof
    body = control.store.client().get_object(Bucket=control.store.bucket, Key=proof)["Body"].read()
    assert json.loads(body)["server_version"].startswith("9.7.")
    assert "comprovado" in text_of(control.sink.messages[mails])
    assert spare.host.shell("ls /var/tmp/vex-backup-verify").returncode != 0
    found = {name for (name,) in spare.host.execute("SHOW DATABASES")}
    assert not found & set(backups.databases)
