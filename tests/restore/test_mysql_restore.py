"""Tests of mysql_restore on a real MariaDB: whole backups, parts of them, and refusals."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest, dump
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    CommandTimeout,
    ManifestUnusable,
    NotEnoughSpace,
    OptionError,
    ProgramMissing,
    RestoreDiffers,
    RestoreFailed,
    ServerUnavailable,
    TargetExists,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import resolve_login
from ansible_collections.vex.backup.plugins.module_utils._restore import load as load_module
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.restore import restore
from tests.integration import hard_databases, odd_databases
from tests.integration.fingerprint import fingerprint
from tests.integration.restoring import assert_equal
from tests.modules import ModuleProcess
from tests.restore.damaging import rewrite
from tests.servers.mariadb import MariaDB

NAME = "backup_20250720_161523"
EASY = ("plain", "with space", "per%cent", "acentuação", "❤️ emoji", "mydumper_0")


class Dumped:
    """A dump of *databases* of *source* in *directory*, to restore."""

    def __init__(self, source: MariaDB, directory: Path, databases: tuple[str, ...], **options: Any) -> None:
        self.source = source
        self.databases = databases
        self.path = directory / NAME
        self.log = directory / "restore.log"
        given: dict[str, Any] = {
            **login(source),
            "path": str(self.path),
            "dump_log": str(directory / "dump.log"),
            "databases": list(databases),
            "exclude_databases": [],
            "mode": "individual",
            "threads": 2,
            "routines": True,
            "triggers": True,
            "events": True,
            "compression": "zstd",
            "long_query_guard": 60,
            "timeout": 0,
            "connect_timeout": 10,
            "space_factor": 0.0,
            "keep_failed": 1,
            "run_log": None,
            "run_uuid": "u1",
            "hostname": "db1",
            **options,
        }
        dumped = request(DumpRequest, given, login=resolve_login(given), check_mode=False)
        result = dump(dumped, RunLog(None))
        assert result["status"] in {1, 2}, result
        self.warnings = result["dump_warnings"]

    def run(self, server: MariaDB, /, **options: Any) -> dict[str, Any]:
        names = ("login_unix_socket", "login_user", "login_password")
        given = {**login(server), **{name: options.pop(name) for name in names if name in options}}
        defaults = RestoreRequest(
            login=resolve_login(given),
            path=str(self.path),
            discard=False,
            manifest=None,
            database=None,
            target=None,
            table=None,
            overwrite=False,
            threads=2,
            binlog=True,
            make_definers=False,
            timeout=0,
            check_mode=False,
        )
        found = restore(dataclasses.replace(defaults, **options), RunLog(str(self.log)))
        assert not Path(f"{self.path}.loading").exists()
        return found

    def refusal(self, error: type[BackupError], server: MariaDB, /, **options: Any) -> BackupError:
        with pytest.raises(error) as caught:
            self.run(server, **options)
        assert caught.value.details["status"] == 3
        assert not Path(f"{self.path}.loading").exists()
        return caught.value


def login(server: MariaDB) -> dict[str, Any]:
    unset = ("login_host", "login_port", "login_password", "config_file", "ca_cert")
    return {**dict.fromkeys(unset), "login_unix_socket": server.socket, "login_user": "root"}


@pytest.fixture(scope="module")
def odd(mariadb: MariaDB) -> Iterator[tuple[str, ...]]:
    """Create the odd databases on ``mariadb``; return their names."""
    try:
        yield odd_databases.fill(mariadb)
    finally:
        odd_databases.drop(mariadb)


@pytest.fixture(scope="module")
def everything(odd: tuple[str, ...], mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Dumped:
    """Return a dump of all odd databases, each with its own snapshot."""
    return Dumped(mariadb, tmp_path_factory.mktemp("everything"), odd)


def test_everything_comes_back(everything: Dumped, mariadb: MariaDB, fresh_mariadb: MariaDB) -> None:
    result = everything.run(fresh_mariadb)
    assert_equal(mariadb, fresh_mariadb, everything.databases)
    assert "incomplete" not in result
    assert result["status"] == 2
    assert any("'gone'@'nowhere'" in text or "gone@nowhere" in text for text in result["restore_warnings"])
    assert any("orphan was restored and cannot be read" in text for text in result["restore_warnings"])
    assert result["tables"] == sum(one["tables"] for one in result["databases"])
    assert result["rows"] > len(everything.databases)
    message = str(everything.refusal(TargetExists, fresh_mariadb))
    assert "the server holds objects that the restore would overwrite: " in message
    assert everything.run(fresh_mariadb, overwrite=True)["rows"] == result["rows"]
    assert_equal(mariadb, fresh_mariadb, everything.databases)


def assert_equal_but_for_the_name(source: MariaDB, target: MariaDB, name: str, renamed: str) -> None:
    """Compare a database with its restored copy; both name the old database in views and programs."""
    with contextlib.closing(source.connect()) as original, contextlib.closing(target.connect()) as restored:
        expected, found = fingerprint(original, name), fingerprint(restored, renamed)
    expected.pop(("schema", name)), found.pop(("schema", renamed))
    assert found == expected


@pytest.mark.parametrize("name", ["plain", "hard", "back`tick", "acentuação"])
def test_one_database_under_another_name(
    everything: Dumped, mariadb: MariaDB, fresh_mariadb: MariaDB, name: str
) -> None:
    result = everything.run(fresh_mariadb, database=name, target="another ção")
    assert [(one["name"], one["as"]) for one in result["databases"]] == [(name, "another ção")]
    assert_equal_but_for_the_name(mariadb, fresh_mariadb, name, "another ção")
    assert (name,) not in fresh_mariadb.execute("SHOW DATABASES")


@pytest.mark.parametrize("name", ["plain", "hard"])
def test_one_table(everything: Dumped, mariadb: MariaDB, fresh_mariadb: MariaDB, name: str) -> None:
    """It is restored with its trigger, into a database of another name that has other tables."""
    fresh_mariadb.execute("CREATE DATABASE here COLLATE latin1_bin", "CREATE TABLE here.own (id INT)")
    everything.run(fresh_mariadb, database=name, target="here", table="rows_of_all_kinds")
    with contextlib.closing(mariadb.connect()) as original, contextlib.closing(fresh_mariadb.connect()) as restored:
        expected, found = fingerprint(original, name), fingerprint(restored, "here")
    wanted = {("table", "rows_of_all_kinds"), ("trigger", "antes")}
    assert {key: value for key, value in found.items() if key in wanted} == {key: expected[key] for key in wanted}
    assert {key for key in found if key[0] != "schema"} == wanted | {("table", "own")}
    assert found["schema", "here"][2] == "latin1_bin"
    assert "rows_of_all_kinds" in str(
        everything.refusal(TargetExists, fresh_mariadb, database=name, target="here", table="rows_of_all_kinds")
    )
    fresh_mariadb.execute("DELETE FROM here.rows_of_all_kinds")
    again = everything.run(fresh_mariadb, database=name, target="here", table="rows_of_all_kinds", overwrite=True)
    assert again["rows"] == 3


def test_one_snapshot_of_all_databases(
    odd: tuple[str, ...], mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path
) -> None:
    dumped = Dumped(mariadb, tmp_path, EASY, mode="instance", compression="gzip")
    dumped.run(fresh_mariadb, database="per%cent", target="alone")
    assert_equal_but_for_the_name(mariadb, fresh_mariadb, "per%cent", "alone")
    dumped.run(fresh_mariadb)
    assert_equal(mariadb, fresh_mariadb, EASY)


def test_views_that_read_from_other_databases(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """Views may come before what they read, and call functions; a trigger stays in the restored database."""
    names = ("aa", "zz")
    try:
        mariadb.execute(
            *(f"CREATE DATABASE {name}" for name in names),
            "CREATE TABLE zz.rows_of_it (id INT)",
            "INSERT INTO zz.rows_of_it VALUES (1), (2)",
            "CREATE FUNCTION zz.two() RETURNS INT DETERMINISTIC RETURN 2",
            "CREATE VIEW zz.upon AS SELECT id, zz.two() AS two FROM zz.rows_of_it",
            "CREATE VIEW aa.over AS SELECT * FROM zz.upon",
            "CREATE TRIGGER zz.counts BEFORE INSERT ON zz.rows_of_it FOR EACH ROW SET NEW.id = NEW.id + 0",
            "CREATE DATABASE empty COLLATE latin1_bin",
        )
        dumped = Dumped(mariadb, tmp_path, (*names, "empty"), compression="none")
        dumped.run(fresh_mariadb)
        assert_equal(mariadb, fresh_mariadb, ["zz"])
        assert fresh_mariadb.execute("SELECT * FROM aa.over ORDER BY id") == ((1, 2), (2, 2))
        assert fresh_mariadb.execute("SHOW CREATE DATABASE empty") == mariadb.execute("SHOW CREATE DATABASE empty")
        result = dumped.run(fresh_mariadb, database="zz", target="yy")
        ((schema,),) = fresh_mariadb.execute(
            "SELECT EVENT_OBJECT_SCHEMA FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'yy'"
        )
        assert schema == "yy"
        # The server adds the name of the database to a function in the text of a view.
        assert result["restore_warnings"] == [
            "yy: the text of view upon names the database zz, so they use that database and not the restored one"
        ]
        result = dumped.run(fresh_mariadb, database="aa", target="bb")
        assert result["restore_warnings"] == []
        # A view cannot be created without the tables that it reads.
        fresh_mariadb.execute("DROP DATABASE zz", "DROP DATABASE aa")
        error = dumped.refusal(RestoreDiffers, fresh_mariadb, database="aa")
        assert "view aa.over could not be created" in str(error)
    finally:
        mariadb.execute(*(f"DROP DATABASE IF EXISTS {name}" for name in (*names, "empty")))


def test_time_zones_are_created_on_a_scratch_server(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """An event has the time zone of its session, which an empty server does not know by name."""
    try:
        mariadb.execute("CREATE DATABASE timed", "CREATE EVENT timed.rare ON SCHEDULE EVERY 1 YEAR DO SELECT 1")
        dumped = Dumped(mariadb, tmp_path, ("timed",))
        script = dumped.path / "dump/timed/programs.sql.zst"
        rewrite(script, lambda text: text.replace(b"'SYSTEM'", b"'America/Sao_Paulo'"))
        message = str(dumped.refusal(RestoreFailed, fresh_mariadb))
        assert "Unknown or incorrect time zone: 'America/Sao_Paulo'" in message
        dumped.run(fresh_mariadb, overwrite=True, make_definers=True)
        zone = "SELECT TIME_ZONE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'timed'"
        assert fresh_mariadb.execute(zone) == (("America/Sao_Paulo",),)
        # A time zone that the server knows is not created again.
        dumped.run(fresh_mariadb, overwrite=True, make_definers=True)
        known = "SELECT COUNT(*) FROM mysql.time_zone_name WHERE Name = 'America/Sao_Paulo'"
        assert fresh_mariadb.execute(known) == ((1,),)
    finally:
        mariadb.execute("DROP DATABASE IF EXISTS timed")


def test_definers_are_created_on_a_scratch_server(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """So a view whose definer no longer exists can be read there."""
    owner = "`left it's`@`nowhere`"
    try:
        mariadb.execute(
            "CREATE DATABASE owned",
            "CREATE TABLE owned.of_it (id INT)",
            "INSERT INTO owned.of_it VALUES (1)",
            f"CREATE DEFINER = {owner} SQL SECURITY DEFINER VIEW owned.seen AS SELECT id FROM owned.of_it",
        )
        dumped = Dumped(mariadb, tmp_path, ("owned",))
        assert "seen" in str(dumped.run(fresh_mariadb)["restore_warnings"])
        assert dumped.run(fresh_mariadb, overwrite=True, make_definers=True)["restore_warnings"] == []
        assert fresh_mariadb.execute("SELECT * FROM owned.seen") == ((1,),)
    finally:
        mariadb.execute("DROP DATABASE IF EXISTS owned")
        fresh_mariadb.execute(f"DROP USER IF EXISTS {owner}")


@pytest.fixture
def small(mariadb: MariaDB, tmp_path: Path) -> Iterator[Dumped]:
    """Return a dump of two tables with two rows each, as plain text that a test can damage."""
    try:
        mariadb.execute(
            "CREATE DATABASE small",
            "CREATE TABLE small.first (id INT PRIMARY KEY)",
            "INSERT INTO small.first VALUES (1), (2)",
            "CREATE TABLE small.second (id INT PRIMARY KEY)",
            "INSERT INTO small.second VALUES (1), (2)",
            "CREATE PROCEDURE small.p() SELECT 1",
        )
        yield Dumped(mariadb, tmp_path, ("small",), compression="none")
    finally:
        mariadb.execute("DROP DATABASE small")


def test_a_missing_row(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """The loader reports no error."""
    rows = small.path / "dump/small/tables/small.first.sql"
    text = rows.read_text()
    assert ",\n(2)" in text
    rows.write_text(text.replace(",\n(2)", ""))
    error = small.refusal(RestoreDiffers, fresh_mariadb)
    assert "table small.first has 1 rows, 2 were dumped" in str(error)
    assert error.details["incomplete"] == ["small"]
    assert error.details["differences"] == ["table small.first has 1 rows, 2 were dumped"]


def test_a_missing_table(small: Dumped, fresh_mariadb: MariaDB) -> None:
    for path in (small.path / "dump/small/tables").glob("small.second*"):
        path.unlink()
    assert "table small.second is missing" in str(small.refusal(RestoreDiffers, fresh_mariadb))


def test_a_missing_stored_program(small: Dumped, fresh_mariadb: MariaDB) -> None:
    (small.path / "dump/small/programs.sql").write_text("SELECT 1;\n")
    assert "procedure small.p is missing" in str(small.refusal(RestoreDiffers, fresh_mariadb))


def test_an_error_of_the_loader(small: Dumped, fresh_mariadb: MariaDB) -> None:
    (small.path / "dump/small/tables/small.first.sql").write_text("INSERT INTO `nowhere` VALUES (1);\n")
    error = small.refusal(RestoreFailed, fresh_mariadb)
    assert "myloader could not load small into small: Error restoring small.first" in str(error)
    assert error.details["incomplete"] == ["small"]


def test_an_error_of_the_client(small: Dumped, fresh_mariadb: MariaDB) -> None:
    (small.path / "dump/small/programs.sql").write_text("CREATE nonsense;\n")
    message = str(small.refusal(RestoreFailed, fresh_mariadb))
    assert "could not load programs.sql of small into small: " in message
    assert "ERROR 1064" in message


@pytest.mark.parametrize("name", ["tables", "programs.sql"])
def test_a_missing_file(small: Dumped, fresh_mariadb: MariaDB, name: str) -> None:
    (small.path / "dump/small" / name).rename(small.path / "elsewhere")
    assert "is missing from the backup" in str(small.refusal(RestoreFailed, fresh_mariadb))
    assert ("small",) not in fresh_mariadb.execute("SHOW DATABASES")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threads": 0}, OptionError, "threads must be at least 1"),
        ({"path": "/nowhere"}, ManifestUnusable, "cannot be read"),
        ({"database": "none"}, OptionError, "the backup holds no database 'none'"),
        ({"login_unix_socket": "/nowhere"}, ServerUnavailable, "could not be reached"),
        ({"login_user": "nobody"}, ServerUnavailable, "refused the login"),
    ],
)
def test_options_that_cannot_work(
    small: Dumped, fresh_mariadb: MariaDB, options: dict[str, Any], error: type[BackupError], message: str
) -> None:
    assert message in str(small.refusal(error, fresh_mariadb, **options))


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


def test_row_counts_that_the_manifest_lacks(small: Dumped, fresh_mariadb: MariaDB) -> None:
    path = small.path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["databases"][0]["tables"][1].update(rows=None, sha256=None)
    path.write_text(json.dumps(manifest))
    assert small.run(fresh_mariadb)["restore_warnings"] == [
        "small: the manifest does not say how many rows second had, so they were not compared"
    ]


def test_a_server_with_names_in_lower_case(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """Its table `orders` is the table `Orders` of the backup; on other servers they are two tables."""
    options = ["--lower-case-table-names=1"]
    try:
        mariadb.execute(
            "CREATE DATABASE shop",
            "CREATE TABLE shop.Orders (id INT PRIMARY KEY)",
            "INSERT INTO shop.Orders VALUES (1)",
            "CREATE VIEW shop.Open AS SELECT id FROM shop.Orders",
        )
        dumped = Dumped(mariadb, tmp_path, ("shop",))
        with tempfile.TemporaryDirectory(prefix="vex-") as folder, MariaDB(Path(folder), options=options) as server:
            assert dumped.run(server)["status"] == 1
            assert "shop (orders, open)" in str(dumped.refusal(TargetExists, server))
            assert dumped.run(server, overwrite=True)["rows"] == 1
        fresh_mariadb.execute("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT)")
        assert dumped.run(fresh_mariadb)["existing"] == []
    finally:
        mariadb.execute("DROP DATABASE shop")


def test_a_plan_changes_nothing(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """It needs only the manifest, not the backup."""
    manifest = str(small.path / "manifest.json")
    result = small.run(fresh_mariadb, check_mode=True, path="/nowhere", manifest=manifest)
    assert (result["tables"], result["existing"], result["changed"]) == (2, [], True)
    assert result["tool_version"].startswith("myloader 0.10")
    assert ("small",) not in fresh_mariadb.execute("SHOW DATABASES")
    message = str(small.refusal(OptionError, fresh_mariadb, path="/nowhere", manifest=manifest))
    assert "path /nowhere is not a directory" in message
    small.run(fresh_mariadb)
    assert small.run(fresh_mariadb, check_mode=True)["existing"] == ["small: first, second, procedure p"]


def test_the_deadline(small: Dumped, fresh_mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", iter(range(0, 10_000, 10)).__next__)
    assert "the restore took longer than" in str(small.refusal(CommandTimeout, fresh_mariadb, timeout=5))


def test_without_the_binary_log(small: Dumped, fresh_mariadb: MariaDB) -> None:
    before = fresh_mariadb.execute("SHOW MASTER STATUS")
    small.run(fresh_mariadb, binlog=False)
    assert fresh_mariadb.execute("SHOW MASTER STATUS") == before
    small.run(fresh_mariadb, overwrite=True)
    assert fresh_mariadb.execute("SHOW MASTER STATUS") != before


def test_an_account_that_cannot_see_other_accounts(small: Dumped, fresh_mariadb: MariaDB) -> None:
    fresh_mariadb.create_account("owner", "its password", "ALL PRIVILEGES ON small.*", "SET USER ON *.*")
    account: dict[str, Any] = {"login_user": "owner", "login_password": "its password"}
    assert small.run(fresh_mariadb, **account)["restore_warnings"] == []


def test_a_database_without_its_statement(small: Dumped, fresh_mariadb: MariaDB) -> None:
    (small.path / "dump/small/tables/small-schema-create.sql").unlink()
    assert small.run(fresh_mariadb)["rows"] == 4


def test_a_trigger_whose_table_cannot_be_read(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """A warning says that the table lacks it."""
    small.source.execute(
        "CREATE TRIGGER small.t BEFORE INSERT ON /* which */ small.first FOR EACH ROW SET NEW.id = NEW.id"
    )
    dumped = Dumped(small.source, tmp_path / "with", ("small",))
    (warning,) = dumped.run(fresh_mariadb, database="small", table="first")["restore_warnings"]
    assert "1 triggers were not restored" in warning


def test_an_existing_database_keeps_its_collation(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """programs.sql changes it while it runs, to the collation that each program was created with."""
    small.source.execute("ALTER DATABASE small COLLATE utf8mb4_bin")
    dumped = Dumped(small.source, tmp_path / "changed", ("small",))
    fresh_mariadb.execute("CREATE DATABASE small COLLATE latin1_swedish_ci")
    dumped.run(fresh_mariadb)
    ((_name, statement),) = fresh_mariadb.execute("SHOW CREATE DATABASE small")
    assert "latin1_swedish_ci" in statement


def test_an_account_without_the_rights(small: Dumped, fresh_mariadb: MariaDB) -> None:
    fresh_mariadb.create_account("reader", "its password", "SELECT ON *.*")
    account = {"login_user": "reader", "login_password": "its password"}
    message = str(small.refusal(RestoreFailed, fresh_mariadb, **account))
    assert "the server refused a statement of the restore: Access denied for user 'reader'" in message


def test_a_server_that_goes_away(small: Dumped, fresh_mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_arguments: object) -> None:
        fresh_mariadb.kill()

    monkeypatch.setattr(load_module, "drop_existing", gone)
    assert "the server stopped answering" in str(small.refusal(ServerUnavailable, fresh_mariadb))


def test_by_another_generation(small: Dumped, fresh_mariadb: MariaDB) -> None:
    manifest = small.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"mydumper": "0.10', '"mydumper": "1.0'))
    message = str(small.refusal(ProgramMissing, fresh_mariadb))
    assert "the backup was made by MyDumper 0.20 or later" in message


def test_a_disk_that_is_too_small(everything: Dumped, fresh_mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.statvfs(everything.path)
    full = os.statvfs_result((found.f_bsize, found.f_frsize, 0, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    assert "the decompressed backup needs" in str(everything.refusal(NotEnoughSpace, fresh_mariadb))


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


@pytest.mark.parametrize("column", ["n INT", "n INT INVISIBLE"], ids=["myloader", "client"])
def test_rows_that_a_constraint_refuses_today(
    mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path, column: str
) -> None:
    """They are older than the constraint, or were written while it was off. They are restored as they were dumped."""
    try:
        mariadb.execute(
            "CREATE DATABASE bound",
            f"CREATE TABLE bound.t (id INT PRIMARY KEY, {column}, document JSON, CHECK (n > 5))",
            "SET SESSION check_constraint_checks = 0",
            "INSERT INTO bound.t (id, n, document) VALUES (1, 7, '{}'), (2, 3, 'no JSON')",
        )
        dumped = Dumped(mariadb, tmp_path, ("bound",))
        for binlog in (True, False):
            assert dumped.run(fresh_mariadb, binlog=binlog, overwrite=True)["rows"] == 2
            assert_equal(mariadb, fresh_mariadb, ("bound",))
    finally:
        mariadb.execute("DROP DATABASE bound")


def test_hard_cases(tmp_path: Path) -> None:
    """A BLOB of 64 MB, zero dates, an empty database and a thousand tables are restored."""
    large = ["--max-allowed-packet=1G", "--innodb-log-file-size=256M"]
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        MariaDB(Path(folder) / "a", options=large) as source,
        MariaDB(Path(folder) / "b", options=large) as target,
    ):
        databases = hard_databases.fill(source)
        dumped = Dumped(source, tmp_path, (*databases, hard_databases.EMPTY))
        result = dumped.run(target)
        assert result["restore_warnings"] == []
        assert result["tables"] == hard_databases.TABLES
        assert_equal(source, target, databases)
        shown = f"SHOW CREATE DATABASE {hard_databases.EMPTY}"
        assert target.execute(shown) == source.execute(shown)


def test_programs_that_were_not_dumped_are_not_missing(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """The manifest of a dump without stored programs names none."""
    small.source.execute(
        "CREATE TRIGGER small.t BEFORE INSERT ON small.first FOR EACH ROW SET NEW.id = NEW.id + 0",
        "CREATE EVENT small.e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 03:00:00' DISABLE DO SELECT 1",
    )
    for left_out, kinds in (("routines", ["EVENT", "TRIGGER"]), ("triggers", ["EVENT", "PROCEDURE"])):
        dumped = Dumped(small.source, tmp_path / left_out, ("small",), **{left_out: False})
        (database,) = json.loads((dumped.path / "manifest.json").read_text())["databases"]
        assert sorted(program["kind"] for program in database["programs"]) == kinds
        assert dumped.run(fresh_mariadb, overwrite=True)["databases"][0]["programs"] == 2
    dumped = Dumped(small.source, tmp_path / "none", ("small",), routines=False, triggers=False, events=False)
    assert dumped.run(fresh_mariadb, overwrite=True)["databases"][0]["programs"] == 0
