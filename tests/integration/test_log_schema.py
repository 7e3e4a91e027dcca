"""``backup_log_schema``, its role and its playbook on a real server."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymysql
import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable, MigrationError
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import REQUIRED_VERSION
from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import (
    read_migrations,
    split_statements,
)
from tests.integration.certificates import Certificates
from tests.integration.log_db import MIGRATIONS, ROLE, ROOT, LogDatabase, migrate, run_module
from tests.servers.mariadb import MariaDB

TITLES = [step.title for step in read_migrations(str(MIGRATIONS))]
TABLES = {
    "auditoria",
    "backup_log",
    "privilegio",
    "restauracao_log",
    "servidor",
    "sessao",
    "tentativa_login",
    "token_api",
    "upload_s3_log",
    "usuario",
    "usuario_privilegio",
    "versao_esquema",
}


@pytest.fixture
def database(log_mariadb: MariaDB) -> Iterator[LogDatabase]:
    """Return a log database that does not exist yet."""
    database = LogDatabase(log_mariadb)
    yield database
    database.drop()


def apply(database: LogDatabase, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """Call the module in this process."""
    return migrate({**database.login, **options}, check_mode=check_mode)


def tables(database: LogDatabase) -> set[str]:
    return {row[0] for row in database.rows("SHOW TABLES")}


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """Return a copy of the migrations that a test may change."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def test_all_steps_are_applied_once(database: LogDatabase) -> None:
    first = apply(database)
    assert (first["changed"], first["created"]) == (True, True)
    assert first["applied"] == TITLES
    assert first["version"] == len(TITLES) >= REQUIRED_VERSION
    assert tables(database) == TABLES
    assert database.rows("SELECT numero, nome FROM versao_esquema ORDER BY numero") == list(enumerate(TITLES, start=1))
    assert database.rows("SELECT nome FROM privilegio ORDER BY nome") == [("Administrador",), ("Cliente",)]
    second = apply(database)
    assert not second["changed"]
    assert (second["applied"], second["pending"], second["version"]) == ([], [], len(TITLES))
    assert second["diff"]["before"] == second["diff"]["after"]


def test_tables_match_the_data_dictionary(database: LogDatabase) -> None:
    apply(database)
    schema = f"table_schema = '{database.name}'"

    def found(view: str, condition: str) -> set[str]:
        query = f"SELECT table_name FROM information_schema.{view} WHERE {schema} AND {condition}"
        return {row[0] for row in database.rows(query)}

    assert found("tables", "engine = 'InnoDB' AND table_collation LIKE 'utf8mb4%'") == TABLES
    assert found("statistics", "column_name = 'data_criacao'") == TABLES
    assert found("columns", "column_name = 'id' AND column_type LIKE 'bigint%unsigned'") == TABLES


def test_check_mode_lists_what_is_pending_and_changes_nothing(database: LogDatabase) -> None:
    foreseen = apply(database, check_mode=True)
    assert (foreseen["changed"], foreseen["created"]) == (True, True)
    assert (foreseen["applied"], foreseen["pending"], foreseen["version"]) == ([], TITLES, 0)
    assert foreseen["diff"] == {"before": "", "after": "".join(f"{title}\n" for title in TITLES)}
    assert not database.server.execute(f"SHOW DATABASES LIKE '{database.name}'")
    database.server.execute(f"CREATE DATABASE {database.name}")
    assert apply(database, check_mode=True)["pending"] == TITLES
    assert tables(database) == set()


def test_a_missing_database_is_created_only_on_request(database: LogDatabase) -> None:
    with pytest.raises(MigrationError, match=f"no database {database.name}.*create_database"):
        apply(database, create_database=False)


def test_every_step_can_be_undone_and_done_again(database: LogDatabase) -> None:
    apply(database)
    for title in reversed(TITLES):
        text = (MIGRATIONS / f"{title}.sql").read_text(encoding="utf-8")
        undo = re.findall(r"^-- undo: (.+)$", text, re.MULTILINE)
        for statement in undo:
            database.rows(statement)
        if title != TITLES[0]:
            database.rows(f"DELETE FROM versao_esquema WHERE nome = '{title}'")
    assert tables(database) == set()
    assert apply(database)["applied"] == TITLES


@pytest.mark.parametrize("check_mode", [True, False])
def test_tables_of_another_program_are_refused_by_name(database: LogDatabase, check_mode: bool) -> None:
    database.server.execute(
        f"CREATE DATABASE {database.name}",
        f"CREATE TABLE {database.name}.usuario (id int)",
        f"CREATE TABLE {database.name}.backup_log (id int)",
        f"CREATE TABLE {database.name}.orders (id int)",
    )
    with pytest.raises(MigrationError, match=r"has backup_log, usuario: they are another program's.*another name"):
        apply(database, check_mode=check_mode)
    assert tables(database) == {"backup_log", "orders", "usuario"}
    database.rows("DROP TABLE usuario, backup_log")
    assert apply(database, check_mode=check_mode)["changed"]


@pytest.mark.parametrize("number", [1, 2, 6, *range(27, len(TITLES) + 1)])
def test_a_crash_between_a_table_and_its_version_can_be_rerun(database: LogDatabase, number: int) -> None:
    apply(database)
    for title in reversed(TITLES[number:]):
        (undo,) = re.findall(r"^-- undo: (.+)$", (MIGRATIONS / f"{title}.sql").read_text("utf-8"), re.MULTILINE)
        database.rows(undo)
    database.server.execute(f"DELETE FROM {database.name}.versao_esquema WHERE numero >= {number}")
    assert apply(database)["applied"] == TITLES[number - 1 :]
    assert tables(database) == TABLES


def test_a_new_step_is_applied_alone(database: LogDatabase, steps: Path) -> None:
    apply(database)
    (steps / f"{len(TITLES) + 1:04d}_more.sql").write_text("ALTER TABLE servidor ADD COLUMN mais int NULL;\n")
    assert apply(database, migrations=str(steps))["applied"] == [f"{len(TITLES) + 1:04d}_more"]
    with pytest.raises(MigrationError, match=r"_more, which this release does not know"):
        apply(database)


def test_an_edited_step_is_refused_by_name_and_nothing_is_applied(database: LogDatabase, steps: Path) -> None:
    apply(database)
    with (steps / f"{TITLES[2]}.sql").open("a") as file:
        file.write("-- a word\n")
    (steps / f"{len(TITLES) + 1:04d}_more.sql").write_text("CREATE TABLE more (id int);\n")
    for check_mode in (True, False):
        with pytest.raises(MigrationError, match=f"{TITLES[2]} was edited"):
            apply(database, migrations=str(steps), check_mode=check_mode)
    assert tables(database) == TABLES


def test_a_gap_is_refused_before_the_connection(database: LogDatabase, steps: Path) -> None:
    (steps / f"{TITLES[4]}.sql").unlink()
    with pytest.raises(MigrationError, match=f"{TITLES[5]}.sql comes where number 0005 should"):
        apply(database, migrations=str(steps))
    assert not database.server.execute(f"SHOW DATABASES LIKE '{database.name}'")


def test_a_step_that_fails_is_named_and_those_before_it_stay(database: LogDatabase, steps: Path) -> None:
    bad = steps / f"{TITLES[-1]}.sql"
    good = bad.read_bytes()
    bad.write_text("CREATE TABEL x (id int);\n")
    with pytest.raises(MigrationError, match=f"{TITLES[-1]} failed: .*syntax") as failure:
        apply(database, migrations=str(steps))
    assert failure.value.details["applied"] == TITLES[:-1]
    bad.write_bytes(good)
    assert apply(database)["applied"] == TITLES[-1:]


def test_only_one_process_at_a_time_changes_the_schema(database: LogDatabase) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _number: apply(database), range(4)))
    assert sorted(len(result["applied"]) for result in results) == [0, 0, 0, len(TITLES)]
    assert sum(result["changed"] for result in results) == 1


def test_the_wait_for_another_process_is_limited(database: LogDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "ansible_collections.vex.backup.plugins.module_utils._log_db.migrations"
    monkeypatch.setattr(f"{module}.LOCK_SECONDS", 1)
    with contextlib.closing(database.server.connect()) as other, other.cursor() as cursor:
        digest = hashlib.sha256(database.name.encode()).hexdigest()[:32]
        cursor.execute("SELECT GET_LOCK(%s, 0)", (f"vex_backup_schema_{digest}",))
        with pytest.raises(MigrationError, match="another run has been changing the schema"):
            apply(database)


def test_a_server_that_refuses_is_named(database: LogDatabase) -> None:
    with pytest.raises(LogDatabaseUnavailable, match="refused the login of nobody: check login_user"):
        apply(database, login_user="nobody", login_password="canary")


def test_an_account_without_access_to_the_version_gets_an_error(database: LogDatabase) -> None:
    apply(database)
    database.server.create_account("blind", "pw", f"SELECT ON {database.name}.servidor")
    with pytest.raises(LogDatabaseUnavailable, match=r"denied.*versao_esquema"):
        apply(database, login_user="blind", login_password="pw")


def test_the_grants_are_enough_and_no_more(database: LogDatabase) -> None:
    server = database.server
    for role in ("migrator", "writer", "web"):
        server.execute(f"CREATE OR REPLACE USER 'vex_backup_{role}'@'%' IDENTIFIED BY 'pw'")
    try:
        _grant(database, "migrator")
        applied = apply(database, login_user="vex_backup_migrator", login_password="pw")
        assert applied["applied"] == TITLES
        _grant(database, "writer")
        _grant(database, "web")
        assert _tables_by_privilege(database, "writer") == {
            "SELECT": {"versao_esquema", "servidor", "backup_log", "upload_s3_log", "restauracao_log"},
            "INSERT": {"servidor", "backup_log", "upload_s3_log", "restauracao_log"},
            "UPDATE": {"servidor", "backup_log", "upload_s3_log", "restauracao_log"},
        }
        people = {"usuario", "usuario_privilegio", "sessao", "tentativa_login", "token_api"}
        assert _tables_by_privilege(database, "web") == {
            "SELECT": TABLES,
            "INSERT": {*people, "auditoria"},
            "UPDATE": people,
            "DELETE": people,
        }
        options = {**database.login, "login_user": "vex_backup_writer", "login_password": "pw"}
        recorded = run_module(
            "backup_log_record", {**options, "hostname": "h", "spool_dir": "/nonexistent/x"}, check=True
        )
        assert recorded["changed"]
        assert "message" not in recorded
    finally:
        for role in ("migrator", "writer", "web"):
            server.execute(f"DROP USER 'vex_backup_{role}'@'%'")


def test_the_guide_makes_accounts_that_need_tls(tmp_path: Path, server_directory: Path) -> None:
    certificates = Certificates(tmp_path / "certificates")
    guide = (ROOT / "docs/how-to/log-database.md").read_text(encoding="utf-8")
    (accounts,) = re.findall(r"```sql\n(.+?)```", guide, re.DOTALL)
    options = [f"--ssl-cert={certificates.certificate}", f"--ssl-key={certificates.key}"]
    with MariaDB(server_directory / "guide", options=options) as server:

        def administer(script: str) -> None:
            command = ["mariadb", "--no-defaults", f"--socket={server.socket}", "--user=root"]
            subprocess.run(command, input=script, check=True, text=True, capture_output=True)

        login: dict[str, Any] = {"login_host": "127.0.0.1", "login_port": server.port, "connect_timeout": 5}
        login.update(login_database="vex_backup", ca_cert=str(certificates.authority))
        migrator = {**login, "login_user": "vex_backup_migrator", "login_password": "CHANGE-ME-1"}
        migrator.update(migrations=str(MIGRATIONS), create_database=True)
        writer = {**login, "login_user": "vex_backup_writer", "login_password": "CHANGE-ME-2"}
        administer(accounts)
        administer((ROLE / "files/grants/migrator.sql").read_text(encoding="utf-8"))
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            pymysql.connect(
                host="127.0.0.1",
                port=server.port,
                user=migrator["login_user"],
                password=migrator["login_password"],
                ssl_disabled=True,
            )
        assert migrate(migrator)["applied"] == TITLES
        for role in ("writer", "web"):
            administer((ROLE / f"files/grants/{role}.sql").read_text(encoding="utf-8"))
        recorded = run_module("backup_log_record", {**writer, "hostname": "h", "spool_dir": str(tmp_path / "spool")})
        assert recorded["changed"]
        assert "message" not in recorded


def _grant(database: LogDatabase, role: str) -> None:
    text = (ROLE / "files/grants" / f"{role}.sql").read_text(encoding="utf-8")
    database.server.execute(*split_statements(text.replace("vex_backup.", f"{database.name}.")))


def _tables_by_privilege(database: LogDatabase, role: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for table, privilege in database.rows(
        "SELECT table_name, privilege_type FROM information_schema.table_privileges "
        f"WHERE grantee = \"'vex_backup_{role}'@'%'\""
    ):
        found.setdefault(privilege, set()).add(table)
    return found


def test_the_module_reports_as_ansible_expects(database: LogDatabase) -> None:
    options = {**database.login, "migrations": str(MIGRATIONS), "create_database": True}
    assert run_module("backup_log_schema", options, check=True)["pending"] == TITLES
    assert run_module("backup_log_schema", options)["changed"] is True
    assert run_module("backup_log_schema", options)["changed"] is False
    failed = run_module("backup_log_schema", {**options, "login_unix_socket": "/nowhere.sock", "patience": 0})
    assert failed["failed"]
    assert "check login_unix_socket" in failed["msg"]


def test_the_playbook_runs_on_the_control_node(database: LogDatabase, tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all: {hosts: {db1.invalid: {}}}\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(
        f"vex_backup_log_db_unix_socket: {database.server.socket}\n"
        f"vex_backup_log_db_name: {database.name}\n"
        "vex_backup_log_db_user: nobody\n"
        "vex_backup_log_db_password: canary\n"
        "vex_backup_log_db_migrator_user: root\n"
        "vex_backup_log_db_migrator_password: ''\n"
        # The account of the hosts' backups does not exist here.
        "ansible_become: true\n"
        "ansible_become_user: vex-backup\n"
    )
    for check, expected in ((["--check"], TITLES), ([], ["changed=1"]), ([], ["changed=0"])):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ansible",
                "playbook",
                "-vvv",
                "-i",
                tmp_path,
                ROOT / "playbooks/schema.yml",
                *check,
            ],
            env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        shown = done.stdout.partition("Show the pending steps")[2] if check else done.stdout
        assert [text for text in expected if text not in shown] == []
        assert "canary" not in done.stdout + done.stderr
    assert tables(database) == TABLES


def test_a_change_whose_record_was_lost_is_not_made_twice(database: LogDatabase, tmp_path: Path) -> None:
    """A process can end between the ALTER of a step, which commits by itself, and the record of the step."""
    for number, title in enumerate(TITLES, start=1):
        shutil.copy(MIGRATIONS / f"{title}.sql", tmp_path)
        assert apply(database, migrations=str(tmp_path))["applied"] == [title]
        if re.search(r"^ALTER TABLE|^(?:CREATE|DROP) INDEX", _text(title), re.MULTILINE):
            database.rows(f"DELETE FROM versao_esquema WHERE numero = {number}")
            assert apply(database, migrations=str(tmp_path))["applied"] == [title]
    assert not apply(database)["changed"]


@pytest.mark.parametrize(
    "removed",
    [
        "INDEX ix_backup_log_tamanho_arquivo_data_inicio",
        "INDEX ix_backup_log_segundo_inicio_data_inicio",
        "INDEX ix_backup_log_segundo_encerramento",
        "INDEX ix_backup_log_duracao",
        "COLUMN segundo_inicio",
        "COLUMN segundo_encerramento",
        "COLUMN duracao_segundos",
    ],
)
def test_what_was_removed_by_hand_keeps_nothing_else_from_being_removed(
    database: LogDatabase, steps: Path, removed: str
) -> None:
    """The columns and indexes of the search by time of day, duration and size are dropped."""
    for step in steps.glob("*.sql"):
        if int(step.name[:4]) > 26:
            step.unlink()
    apply(database, migrations=str(steps))
    database.rows(f"ALTER TABLE backup_log DROP {removed}")
    assert apply(database)["applied"] == TITLES[26:]
    definition = database.rows("SHOW CREATE TABLE backup_log")[0][1]
    assert re.findall(r"segundo_inicio|segundo_encerramento|duracao|ix_backup_log_tamanho", definition) == []
    assert apply(database)["applied"] == []


def _text(title: str) -> str:
    return (MIGRATIONS / f"{title}.sql").read_text(encoding="utf-8")
