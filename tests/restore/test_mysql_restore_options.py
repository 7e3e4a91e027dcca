"""The options of mysql_restore, and the state of the server that it keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    OptionError,
    TargetExists,
)
from tests.modules import ModuleProcess
from tests.restore.dumping import NAME, Dumped, small_dump
from tests.servers.mariadb import MariaDB


@pytest.fixture
def small(mariadb: MariaDB, tmp_path: Path) -> Iterator[Dumped]:
    with small_dump(mariadb, tmp_path) as dumped:
        yield dumped


def test_rows_are_counted_before_events_exist(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """An event that is due and deletes old rows would make the restore of an old backup look incomplete."""
    small.source.execute("CREATE EVENT small.purge ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM small.first")
    dumped = Dumped(small.source, tmp_path / "with", ("small",))
    fresh_mariadb.execute("SET GLOBAL log_output = 'TABLE', general_log = 1")
    assert dumped.run(fresh_mariadb)["rows"] == 4
    log = "SELECT argument FROM mysql.general_log WHERE argument {} ORDER BY event_time LIMIT 1"
    counts, events = "LIKE 'SELECT COUNT(*) FROM `small`%%'", "RLIKE '^CREATE .*EVENT'"
    order = fresh_mariadb.execute(log.format(f"{counts} OR argument {events}"))
    assert order == fresh_mariadb.execute(log.format(counts))
    assert fresh_mariadb.execute(log.format(events))


def test_a_plan_changes_nothing(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """The plan needs only the manifest, not the backup."""
    manifest = str(small.path / "manifest.json")
    result = small.run(fresh_mariadb, check_mode=True, path="/nowhere", manifest=manifest)
    assert (result["tables"], result["existing"], result["changed"]) == (2, [], True)
    assert result["tool_version"].startswith("mariadb 1")
    assert ("small",) not in fresh_mariadb.execute("SHOW DATABASES")
    message = str(small.refusal(OptionError, fresh_mariadb, path="/nowhere", manifest=manifest))
    assert "path /nowhere is not a directory" in message
    small.run(fresh_mariadb)
    assert small.run(fresh_mariadb, check_mode=True)["existing"] == ["small: first, second, procedure p, trigger t"]


def test_a_table_comes_with_its_own_triggers_only(small: Dumped, fresh_mariadb: MariaDB) -> None:
    triggers = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'small'"
    small.run(fresh_mariadb, database="small", table="second")
    assert fresh_mariadb.execute(triggers) == ()
    small.run(fresh_mariadb, database="small", table="first")
    assert fresh_mariadb.execute(triggers) == (("t",),)


def test_without_the_binary_log(small: Dumped, fresh_mariadb: MariaDB) -> None:
    before = fresh_mariadb.execute("SHOW MASTER STATUS")
    small.run(fresh_mariadb, binlog=False)
    assert fresh_mariadb.execute("SHOW MASTER STATUS") == before
    small.run(fresh_mariadb, overwrite=True)
    assert fresh_mariadb.execute("SHOW MASTER STATUS") != before


def test_an_account_that_cannot_see_other_accounts(small: Dumped, fresh_mariadb: MariaDB) -> None:
    fresh_mariadb.execute("SET GLOBAL log_bin_trust_function_creators = 1")
    fresh_mariadb.create_account("owner", "its password", "ALL PRIVILEGES ON small.*", "SET USER ON *.*")
    account: dict[str, Any] = {"login_user": "owner", "login_password": "its password"}
    (warning,) = small.run(fresh_mariadb, **account)["restore_warnings"]
    assert warning == "the account must not see the text of procedure small.p, so it was not compared"


def test_an_existing_database_keeps_its_collation(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """It has the dumped one while programs are created, which keep it."""
    small.source.execute("ALTER DATABASE small COLLATE utf8mb4_bin")
    dumped = Dumped(small.source, tmp_path / "changed", ("small",))
    fresh_mariadb.execute("CREATE DATABASE small COLLATE latin1_swedish_ci")
    dumped.run(fresh_mariadb)
    ((_name, statement),) = fresh_mariadb.execute("SHOW CREATE DATABASE small")
    assert "latin1_swedish_ci" in statement


def test_the_module_as_ansible_runs_it(small: Dumped, fresh_mariadb: MariaDB) -> None:
    options = {"login_unix_socket": fresh_mariadb.socket, "login_user": "root", "path": str(small.path)}
    result = ModuleProcess("mysql_restore", options).result()
    assert (result["tables"], result["rows"], result["status"]) == (2, 4, 1)
    failed = ModuleProcess("mysql_restore", options).result()
    assert (failed["failure"], failed["status"]) == ("TargetExists", 3)


@pytest.mark.parametrize("around", [NAME, "others"])
def test_a_restored_backup_is_discarded(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path, around: str) -> None:
    """The directory around it is removed too if it was created for this backup alone."""
    dumped = Dumped(small.source, tmp_path / around, ("small",))
    archive = tmp_path / around / f"{NAME}.zip"
    archive.touch()
    fresh_mariadb.execute("CREATE DATABASE small", "CREATE TABLE small.first (id INT)")
    dumped.refusal(TargetExists, fresh_mariadb, discard=True)
    assert dumped.path.is_dir()
    assert dumped.run(fresh_mariadb, discard=True, overwrite=True)["status"] == 1
    assert not dumped.path.exists()
    assert archive.exists() is (around == "others")


def test_programs_that_were_not_dumped_are_not_missing(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """The manifest of a dump without stored programs names none."""
    small.source.execute(
        "CREATE EVENT small.e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 03:00:00' DISABLE DO SELECT 1",
    )
    for left_out, kinds in (("routines", ["EVENT", "TRIGGER"]), ("triggers", ["EVENT", "PROCEDURE"])):
        dumped = Dumped(small.source, tmp_path / left_out, ("small",), **{left_out: False})
        (database,) = json.loads((dumped.path / "manifest.json").read_text())["databases"]
        assert sorted(program["kind"] for program in database["programs"]) == kinds
        assert dumped.run(fresh_mariadb, overwrite=True)["databases"][0]["programs"] == 2
    dumped = Dumped(small.source, tmp_path / "none", ("small",), routines=False, triggers=False, events=False)
    assert dumped.run(fresh_mariadb, overwrite=True)["databases"][0]["programs"] == 0
