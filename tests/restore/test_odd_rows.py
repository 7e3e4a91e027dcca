"""Rows that few tables have come back, or are named; rows of other servers are not touched."""

from __future__ import annotations

import re

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreDiffers
from tests.restore.cells import GENERATIONS, use_tools
from tests.restore.odd import Odd
from tests.servers.mysql import MySQL


def test_rows_of_another_server_are_not_touched(odd: Odd) -> None:
    """A FEDERATED table shows the rows of another server: a restore that inserted them would insert them there."""
    odd.install_engine("federatedx")
    odd.source.execute("CREATE DATABASE other", "CREATE TABLE other.far (id INT)", "INSERT INTO other.far VALUES (1)")
    odd.source.create_account("remote", "p", "ALL ON other.*")
    place = f"mysql://remote:p@127.0.0.1:{odd.source.port}/other/far"
    # MariaDB creates only tables whose server answers.
    lost = "CREATE TABLE lost (id INT) ENGINE = FEDERATED CONNECTION = 'mysql://remote:p@127.0.0.1:1/other/far'"
    dumped = odd.dump(
        f"CREATE TABLE remote (id INT) ENGINE = FEDERATED CONNECTION = '{place}'",
        *([lost] if isinstance(odd.source, MySQL) else []),
    )
    result = dumped.run(odd.target)
    assert result["restore_warnings"] == []
    remote = "odd.remote is in the backup without rows, which the engine FEDERATED keeps elsewhere"
    assert remote in result["databases"][0]["left_out"]
    assert odd.source.execute("SELECT COUNT(*) FROM other.far") == ((1,),)
    ((_name, text),) = odd.target.execute("SHOW CREATE TABLE odd.remote")
    assert place in text


def test_tables_without_columns_of_their_own(odd: Odd) -> None:
    dumped = odd.dump("CREATE TABLE computed (a INT AS (1), b INT AS (a + 1))", "INSERT INTO computed VALUES (), ()")
    assert dumped.run(odd.target)["status"] == 1
    assert odd.differences() == []


def test_numbers_in_json_that_no_text_carries(odd: Odd) -> None:
    if not isinstance(odd.source, MySQL):
        pytest.skip("MariaDB keeps the text of a document")
    dumped = odd.dump(
        "CREATE TABLE documents (id INT PRIMARY KEY, plain JSON, `odd é` JSON)",
        """INSERT INTO documents VALUES (1, '{"a": 1.5, "b": "ç", "c": [1, null]}', '1.5'),
             (2, NULL, JSON_OBJECT('n', CAST(1.50 AS DECIMAL(9, 2)))), (3, JSON_OBJECT('d', DATE '2020-1-1'), NULL)""",
    )
    assert dumped.warnings == ["odd.documents: the JSON column 'odd é' holds DECIMAL numbers that come back as DOUBLE"]
    assert dumped.run(odd.target)["restore_warnings"] == []
    (difference,) = odd.differences()
    assert difference.startswith("database odd / table documents / rows / row 2 / odd é: expected ")


@pytest.mark.parametrize("members", ["ENUM('a', '😀')", "SET('a', '😀')"], ids=["ENUM", "SET"])
def test_members_that_no_definition_shows(odd: Odd, members: str) -> None:
    kind = members.partition("(")[0]
    dumped = odd.dump(
        f"CREATE TABLE chosen (id INT PRIMARY KEY, c {members} CHARACTER SET utf8mb4, q {kind}('?'))",
        "INSERT INTO chosen VALUES (1, 1, 1), (2, 2, NULL)",
    )
    (warning,) = dumped.warnings
    assert warning == (
        f"odd.chosen: the {kind} column 'c' has members with characters beyond U+FFFF, which the server does not show: "
        "they come back as ?"
    )
    assert dumped.run(odd.target)["restore_warnings"] == []
    assert odd.target.execute("SELECT id, c + 0, c FROM odd.chosen ORDER BY id") == ((1, 1, "a"), (2, 2, "?"))


@pytest.mark.parametrize("generation", GENERATIONS)
def test_rows_longer_than_a_statement(odd: Odd, generation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MyDumper warns of them, some of the time. They are no warning of the dump, and one line of its log."""
    use_tools(monkeypatch, odd.product, generation)
    rows = ", ".join(
        f"({number}, REPEAT('x', {length}))" for number, length in enumerate([1_100_000, 1_200_000, 2, 1_300_000])
    )
    dumped = odd.dump(
        *(f"CREATE TABLE {name} (id INT PRIMARY KEY, w LONGTEXT)" for name in ("first", "second")),
        *(f"INSERT INTO {name} VALUES {rows}" for name in ("first", "second")),
    )
    assert dumped.warnings == []
    log = (dumped.path.parent / "dump.log").read_text(encoding="utf-8")
    (line,) = [line for line in log.splitlines() if "Row bigger than" in line]
    assert re.fullmatch(
        r"# Row bigger than statement_size, in a statement of its own: \d times, odd.first \(\d\), odd.second \(\d\)",
        line,
    )
    assert dumped.run(odd.target)["restore_warnings"] == []
    assert odd.differences() == []


def test_generated_values_of_other_sessions(odd: Odd) -> None:
    """MariaDB stores no value that depends on the language, and the time zone only of some types."""
    is_mysql = isinstance(odd.source, MySQL)
    word, moment = ("DATE_FORMAT(d, '%W \\'')", "FROM_UNIXTIME(id)") if is_mysql else ("id", "CONCAT(t, 'x')")
    dumped = odd.dump(
        f"""CREATE TABLE computed (id INT PRIMARY KEY, d DATE, t TIMESTAMP NULL, v INT AS (id + 1),
              s INT AS (id / 7) STORED, `a word` TINYTEXT AS ({word}) STORED, moment TINYTEXT AS ({moment}) STORED)""",
        "CREATE TABLE same LIKE computed",
        "SET SESSION time_zone = '+00:00', lc_time_names = 'en_US'",
        "INSERT INTO same (id, d, t) VALUES (1, '2024-01-02', '2024-01-02 03:04:05'), (2, NULL, NULL)",
        "SET SESSION time_zone = '-03:00', lc_time_names = 'pt_BR'",
        "INSERT INTO computed (id, d, t) VALUES (1, '2024-01-02', '2024-01-02 03:04:05'), (2, NULL, NULL)",
    )
    names = ["a word", "moment"] if is_mysql else ["moment"]
    assert dumped.warnings == [
        f"odd.computed: values of the generated column {name!r} depend on the time zone or language of a session, and "
        "a restore computes them otherwise"
        for name in names
    ]
    error = dumped.refusal(RestoreDiffers, odd.target)
    assert error.details["differences"] == ["table odd.computed has another value in the row id=1"]
    assert odd.target.execute("SELECT * FROM odd.same") == odd.source.execute("SELECT * FROM odd.same")


def test_rows_that_take_their_keys_in_order(odd: Odd, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ARCHIVE table refuses a key below the greatest one."""
    odd.install_engine("archive")
    monkeypatch.setattr("ansible_collections.vex.backup.plugins.module_utils._dump.exact_dump._FILE_BYTES", 100_000)
    monkeypatch.setattr("ansible_collections.vex.backup.plugins.module_utils._mysql.limits._STATEMENT_BYTES", 9_000)
    limit = "cte_max_recursion_depth" if isinstance(odd.source, MySQL) else "max_recursive_iterations"
    dumped = odd.dump(
        "CREATE TABLE archived (id INT AUTO_INCREMENT PRIMARY KEY, w VARCHAR(99)) ENGINE = ARCHIVE",
        f"SET SESSION {limit} = 9000",
        """INSERT INTO archived (w) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
             SELECT SHA2(i, 256) FROM n""",
    )
    assert len(list((dumped.path / "dump" / "odd" / "exact").glob("archived*"))) > 5
    (warning,) = dumped.run(odd.target)["restore_warnings"]
    assert warning == "table odd.archived is large and has no key: its rows were not compared"
    assert odd.differences() == []
