"""Tests of mysql_restore on a real MariaDB: whole backups, parts of them, and refusals."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    RestoreDiffers,
    TargetExists,
)
from tests.integration import hard_databases, odd_databases
from tests.integration.fingerprint import fingerprint
from tests.integration.restoring import assert_equal
from tests.restore.damaging import rewrite
from tests.restore.dumping import Dumped
from tests.servers.mariadb import MariaDB

EASY = ("plain", "with space", "per%cent", "acentuação", "❤️ emoji", "mydumper_0")


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


def test_all_databases_are_restored(everything: Dumped, mariadb: MariaDB, fresh_mariadb: MariaDB) -> None:
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
    """A table is restored with its trigger, into a database of another name that has other tables."""
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
            "yy: the text of view upon names the database zz, so it uses that database and not the restored one"
        ]
        result = dumped.run(fresh_mariadb, database="aa", target="bb")
        assert result["restore_warnings"] == []
        # A view cannot be created without the tables that it reads.
        fresh_mariadb.execute("DROP DATABASE zz", "DROP DATABASE aa")
        error = dumped.refusal(RestoreDiffers, fresh_mariadb, database="aa")
        assert "view aa.over could not be created" in str(error)
    finally:
        mariadb.execute(*(f"DROP DATABASE IF EXISTS {name}" for name in (*names, "empty")))


def test_a_sequence_of_a_renamed_database(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """The default of a column uses the restored sequence, which goes on where the dumped one was."""
    try:
        mariadb.execute(
            "CREATE DATABASE counted",
            "CREATE SEQUENCE counted.s START WITH 100 NOCACHE",
            "CREATE TABLE counted.t (id INT PRIMARY KEY DEFAULT nextval(counted.s), a INT)",
            "INSERT INTO counted.t (a) VALUES (1), (2)",
        )
        dumped = Dumped(mariadb, tmp_path, ("counted",))
        assert dumped.run(fresh_mariadb, database="counted", target="renamed")["status"] == 1
        fresh_mariadb.execute("INSERT INTO renamed.t (a) VALUES (3)")
        assert fresh_mariadb.execute("SELECT * FROM renamed.t ORDER BY id") == ((100, 1), (101, 2), (102, 3))
    finally:
        mariadb.execute("DROP DATABASE counted")


def test_time_zones_are_created_on_a_scratch_server(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """An event has the time zone of its session, which an empty server does not know by name."""
    try:
        mariadb.execute("CREATE DATABASE timed", "CREATE EVENT timed.rare ON SCHEDULE EVERY 1 YEAR DO SELECT 1")
        dumped = Dumped(mariadb, tmp_path, ("timed",))
        script = dumped.path / "dump/timed/events.sql.zst"
        rewrite(script, lambda text: text.replace(b"'SYSTEM'", b"'America/Sao_Paulo'"))
        message = str(dumped.refusal(RestoreDiffers, fresh_mariadb))
        assert "Unknown or incorrect time zone: 'America/Sao_Paulo'" in message
        differences = [
            dumped.refusal(RestoreDiffers, fresh_mariadb, overwrite=True, make_definers=True).details["differences"]
            # A time zone that the server knows is not created again.
            for _time in range(2)
        ]
        assert differences == [["event timed.rare has another definition"]] * 2
        zone = "SELECT TIME_ZONE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'timed'"
        assert fresh_mariadb.execute(zone) == (("America/Sao_Paulo",),)
        known = "SELECT COUNT(*) FROM mysql.time_zone_name WHERE Name = 'America/Sao_Paulo'"
        assert fresh_mariadb.execute(known) == ((1,),)
    finally:
        mariadb.execute("DROP DATABASE IF EXISTS timed")


def test_definers_are_created_on_a_scratch_server(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """A view whose definer no longer exists can then be read."""
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


def test_a_server_with_names_in_lower_case(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """On such a server, `orders` is the table `Orders` of the backup; on other servers they are two tables."""
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
            assert "may show them in other words" in str(dumped.run(server)["restore_warnings"])
            assert "shop (orders, open)" in str(dumped.refusal(TargetExists, server))
            assert dumped.run(server, overwrite=True)["rows"] == 1
        fresh_mariadb.execute("CREATE DATABASE shop", "CREATE TABLE shop.orders (id INT)")
        assert dumped.run(fresh_mariadb)["existing"] == []
    finally:
        mariadb.execute("DROP DATABASE shop")


@pytest.mark.parametrize("column", ["n INT", "n INT INVISIBLE"], ids=["MyDumper", "client"])
def test_rows_that_a_constraint_refuses_today(
    mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path, column: str
) -> None:
    """Such rows are older than the constraint, or were written while it was off. They are restored as dumped."""
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
