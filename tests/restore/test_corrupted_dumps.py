"""Dumps that lost or altered something: the restore compares with the server that was dumped, and names it."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, RestoreDiffers, RestoreFailed
from tests.playbook import Installation
from tests.restore.corrupting import (
    definition,
    replace,
    split,
    substitute,
    without_definition,
    without_last_file,
    without_rows,
)
from tests.restore.damaging import Change, Original
from tests.restore.dumping import NAME, Dumped
from tests.restore.verifying import Verifier
from tests.servers.mariadb import MariaDB

DATABASE = "witness"
SCHEMA = (
    f"CREATE DATABASE {DATABASE} COLLATE latin1_swedish_ci",
    f"USE {DATABASE}",
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '-03:00'",
    "CREATE TABLE orders (id INT PRIMARY KEY, note VARCHAR(9) CHARACTER SET utf8mb4, due DATE, state INT DEFAULT 7)",
    "CREATE INDEX due ON orders (due)",
    "INSERT INTO orders SELECT seq, CONCAT('n', seq), '2024-02-01', seq FROM seq_1_to_200",
    "UPDATE orders SET note = 'ação', due = '2023-02-31' WHERE id = 50",
    "CREATE TABLE many (id INT PRIMARY KEY, note VARCHAR(60))",
    "INSERT INTO many SELECT seq, CONCAT('n', seq) FROM seq_1_to_3000",
    # The client dumps this one, because of the FLOAT and of the invisible column.
    "CREATE TABLE exact (id INT PRIMARY KEY, amount FLOAT, note VARCHAR(9) CHARACTER SET utf8mb4)",
    "ALTER TABLE exact ADD secret INT DEFAULT 7 INVISIBLE",
    "INSERT INTO exact (id, amount, note, secret) SELECT seq, 16777210 + seq, CONCAT('n', seq), seq FROM seq_1_to_200",
    "UPDATE exact SET note = 'ação' WHERE id = 50",
    "CREATE TABLE bag (word VARCHAR(20))",
    "INSERT INTO bag SELECT CONCAT('word ', seq) FROM seq_1_to_20",
    "CREATE VIEW few AS SELECT id FROM orders WHERE id < 9",
    "CREATE FUNCTION two() RETURNS INT DETERMINISTIC RETURN 2",
    "CREATE TRIGGER counts BEFORE INSERT ON orders FOR EACH ROW SET NEW.state = NEW.state + 0",
    "CREATE EVENT rare ON SCHEDULE EVERY 1 YEAR DISABLE DO SELECT 1",
)


class Corruption(NamedTuple):
    """A change, and what the restore says of it: the object, and a pattern for the rest."""

    change: Change
    object: str
    says: str = "has another definition"


DIFFERS = {
    "a row": Corruption(
        substitute("orders", rb"^\(50,.*\n", b""), "table witness.orders", "lacks a row after id=49 and before id=51"
    ),
    "a row of an exact dump": Corruption(
        substitute("exact", rb"^\(50,.*\n", b""), "table witness.exact", "lacks a row after id=49 and before id=51"
    ),
    "a row without a key": Corruption(
        substitute("bag", rb"^\(\"word 7\"\),\n", b""), "table witness.bag", "lacks a row"
    ),
    "the last chunk": Corruption(without_last_file("many"), "table witness.many", r"lacks a row from id=15\d\d on"),
    "the last file of an exact dump": Corruption(
        without_last_file("exact"), "table witness.exact", "lacks a row after id=100"
    ),
    "all rows": Corruption(without_rows("many"), "table witness.many", "lacks a row"),
    "all rows of an exact dump": Corruption(without_rows("exact"), "table witness.exact", "lacks a row"),
    "a column of every row": Corruption(
        substitute("orders", rb"(,`state`(?=\) VALUES))|(,\d+(?=\)[,;]$))", b""),
        "table witness.orders",
        "has another value in the row id=1",
    ),
    "an invisible column of every row": Corruption(
        substitute("exact", rb"(, ?`secret`(?=\) VALUES))|(,\d+(?=\)[,;]$))", b""),
        "table witness.exact",
        "has another value in the row id=1",
    ),
    "a value": Corruption(
        replace("orders", b'"n60"', b'"n61"'), "table witness.orders", "has another value in the row id=60"
    ),
    "a value of an exact dump": Corruption(
        replace("exact", b"X'6E3630'", b"X'6E3631'"),
        "table witness.exact",
        "has another value in the row id=60",
    ),
    "a rounded FLOAT": Corruption(
        substitute("exact", rb"\b16777\d\d\d(?=e0\b)", lambda found: b"%d" % round(int(found[0]), -2)),
        "table witness.exact",
        "has another value in the row id=1",
    ),
    "an invalid date": Corruption(
        replace("orders", b"2023-02-31", b"0000-00-00"), "table witness.orders", "has another value in the row id=50"
    ),
    "a text in another character set": Corruption(
        replace("orders", "ação".encode(), "ação".encode().decode("latin1").encode()),
        "table witness.orders",
        "has another value in the row id=50",
    ),
    "a text of an exact dump in another character set": Corruption(
        replace("exact", b"X'61C3A7C3A36F'", b"X'613F3F6F'"),
        "table witness.exact",
        "has another value in the row id=50",
    ),
    "a column's type": Corruption(
        definition("tables.sql", "many", b"varchar(60)", b"varchar(50)"), "table witness.many", "has the column note as"
    ),
    "a table's columns": Corruption(
        definition("tables.sql", "bag", b"`word` varchar(20)", b"`word` varchar(20), n int"),
        "table witness.bag",
        "has the additional column n",
    ),
    "a default": Corruption(definition("tables.sql", "orders", b"DEFAULT 7", b"DEFAULT 8"), "table witness.orders"),
    "an index": Corruption(
        definition("tables.sql", "orders", b"KEY `due` (`due`)", b"KEY `due` (`id`)"), "table witness.orders"
    ),
    "an engine": Corruption(
        definition("tables.sql", "orders", b"ENGINE=InnoDB", b"ENGINE=Aria"), "table witness.orders"
    ),
    "a view": Corruption(definition("views.sql", "few", b"< 9", b"< 8"), "view witness.few"),
    "a routine": Corruption(definition("routines.sql", "two", b"RETURN 2", b"RETURN 3"), "function witness.two"),
    "a routine's SQL mode": Corruption(
        definition("routines.sql", "two", b"ALLOW_INVALID_DATES", b""), "function witness.two"
    ),
    "a trigger": Corruption(definition("triggers.sql", "counts", b"+ 0", b"+ 1"), "trigger witness.counts"),
    "an event's time zone": Corruption(
        definition("events.sql", "rare", b"'-03:00'", b"'SYSTEM'"), "event witness.rare"
    ),
    "a database's collation": Corruption(
        definition("database.sql", DATABASE, b"latin1 COLLATE latin1_swedish_ci", b"utf8mb4 COLLATE utf8mb4_bin"),
        "database witness",
        "has the collation utf8mb4_bin, not latin1_swedish_ci",
    ),
}
PROVEN = ("a row", "an invisible column of every row", "a default", "an event's time zone")
MISSING = {
    "table bag": without_definition("tables.sql", "bag"),
    "view few": without_definition("views.sql", "few"),
    "trigger counts": without_definition("triggers.sql", "counts"),
    "database witness": without_definition("database.sql", DATABASE),
}

# Commands on MyDumper's files once it has ended, and what the dump says then. A sample shows part of a large table.
LOSSES = {
    "a column": (
        r"sed -i 's/,`state`) VALUES/) VALUES/; s/,[0-9]*\()[,;]\)$/\1/' witness.orders.sql",
        "sample",
        "witness.orders: the dump lacks the column 'state' of every row",
    ),
    "a row": (
        "sed -i 60d witness.orders.sql",
        "sample",
        "witness.orders: the dump has 199 rows, and the server has at least 200",
    ),
    "a table": ("rm witness.many.sql", "sample", "witness.many: the dump has 0 rows, and the server has at least 9"),
    "most rows": (
        "sed -i 60,2900d witness.many.sql",
        "sample",
        "witness.many: the dump has 159 rows, and the server has at least 9",
    ),
    "a row of many": (
        "sed -i 60d witness.many.sql",
        "full",
        "witness.many: the dump has 2999 rows, and the server has at least 3000",
    ),
}


@pytest.fixture(scope="module")
def source(mariadb: MariaDB) -> Iterator[MariaDB]:
    """Create the database on the server that is dumped."""
    mariadb.execute(*SCHEMA)
    yield mariadb
    mariadb.execute(f"DROP DATABASE {DATABASE}")


@pytest.fixture(scope="module")
def good(source: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Dumped:
    """Dump the database."""
    return Dumped(source, tmp_path_factory.mktemp("good"), (DATABASE,), compression="none")


@pytest.fixture(scope="module")
def empty() -> Iterator[MariaDB]:
    """Run the server to restore to."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name, MariaDB(Path(name)) as server:
        yield server


@pytest.fixture
def target(empty: MariaDB) -> Iterator[MariaDB]:
    """Return the server to restore to, without the database."""
    yield empty
    empty.execute(f"DROP DATABASE IF EXISTS {DATABASE}")


def corrupted(good: Dumped, folder: Path, change: Change) -> Dumped:
    """Return a copy of a dump with *change*."""
    made = copy.copy(good)
    made.path = folder / good.path.name
    shutil.copytree(good.path, made.path)
    manifest = json.loads((made.path / "manifest.json").read_text("utf-8"))
    change(made.path, manifest)
    (made.path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return made


@pytest.mark.parametrize("what", DIFFERS)
def test_the_restore_names_what_differs(good: Dumped, target: MariaDB, tmp_path: Path, what: str) -> None:
    corruption = DIFFERS[what]
    error = corrupted(good, tmp_path, corruption.change).refusal(RestoreDiffers, target)
    found = error.details["differences"]
    assert any(re.match(f"{corruption.object} {corruption.says}", text) for text in found), found
    assert all(text.startswith(f"{corruption.object} ") for text in found), found


@pytest.mark.parametrize("what", MISSING)
def test_the_restore_names_what_is_missing(good: Dumped, target: MariaDB, tmp_path: Path, what: str) -> None:
    """Nothing is created then."""
    error = corrupted(good, tmp_path, MISSING[what]).refusal(RestoreFailed, target)
    assert f"the definition of {what} is missing from the files" in str(error)
    assert (DATABASE,) not in target.execute("SHOW DATABASES")


@pytest.mark.parametrize("change", [split("many"), split("exact")], ids=["tables", "exact"])
def test_a_good_dump_of_two_files(good: Dumped, target: MariaDB, tmp_path: Path, change: Change) -> None:
    """The changes of these tests leave a dump good that they take nothing from."""
    assert corrupted(good, tmp_path, change).run(target)["restore_warnings"] == []


def test_the_proof_names_what_differs(source: MariaDB, backup_setup: Installation, tmp_path: Path) -> None:
    """One run proves a server's backup, and for each corruption a server's that has it."""
    outcome = backup_setup.backup(databases=[DATABASE], compression="none")
    assert outcome.status == 0, outcome.output
    original = Original(backup_setup, outcome.key, tmp_path)
    corruptions = {f"{original.hostname}-{number}": DIFFERS[what] for number, what in enumerate(PROVEN)}
    for server, corruption in corruptions.items():
        original.put_changed(server, corruption.change)
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        # The scratch server's account must be able to enter it.
        Path(name).chmod(0o711)
        verifier = Verifier(backup_setup, Path(name))
        proving = verifier.run(verify_servers=[original.hostname, *corruptions], verify_poll_seconds=1)
    assert (proving.row["status"], proving.proofs) == (1, [f"{outcome.key}.proof.json"]), proving.output
    query = "SELECT servidor, status, observacao FROM restauracao_log WHERE servidor LIKE %s"
    found = {row["servidor"]: row for row in backup_setup.log_database.rows(query, f"{original.hostname}-%")}
    for server, corruption in corruptions.items():
        assert found[server]["status"] == 3
        assert re.search(rf"\[ERROR\] .*{corruption.object} {corruption.says}", found[server]["observacao"]), found


@pytest.mark.parametrize("what", LOSSES)
def test_the_dump_names_what_mydumper_lost(
    source: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    command, checksums, sentence = LOSSES[what]
    wrapper = tmp_path / "bin/mydumper"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f"""#!/bin/sh
        '{shutil.which("mydumper")}' "$@" || exit
        for argument; do
            case "$argument" in --outputdir=*) cd "${{argument#*=}}" && {command} ;; esac
        done
        """
    )
    wrapper.chmod(0o700)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    with pytest.raises(DumpFailed, match=sentence) as caught:
        Dumped(source, tmp_path, (DATABASE,), checksums=checksums)
    assert caught.value.details["status"] == 3
    assert not (tmp_path / NAME).exists()


def test_few_long_rows_are_not_taken_for_lost(mariadb: MariaDB, tmp_path: Path) -> None:
    """A sample of them holds the last one twice."""
    try:
        mariadb.execute(
            "CREATE DATABASE long_rows",
            "CREATE TABLE long_rows.t (id INT PRIMARY KEY, x LONGBLOB)",
            "USE long_rows",
            "INSERT INTO t SELECT seq, REPEAT('x', 2000000) FROM seq_1_to_20",
            "ANALYZE TABLE t",
        )
        Dumped(mariadb, tmp_path, ("long_rows",))
    finally:
        mariadb.execute("DROP DATABASE long_rows")
