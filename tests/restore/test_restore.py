"""Tests of ``vex-backup list`` and ``restore``, and of playbooks/restore.yml."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import Command
from tests.integration.restoring import assert_equal
from tests.playbook import Row, run_playbook, write_private
from tests.restore.damaging import Original, rewrite
from tests.servers.mariadb import MariaDB
from tests.servers.moto import Moto

PASSWORD = "the key to all of it"


@pytest.fixture
def target(command: Command, fresh_mariadb: MariaDB) -> MariaDB:
    """Return an empty server that the configuration restores into."""
    fresh_mariadb.create_account("restorer", "its password", "ALL ON *.*")
    command.host.variables.update(
        vex_backup_restore_login_unix_socket=fresh_mariadb.socket,
        vex_backup_restore_login_user="restorer",
        vex_backup_restore_login_password="its password",
        vex_backup_restore_dir=str(command.host.directory / "restore"),
    )
    return fresh_mariadb


def make_backup(command: Command, **changes: Any) -> str:
    """Back up, then take the log database away; return the key of the archive."""
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
    assert (backup["proven"], backup["proof"] is not None) == (None, True)
    assert command("list") == 0
    _heading, line, empty, reason = capfd.readouterr().out.splitlines()
    assert "no, see below" in line
    assert (empty, reason) == ("", f"{Path(key).stem} is not proven: {backup['proof_fault']}")
    client.delete_object(Bucket=bucket, Key=f"{key}.manifest.json")
    assert command("list") == 0
    assert "not a backup: its upload did not end" in capfd.readouterr().out
    where = f"s3://{bucket}"
    assert command("list", "--server", f"{command.host.hostname}.example.com") == 1
    advice = f"vex-backup: {where} holds no backup of {command.host.hostname}.example.com: did you mean "
    out, said = capfd.readouterr()
    assert (out, said.startswith(advice), command.host.hostname in said[len(advice) :]) == ("", True, True)
    assert command("list", hostname="a-new-host") == 0
    assert capfd.readouterr().out.startswith(f"{where} holds no backup of a-new-host: ")
    assert command("list", s3_bucket="missing") == 1
    assert "the bucket does not exist" in " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize(
    ("former", "value", "new"),
    [
        ("target", "copy", "as"),
        ("go_on", True, "yes"),
        ("keep", True, "discard"),
    ],
)
def test_a_variable_of_an_earlier_release_is_refused(
    command: Command, capfd: pytest.CaptureFixture[str], former: str, value: object, new: str
) -> None:
    name = f"vex_backup_restore_{former}"
    command.host.variables[name] = value
    assert command("restore", "--yes") == 1
    message = " ".join("".join(capfd.readouterr()).split())
    assert f"{name} is unknown: this release has vex_backup_restore_{new}" in message
    assert not (command.host.directory / "restore").exists()


def test_a_plan_first(command: Command, target: MariaDB, capfd: pytest.CaptureFixture[str]) -> None:
    key = make_backup(command)
    assert command("restore") == 0
    out, said = capfd.readouterr()
    assert said == ""
    assert f"Backup:      {Path(key).stem} of {command.host.hostname}" in out
    assert "not proven" in out
    assert f"From:        s3://{command.host.store.bucket}/{key}: " in out
    assert f"Into:        {target.socket} (MariaDB 10." in out
    assert out.endswith("Nothing was done. To restore, run the command again with --yes.\n")
    assert [name for (name,) in target.execute("SHOW DATABASES") if name == "vendas"] == []


@pytest.mark.parametrize(
    "changes", [{}, {"archive_format": "7z", "archive_password": PASSWORD}, {"archive_password": PASSWORD}]
)
def test_a_whole_backup(
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
    # The restored objects are not overwritten.
    assert command("restore", "--yes") == 1
    out, said = capfd.readouterr()
    assert "In the way:" in out
    assert "choose another name (--as), or use --overwrite" in said
    assert command("restore", "--yes", "--overwrite") == 0
    assert "Drop first:" in capfd.readouterr().out
    assert_equal(mariadb, target, sample_databases)


def test_a_backup_in_cold_storage(
    command: Command, target: MariaDB, moto: Moto, capfd: pytest.CaptureFixture[str]
) -> None:
    moto.make_bucket("cold")
    store = {"s3_endpoint_url": moto.endpoint, "s3_bucket": "cold", "s3_server_side_encryption": "aws:kms:dsse"}
    assert command("run", s3_storage_class="GLACIER", **store) == 0, capfd.readouterr()
    assert command("restore", "--yes", **store) == 1
    plan, error = capfd.readouterr()
    thaw = "--thaw (vex_backup_restore_thaw) waits, for hours, until it can be read"
    assert f"Note:        it is in cold storage (GLACIER): {thaw}" in plan.splitlines()
    message = " ".join(error.split())
    assert ".zip is in cold storage (GLACIER): a restore with --thaw (vex_backup_restore_thaw) asks" in message
    assert command("restore", "--yes", "--thaw", **store) == 0, capfd.readouterr()
    assert "as they were dumped" in capfd.readouterr().out
    assert "asked the store to thaw s3://cold/" in (command.host.directory / "restore/restore.log").read_text()
    assert target.execute("SHOW DATABASES LIKE 'vendas'") == (("vendas",),)


def test_accounts(command: Command, target: MariaDB, mariadb: MariaDB, capfd: pytest.CaptureFixture[str]) -> None:
    target.execute("GRANT ALL ON *.* TO restorer@localhost WITH GRANT OPTION")
    mariadb.execute(
        "CREATE USER of_test@localhost IDENTIFIED BY 'a secret'", "GRANT RELOAD ON *.* TO of_test@localhost"
    )
    try:
        make_backup(command, accounts=True)
    finally:
        mariadb.execute("DROP USER of_test@localhost")
    assert command("restore") == 0
    out = capfd.readouterr().out
    assert re.search(r"Note: +\d+ accounts are in the backup, and restored only with --accounts ", out)
    assert command("restore", "--accounts") == 0
    out = capfd.readouterr().out
    assert re.search(r"Accounts: +\d+ to create\nUnchanged: +`root`@`localhost`, which exists\n", out)
    assert target.execute("SELECT 1 FROM mysql.user WHERE User = 'of_test'") == ()
    assert command("restore", "--accounts", "--yes") == 0, capfd.readouterr()
    target.connect("of_test", "a secret").close()
    assert target.execute("SHOW GRANTS FOR of_test@localhost")[0][0].startswith("GRANT RELOAD ON *.* TO `of_test`")


def test_one_database_and_one_table(
    command: Command, target: MariaDB, mariadb: MariaDB, capfd: pytest.CaptureFixture[str]
) -> None:
    make_backup(command)
    assert command("restore", "--database", "rh ação", "--as", "rh de antes", "--yes") == 0, capfd.readouterr()
    assert "rh ação as rh de antes: " in capfd.readouterr().out
    shown = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = '{}'"
    assert target.execute(shown.format("rh de antes")) == mariadb.execute(shown.format("rh ação"))
    assert command("restore", "--database", "vendas", "--table", "cliente", "--yes") == 0, capfd.readouterr()
    assert "vendas.cliente: 1 table, " in capfd.readouterr().out
    assert [name for (name,) in target.execute("SHOW TABLES FROM vendas")] == ["cliente"]
    # Only the message of the task that failed is printed.
    assert command("restore", "--database", "vendas", "--table", "nada") == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("vex-backup: the restore cannot be planned: vendas.nada is not in the backup: choose")


def test_a_login_without_a_password(
    command: Command, target: MariaDB, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    make_backup(command)
    hint = "give an account with a password, with --user (vex_backup_restore_login_user)"
    for password, is_hint in (("", True), ("not it", False)):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        assert command("restore", "--user", "restorer") == 1
        message = capfd.readouterr().err
        assert f"the server at {target.socket} refused the login of restorer: check" in message
        assert (hint in message) == is_hint
        assert ("is for the operating system's user of that name" in message) == is_hint


def test_to_another_server(
    command: Command,
    target: MariaDB,
    mariadb: MariaDB,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The host has never been backed up: name, address and account are all that is known."""
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


def test_check_mode(command: Command, target: MariaDB) -> None:
    """Every task reports what it would do, and no restore is reported."""
    make_backup(command)
    inventory, directory = command.host.directory / "restore.json", command.host.directory / "restore"
    write_private(inventory, {"all": {"hosts": {command.host.hostname: command.host.variables}}})
    given = f"vex_backup_restore_yes=true ansible_connection=local ansible_python_interpreter={sys.executable}"
    done = run_playbook("playbooks/restore.yml", "--inventory", str(inventory), "--check", "--extra-vars", given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Load the backup, and compare" in done.stdout
    assert "as they were dumped" not in done.stdout
    assert "Nothing was done" not in done.stdout
    assert ("portal",) not in target.execute("SHOW DATABASES")
    assert [path.name for path in directory.glob("*/*") if not path.name.endswith(".manifest.json")] == []


def test_the_playbook_shows_the_plan_and_the_warnings(command: Command, target: MariaDB) -> None:
    """The playbook says the same as the command: an event of the copy uses the original database."""
    make_backup(command)
    inventory = command.host.directory / "restore.json"
    write_private(inventory, {"all": {"hosts": {command.host.hostname: command.host.variables}}})
    given = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    given += " vex_backup_restore_database=portal vex_backup_restore_as=another"

    def play(more: str = "") -> list[str]:
        arguments = ("--inventory", str(inventory), "--extra-vars", f"{given} {more}")
        done = run_playbook("playbooks/restore.yml", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return [line.strip() for line in done.stdout.splitlines()]

    planned = play()
    (restore,) = [line for line in planned if line.startswith("Restore:")]
    assert re.fullmatch(r"Restore: +portal as another: 3 tables, [1-9]\d* rows, .*1 program.*", restore)
    assert f"Into:        {target.socket} (MariaDB" in "\n".join(planned)
    hint = "Nothing was done. To restore, run the playbook again with -e vex_backup_restore_yes=true."
    assert planned.count(hint) == 1
    assert ("another",) not in target.execute("SHOW DATABASES")
    restored = "\n".join(play("vex_backup_restore_yes=true"))
    assert "\nwarning: another: the text of " in restored
    assert "event limpa_acessos names the database portal, so it uses that" in restored
    assert re.search(r": 3 tables, \d+ rows, as they were dumped, with the warnings above\.\n", restored)
    assert "Nothing was done" not in restored


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def lacks_a_row(root: Path, _manifest: dict[str, Any]) -> None:
    (path,) = (root / "dump/portal/tables").glob("portal.mensagem*")
    rewrite(path, lambda text: text.replace(b"(1,", b"-- (1,", 1))


def lacks_a_table(root: Path, _manifest: dict[str, Any]) -> None:
    for path in (root / "dump/portal/tables").glob("portal.mensagem*"):
        path.unlink()


def test_every_damage_is_found(
    command: Command, target: MariaDB, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each damage has its own message. If it is found before loading, the server does not change."""
    original = Original(command.host, make_backup(command), tmp_path)
    content, manifest = original.content, original.manifest
    for server, damaged, beside in (
        ("flipped", flipped(content), manifest),
        ("truncated", content[:-100], manifest),
        ("no-manifest", content, None),
    ):
        original.put(f"{original.hostname}-{server}", damaged, beside)
    original.put_changed(f"{original.hostname}-locked", lambda _root, _manifest: None, password=PASSWORD)
    original.put_changed(f"{original.hostname}-lacks-a-table", lacks_a_table)
    original.put_changed(f"{original.hostname}-lacks-a-row", lacks_a_row)
    capfd.readouterr()

    def message(server: str, *arguments: str) -> str:
        options = ("--server", f"{original.hostname}-{server}", "--database", "portal", "--yes", *arguments)
        assert command("restore", *options, archive_password="not it") == 1
        out, said = capfd.readouterr()
        assert "as they were dumped" not in out
        # The next damaged backup has the same name.
        shutil.rmtree(command.host.directory / "restore", ignore_errors=True)
        return " ".join(said.split())

    assert "it is damaged in the bucket" in message("flipped")
    assert "it was truncated or replaced" in message("truncated")
    assert "so its upload did not end and it is not a backup" in message("no-manifest")
    assert "is encrypted with another password: give the one" in message("locked")
    assert "is missing from the backup: unpack it again" in message("lacks-a-table")
    assert ("portal",) not in target.execute("SHOW DATABASES")
    (rows,) = [table["rows"] for one in manifest["databases"] for table in one["tables"] if table["name"] == "mensagem"]
    assert f"table portal.mensagem has {rows - 1} rows, {rows} were dumped" in message("lacks-a-row", "--overwrite")


def test_a_restore_is_recorded(
    command: Command, target: MariaDB, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The row is written later if the log database is away. Abandoned restores of the host are closed."""
    outcome = command.host.backup()
    assert outcome.status == 0, outcome.output
    hostname, log_database = command.host.hostname, command.host.log_database
    log_database.server.execute(
        f"INSERT INTO {log_database.name}.restauracao_log (run_uuid, hostname, servidor, tipo, data_inicio)"
        f" VALUES (UUID(), '{hostname}', '{hostname}', 'restauracao', '2026-01-01 03:00:00')"
    )

    def rows() -> list[Row]:
        query = "SELECT * FROM restauracao_log WHERE servidor = %s ORDER BY data_inicio, id"
        return log_database.rows(query, hostname)

    wanted = ("restore", "--database", "portal", "--yes")
    assert command(*wanted, "--as", "another", log_db_unix_socket="/nowhere") == 0, capfd.readouterr()
    out = capfd.readouterr().out
    assert "as they were dumped" in out
    assert "warning: not in the log database: " in out
    assert f"the record is kept in {command.host.spool}" in out
    assert [row["status"] for row in rows()] == [0]
    # Without --overwrite there is only a plan, which has no record.
    target.execute("CREATE DATABASE portal", "CREATE TABLE portal.vazia (id INT)")
    assert command(*wanted) == 1
    assert len(rows()) == 1
    original = Original(command.host, outcome.key, tmp_path)
    original.put(hostname, flipped(original.content), original.manifest)
    assert command(*wanted, "--overwrite") == 1
    dead, away, failed = rows()
    assert (dead["status"], "closed by the next one" in dead["observacao"]) == (3, True)
    (portal,) = [one for one in original.manifest["databases"] if one["name"] == "portal"]
    assert (away["tipo"], away["status"], away["hostname"], away["servidor"]) == ("restauracao", 2, hostname, hostname)
    assert (away["backup_id"], away["tabelas"]) == (outcome.backup["id"], 3)
    assert away["linhas"] == sum(table["rows"] for table in portal["tables"])
    assert json.loads(away["comparado"])["definitions"] > 0
    what, warning = away["observacao"].splitlines()
    assert what == f"[INFO] portal as another into {target.socket}"
    assert warning.startswith("[WARNING] another: the text of ")
    assert "event limpa_acessos names the database portal" in warning
    assert away["data_inicio"] <= away["restaurado_em"] <= away["data_encerramento"]
    assert (failed["status"], failed["linhas"], failed["comparado"], failed["restaurado_em"]) == (3, None, None, None)
    assert "\n[ERROR] Download the backup: " in failed["observacao"]
    assert failed["data_encerramento"]
