"""One odd object costs one object: the rest is dumped and restored, and the odd one is named."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreDiffers
from tests.restore.dumping import Dumped
from tests.restore.odd import Odd
from tests.servers.mysql import MySQL

# A time that has passed.
EARLIER = "SET SESSION timestamp = 1600000000"
EVENTS = (
    EARLIER,
    "CREATE EVENT past ON SCHEDULE AT '2020-09-14 00:00:00' DO SELECT 1",
    "CREATE EVENT kept ON SCHEDULE AT '2020-09-14 00:00:00' ON COMPLETION PRESERVE DO SELECT 1",
    "CREATE EVENT ended ON SCHEDULE EVERY 1 HOUR ENDS '2020-09-14 00:00:00' ON COMPLETION PRESERVE DO SELECT 1",
    "CREATE EVENT future ON SCHEDULE AT '2036-01-01 00:00:00' DO SELECT 1",
)


def test_views_that_the_server_cannot_use(odd: Odd) -> None:
    dumped = odd.dump(
        "CREATE TABLE gone (id INT, n INT)",
        "CREATE VIEW broken AS SELECT id FROM gone",
        "CREATE VIEW a_upon AS SELECT * FROM broken",
        "CREATE TABLE changed (id INT, n INT)",
        "CREATE VIEW of_column AS SELECT n FROM changed",
        "DROP TABLE gone",
        "ALTER TABLE changed DROP n",
    )
    broken = {"broken", "a_upon", "of_column"}
    named = [text for text in dumped.warnings if text.startswith("odd: the server cannot use the view ")]
    assert {text.split("view ")[1].split(":")[0] for text in named} == broken
    manifest = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))
    unusable = {one["name"] for one in manifest["databases"][0]["definitions"] if one["unusable"]}
    assert unusable == broken
    result = dumped.run(odd.target)
    reasons = [text for text in result["restore_warnings"] if "; it was unusable in the backup: View 'odd." in text]
    assert {text.split("odd.")[1].split(" ")[0] for text in reasons} == broken
    missing = {text.split("table ")[1].split(":")[0] for text in odd.differences()}
    assert missing == broken


def test_a_merge_table_whose_table_is_gone(odd: Odd) -> None:
    dumped = odd.dump(
        "CREATE TABLE gone (id INT) ENGINE = MyISAM",
        "CREATE TABLE merged (id INT) ENGINE = MERGE UNION = (gone)",
        "CREATE TRIGGER of_merged BEFORE INSERT ON merged FOR EACH ROW SET NEW.id = 1",
        "CREATE TABLE kept (id INT) ENGINE = MyISAM",
        "INSERT INTO kept VALUES (1)",
        "DROP TABLE gone",
    )
    (warning,) = dumped.warnings
    assert warning.startswith("odd.merged is not in the dump, because it cannot be read: ")
    manifest = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))
    assert [(one["name"], one["is_lost"]) for one in manifest["databases"][0]["broken"]] == [("merged", False)]
    result = dumped.run(odd.target)
    (left_out,) = result["databases"][0]["left_out"]
    assert left_out.startswith("odd.merged is not in the backup, because its server could not read it: ")
    assert result["restore_warnings"] == []
    # No server says what such a table was.
    odd.source.execute("DROP TABLE odd.merged")
    assert odd.differences() == []


def test_a_view_whose_function_is_gone(odd: Odd) -> None:
    """MariaDB does not show how such a view was created."""
    dumped = odd.dump(
        "CREATE FUNCTION one_more(n INT) RETURNS INT DETERMINISTIC RETURN n + 1",
        "CREATE VIEW of_function AS SELECT id FROM fine WHERE one_more(id) > 0 WITH CASCADED CHECK OPTION",
        "DROP FUNCTION one_more",
        compression="none",
    )
    (warning,) = dumped.warnings
    assert warning.startswith(
        "odd: the server cannot use the view of_function: View 'odd.of_function' references invalid"
    )
    result = dumped.run(odd.target)
    (warning,) = result["restore_warnings"]
    assert warning.startswith("view odd.of_function was not created: ")
    assert "; it was unusable in the backup: View 'odd.of_function' references " in warning
    script = (dumped.path / "dump" / "odd" / "views.sql").read_text(encoding="utf-8")
    (statement,) = [line for line in script.splitlines() if "VIEW `of_function`" in line]
    odd.target.execute(
        "USE odd",
        "CREATE FUNCTION one_more(n INT) RETURNS INT DETERMINISTIC RETURN n + 1",
        statement.removesuffix(";;"),
        "DROP FUNCTION one_more",
    )
    shown = (
        "SELECT VIEW_DEFINITION, CHECK_OPTION, DEFINER FROM information_schema.VIEWS WHERE TABLE_NAME = 'of_function'"
    )
    assert odd.target.execute(shown) == odd.source.execute(shown)


def test_a_view_of_a_database_that_is_not_in_the_backup_is_named(odd: Odd) -> None:
    odd.source.execute("CREATE DATABASE other", "CREATE TABLE other.t (id INT)")
    dumped = odd.dump("CREATE VIEW abroad AS SELECT id FROM other.t")
    assert dumped.warnings == []
    error = dumped.refusal(RestoreDiffers, odd.target)
    (difference,) = error.details["differences"]
    assert difference.startswith("view odd.abroad could not be created: ")


def test_events_whose_time_has_passed_on_a_scratch_server(odd: Odd) -> None:
    dumped = odd.dump(*EVENTS)
    result = dumped.run(odd.target, make_definers=True)
    assert result["restore_warnings"] == []
    assert odd.differences() == []


@pytest.mark.parametrize("scheduler", ["ON", "OFF"])
def test_events_are_not_executed_late(odd: Odd, scheduler: str) -> None:
    dumped = odd.dump(*EVENTS)
    odd.target.execute(f"SET GLOBAL event_scheduler = {scheduler}")
    result = dumped.run(odd.target)
    assert result["restore_warnings"] == [
        "event odd.ended was created disabled, because its time has passed",
        "event odd.kept was created disabled, because its time has passed",
        "event odd.past was not created, because its time has passed",
    ]
    events = odd.target.execute(
        "SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'odd' ORDER BY EVENT_NAME"
    )
    assert events == (("ended", "DISABLED"), ("future", "ENABLED"), ("kept", "DISABLED"))


def test_databases_named_like_those_of_the_system(odd: Odd) -> None:
    odd.source.execute("CREATE DATABASE SYS", "CREATE TABLE SYS.t (id INT)", "INSERT INTO SYS.t VALUES (1)")
    try:
        odd.dump()
        everything = Dumped(odd.source, Path(tempfile.mkdtemp(dir=odd.folder)), ())
        everything.run(odd.target)
        assert odd.differences("odd", "SYS") == []
    finally:
        odd.source.execute("DROP DATABASE SYS")
        odd.target.execute("DROP DATABASE IF EXISTS SYS")


def test_directories_that_are_no_databases(odd: Odd) -> None:
    if isinstance(odd.source, MySQL):
        pytest.skip("MySQL does not list them")
    odd.dump()
    strays = [odd.source.data / name for name in ("lost+found", ".snapshot")]
    for path in strays:
        path.mkdir()
    try:
        everything = Dumped(odd.source, Path(tempfile.mkdtemp(dir=odd.folder)), ())
        assert [text.split(" is a directory")[0] for text in everything.warnings] == [
            "#mysql50#.snapshot",
            "#mysql50#lost+found",
        ]
        excluded = ["#mysql50#.snapshot", "#mysql50#lost+found"]
        some = Dumped(odd.source, Path(tempfile.mkdtemp(dir=odd.folder)), (), exclude_databases=excluded)
        assert some.warnings == []
        everything.run(odd.target)
        assert odd.differences() == []
    finally:
        for path in strays:
            path.rmdir()


@pytest.mark.parametrize(
    "state",
    [
        ["CREATE SEQUENCE s START WITH 100", "ALTER SEQUENCE s RESTART WITH 5"],
        ["CREATE SEQUENCE s START WITH 2 MAXVALUE 3 NOCACHE", "DO NEXTVAL(s)", "DO NEXTVAL(s)"],
        ["CREATE SEQUENCE s START WITH -2 INCREMENT -1 MINVALUE -3 NOCACHE", "DO NEXTVAL(s)", "DO NEXTVAL(s)"],
        ["CREATE SEQUENCE s MAXVALUE 3 CYCLE NOCACHE", "DO NEXTVAL(s)", "DO NEXTVAL(s)", "DO NEXTVAL(s)"],
        ["CREATE SEQUENCE s CACHE 10", "DO NEXTVAL(s)"],
    ],
    ids=["restarted", "used up", "used up downwards", "cycled", "cached"],
)
def test_states_of_sequences(odd: Odd, state: list[str]) -> None:
    if isinstance(odd.source, MySQL):
        pytest.skip("MySQL has no sequences")
    dumped = odd.dump(*state)
    assert dumped.run(odd.target)["status"] == 1
    following = "SELECT next_not_cached_value FROM odd.s"
    assert odd.target.execute(following) == odd.source.execute(following)


def test_a_default_from_a_sequence_of_a_later_database(odd: Odd) -> None:
    if isinstance(odd.source, MySQL):
        pytest.skip("MySQL has no sequences")
    odd.source.execute("CREATE DATABASE other", "CREATE SEQUENCE other.s")
    dumped = odd.dump(
        "CREATE TABLE numbered (id INT DEFAULT NEXTVAL(other.s), w INT)",
        "INSERT INTO numbered (w) VALUES (1)",
        databases=("odd", "other"),
    )
    assert dumped.run(odd.target)["status"] == 1
    assert odd.differences("odd", "other") == []


def test_libraries(odd: Odd) -> None:
    if not isinstance(odd.source, MySQL):
        pytest.skip("MariaDB has no libraries")
    dumped = odd.dump("CREATE LIBRARY lib LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n } $$")
    assert dumped.run(odd.target)["status"] == 1
    shown = "SHOW CREATE LIBRARY odd.lib"
    assert odd.target.execute(shown) == odd.source.execute(shown)


def test_read_only_databases(odd: Odd) -> None:
    if not isinstance(odd.source, MySQL):
        pytest.skip("MariaDB has no read-only databases")
    dumped = odd.dump("ALTER DATABASE odd READ ONLY = 1")
    try:
        assert dumped.run(odd.target)["status"] == 1
        assert odd.target.execute("SHOW CREATE DATABASE odd") == odd.source.execute("SHOW CREATE DATABASE odd")
        assert odd.differences() == []
        odd.target.execute("ALTER DATABASE odd READ ONLY = 0")
        dumped.run(odd.target, database="odd", table="fine", overwrite=True)
        # It was writable before this restore.
        odd.target.execute("INSERT INTO odd.fine VALUES (2)")
    finally:
        odd.source.execute("ALTER DATABASE odd READ ONLY = 0")
        odd.target.execute("ALTER DATABASE odd READ ONLY = 0")


def test_time_zones_that_the_server_does_not_know(odd: Odd) -> None:
    zones = "INSERT INTO mysql.time_zone VALUES (9, 'N')", "INSERT INTO mysql.time_zone_name VALUES ('Mars/Base', 9)"
    odd.source.execute(
        *zones,
        "INSERT INTO mysql.time_zone_transition_type VALUES (9, 0, 3600, 0, 'MB')",
        "FLUSH TABLES",
    )
    dumped = odd.dump(
        "SET SESSION time_zone = 'Mars/Base'",
        "CREATE EVENT far ON SCHEDULE EVERY 1 DAY STARTS '2036-01-01 00:00:00' DO SELECT 1",
    )
    error = dumped.refusal(RestoreDiffers, odd.target)
    (difference,) = error.details["differences"]
    assert difference.startswith(
        "event odd.far could not be created: Unknown or incorrect time zone: 'Mars/Base'; load "
    )


def lost(odd: Odd, *statements: str) -> str:
    """Dump ``odd`` with one object that cannot be dumped, restore the rest; return the only error."""
    dumped = odd.dump(*statements, is_whole=False)
    (error,) = dumped.errors
    (warning,) = dumped.run(odd.target)["restore_warnings"]
    assert " is not in the backup, because its server could not read it: " in warning
    assert odd.target.execute("SELECT id FROM odd.v_fine") == ((1,),)
    return str(error)


def test_a_value_that_the_server_cannot_print(odd: Odd) -> None:
    most = odd.source.execute("SELECT @@max_allowed_packet")[0][0]
    try:
        error = lost(
            odd,
            "CREATE TABLE rough (id INT PRIMARY KEY, n FLOAT, v LONGTEXT)",
            "INSERT INTO rough VALUES (1, 0.1, REPEAT('x', 2000000)), (2, 0.1, '')",
            "SET GLOBAL max_allowed_packet = 1048576",
        )
    finally:
        odd.source.execute(f"SET GLOBAL max_allowed_packet = {most}")
    assert error.startswith("odd.rough is not in the dump, because it cannot be read: a value is longer than ")


def test_a_table_whose_name_the_client_cannot_send(odd: Odd) -> None:
    if not isinstance(odd.source, MySQL):
        pytest.skip("MariaDB's client sends it")
    error = lost(odd, "CREATE TABLE `a\\\nb` (id INT PRIMARY KEY, n FLOAT)")
    assert error.startswith("odd.a\\\nb is not in the dump, because it cannot be read: ")


@pytest.mark.parametrize(
    "damage", ["param_list = 'no type', body = 'no (', body_utf8 = 'no ('", "body = 'no ((', body_utf8 = 'no (('"]
)
def test_a_procedure_that_the_server_cannot_load(odd: Odd, damage: str) -> None:
    if isinstance(odd.source, MySQL):
        pytest.skip("nobody can damage one by SQL on MySQL")
    error = lost(
        odd,
        "CREATE PROCEDURE damaged() SELECT 1",
        "CREATE PROCEDURE good() SELECT 1",
        f"UPDATE mysql.proc SET {damage} WHERE db = 'odd' AND name = 'damaged'",
        "FLUSH TABLES",
    )
    assert error.startswith("odd: the server cannot show procedure damaged: ")
    assert odd.target.execute("SELECT name FROM mysql.proc WHERE db = 'odd'") == (("good",),)
