"""Backups restored from the bucket by the commands in their manifest are equal to the source."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration import odd_databases, restoring
from tests.integration.odd_databases import quoted
from tests.integration.restoring import assert_equal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.playbook import Installation
    from tests.servers.mariadb import MariaDB

PASSWORD = "the key to all of it"
# Databases whose names MyDumper 0.10 can dump together in one snapshot.
EASY = ("plain", "with space", "per%cent", "acentuação", "❤️ emoji", "mydumper_0")


def restore(setup: Installation, key: str, target: MariaDB, directory: Path, answer: str = "") -> dict[str, Any]:
    """Fetch a backup and execute the commands in its manifest on this machine; return the manifest."""
    directory.mkdir()
    (directory / "LOGIN.cnf").write_text(f"[client]\nsocket={target.socket}\nuser=root\n", encoding="utf-8")

    def shell(command: str, answer: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-ec", command], cwd=directory, input=answer, capture_output=True, text=True, check=False
        )

    return restoring.restore(setup.store, key, directory, shell, answer)


def rows_of(server: MariaDB, database: str, table: str) -> int:
    """Return the number of rows in a table."""
    ((count,),) = server.execute(f"SELECT COUNT(*) FROM {quoted(database)}.{quoted(table)}")
    return int(count)


@pytest.fixture
def odd(mariadb: MariaDB) -> Iterator[tuple[str, ...]]:
    """Create the odd databases on ``mariadb``; return their names."""
    try:
        yield odd_databases.fill(mariadb)
    finally:
        odd_databases.drop(mariadb)


def test_all_objects_are_restored_with_any_name(
    odd: tuple[str, ...], backup_setup: Installation, mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path
) -> None:
    """The defaults: one snapshot per database, zstd, zip."""
    outcome = backup_setup.backup()
    assert outcome.status == 0, outcome.output
    assert outcome.backup["status_backup"] == 1, outcome.backup["observacao"]
    manifest = restore(backup_setup, outcome.key, fresh_mariadb, tmp_path / "restore")
    assert {one["name"] for one in manifest["databases"]} == set(odd)
    assert_equal(mariadb, fresh_mariadb, odd)
    for one in manifest["databases"]:
        counted = {table["name"]: table["rows"] for table in one["tables"]}
        # A sequence has a state and no rows.
        assert counted.pop("counter", 0) == 0
        assert counted == {table: rows_of(mariadb, one["name"], table) for table in counted}
        assert {"rows_of_all_kinds", "kept_in_myisam", "empty_table"} <= set(counted)


def test_one_snapshot_in_an_encrypted_archive(
    odd: tuple[str, ...], backup_setup: Installation, mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path
) -> None:
    """``mode: instance``, gzip, an encrypted 7z."""
    outcome = backup_setup.backup(
        mode="instance",
        databases=list(EASY),
        compression="gzip",
        archive_format="7z",
        archive_password=PASSWORD,
    )
    assert outcome.status == 0, outcome.output
    manifest = restore(backup_setup, outcome.key, fresh_mariadb, tmp_path / "restore", f"{PASSWORD}\n")
    assert manifest["consistent"] is True
    assert manifest["archive"]["encrypted"] is True
    assert_equal(mariadb, fresh_mariadb, EASY)
    assert set(odd) > set(EASY)


def test_plain_dump_compressed_by_7_zip(
    sample_databases: tuple[str, ...],
    backup_setup: Installation,
    mariadb: MariaDB,
    fresh_mariadb: MariaDB,
    tmp_path: Path,
) -> None:
    """The sample databases as plain SQL that only 7-Zip compresses."""
    outcome = backup_setup.backup(compression="none", archive_level="1")
    assert outcome.status == 0, outcome.output
    # Packing is its own stage, so the dump is recorded before it.
    _before, recorded = outcome.output.split("Record the dump]", 1)
    assert recorded.splitlines()[1].startswith("changed")
    restore(backup_setup, outcome.key, fresh_mariadb, tmp_path / "restore")
    assert_equal(mariadb, fresh_mariadb, sample_databases)


def test_sql_mode_of_the_server_does_not_change_strings(
    backup_setup: Installation, mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path
) -> None:
    """By default, MyDumper 0.10 would write statements that cannot be loaded."""
    ((mode,),) = mariadb.execute("SELECT @@GLOBAL.sql_mode")
    mariadb.execute(
        "CREATE DATABASE texts",
        "USE texts",
        "CREATE TABLE words (id INT PRIMARY KEY, word TEXT)",
        """INSERT INTO words VALUES (1, '{"key": "a\\\\b"}'), (2, 'it''s\\n(3)'), (3, 'end\\\\')""",
        "SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'",
    )
    try:
        outcome = backup_setup.backup()
        mariadb.execute(f"SET GLOBAL sql_mode = '{mode}'")
        assert outcome.status == 0, outcome.output
        restore(backup_setup, outcome.key, fresh_mariadb, tmp_path / "restore")
        assert_equal(mariadb, fresh_mariadb, ("texts",))
    finally:
        mariadb.execute(f"SET GLOBAL sql_mode = '{mode}'", "DROP DATABASE texts")


def test_large_tables_are_restored_from_their_chunks(
    backup_setup: Installation, mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path
) -> None:
    """MyDumper begins another file after 64 MiB, and the complete ones are compressed during the dump."""
    # One row in each statement, and 68 statements in each chunk.
    rows = 69
    filler = "CONCAT('\\n(', seq, '),\\n(', REPEAT(SHA2(seq, 256), 40))"
    mariadb.execute(
        "CREATE DATABASE large",
        "USE large",
        "CREATE TABLE keyed (id INT PRIMARY KEY, text TEXT, length INT AS (LENGTH(text)) STORED)",
        f"INSERT INTO keyed (id, text) SELECT -CAST(seq AS SIGNED), {filler} FROM seq_1_to_60000",
        "CREATE TABLE unkeyed (number INT, text TEXT)",
        f"INSERT INTO unkeyed SELECT seq % 7, {filler} FROM seq_1_to_30000",
        # Its last row is alone in a chunk, and MyDumper leaves out the header of that.
        "CREATE TABLE lone (id INT PRIMARY KEY, body LONGBLOB, size INT AS (LENGTH(body)) STORED, made TIMESTAMP)",
        "INSERT INTO lone (id, body, made)"
        f" SELECT seq, REPEAT('x', 600000), '2026-01-02 03:04:05' FROM seq_1_to_{rows}",
    )
    try:
        outcome = backup_setup.backup()
        assert outcome.status in (0, 2), outcome.output
        fresh_mariadb.execute("SET GLOBAL time_zone = '-03:00'")
        manifest = restore(backup_setup, outcome.key, fresh_mariadb, tmp_path / "restore")
        files = [Path(file["path"]).name for file in manifest["files"]]
        assert [name for name in files if "large.keyed." in name] == [
            "large.keyed.00001.sql.zst",
            "large.keyed.00002.sql.zst",
            "large.keyed.00003.sql.zst",
        ]
        (large,) = manifest["databases"]
        counted = {table["name"]: table["rows"] for table in large["tables"]}
        assert counted == {"keyed": 60000, "unkeyed": 30000, "lone": rows}
        assert "large.lone.00002.sql.zst" in files
        # The size before compression.
        assert manifest["dump_bytes"] > 270_000_000
        fresh_mariadb.execute("SET GLOBAL time_zone = 'SYSTEM'")
        assert_equal(mariadb, fresh_mariadb, ("large",))
    finally:
        mariadb.execute("DROP DATABASE large")
