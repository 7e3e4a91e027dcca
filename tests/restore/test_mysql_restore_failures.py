"""mysql_restore of damaged backups, with wrong options and on servers that refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    CommandTimeout,
    ManifestUnusable,
    OptionError,
    ProgramMissing,
    RestoreDiffers,
    RestoreFailed,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._restore import load as load_module
from tests.restore.dumping import Dumped, small_dump
from tests.servers.mariadb import MariaDB


@pytest.fixture
def small(mariadb: MariaDB, tmp_path: Path) -> Iterator[Dumped]:
    with small_dump(mariadb, tmp_path) as dumped:
        yield dumped


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


def test_row_counts_that_the_manifest_lacks(small: Dumped, fresh_mariadb: MariaDB) -> None:
    path = small.path / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["databases"][0]["tables"][1].update(rows=None, sha256=None)
    path.write_text(json.dumps(manifest))
    assert small.run(fresh_mariadb)["restore_warnings"] == [
        "small: the manifest has no row counts for second, so they were not compared"
    ]


def test_the_deadline(small: Dumped, fresh_mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", iter(range(0, 10_000, 10)).__next__)
    assert "the restore took longer than" in str(small.refusal(CommandTimeout, fresh_mariadb, timeout=5))


def test_a_database_without_its_statement(small: Dumped, fresh_mariadb: MariaDB) -> None:
    (small.path / "dump/small/tables/small-schema-create.sql").unlink()
    assert small.run(fresh_mariadb)["rows"] == 4


def test_a_trigger_whose_table_cannot_be_read(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """A warning reports the missing trigger."""
    small.source.execute(
        "CREATE TRIGGER small.t BEFORE INSERT ON /* which */ small.first FOR EACH ROW SET NEW.id = NEW.id"
    )
    dumped = Dumped(small.source, tmp_path / "with", ("small",))
    (warning,) = dumped.run(fresh_mariadb, database="small", table="first")["restore_warnings"]
    assert "1 triggers were not restored" in warning


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


def test_another_generation_of_mydumper_is_refused(small: Dumped, fresh_mariadb: MariaDB) -> None:
    manifest = small.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"mydumper": "0.10', '"mydumper": "1.0'))
    message = str(small.refusal(ProgramMissing, fresh_mariadb))
    assert "the backup was made by MyDumper 0.20 or later" in message
