"""Tables that are left out of a backup, or backed up without rows: the manifest lists them, and the restore says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from tests.restore.dumping import Dumped
from tests.servers.mariadb import MariaDB

STATEMENTS = (
    "CREATE DATABASE chosen",
    "USE chosen",
    "CREATE TABLE kept (id INT PRIMARY KEY)",
    "INSERT INTO kept VALUES (1)",
    "CREATE TABLE log_plain (id INT PRIMARY KEY)",
    "INSERT INTO log_plain VALUES (1), (2)",
    "CREATE TABLE `log é` (x FLOAT) ENGINE = MyISAM",
    "INSERT INTO `log é` VALUES (0.1)",
    "CREATE TABLE queue_plain (id INT PRIMARY KEY)",
    "INSERT INTO queue_plain VALUES (1), (2), (3)",
    "CREATE TABLE queue_rough (x FLOAT) ENGINE = MyISAM",
    "INSERT INTO queue_rough VALUES (0.1)",
    "CREATE VIEW log_view AS SELECT id FROM kept",
    "CREATE VIEW upon_log AS SELECT id FROM log_plain",
    "CREATE VIEW upon_kept AS SELECT id AS log_plain FROM kept",
    "CREATE VIEW a_upon_view AS SELECT k.id FROM (kept k JOIN upon_log u ON k.id = u.id)",
    "CREATE DATABASE beside",
    "CREATE VIEW beside.abroad AS SELECT id FROM chosen.log_plain",
    "CREATE VIEW beside.fine AS SELECT id FROM chosen.kept",
    "CREATE TRIGGER of_log BEFORE INSERT ON log_plain FOR EACH ROW SET NEW.id = NEW.id",
    "CREATE TRIGGER of_queue BEFORE INSERT ON queue_plain FOR EACH ROW SET NEW.id = NEW.id",
)
LEFT_OUT = ["log_plain", "log é", "log_view"]
SCHEMA_ONLY = ["queue_plain", "queue_rough"]


@pytest.fixture(params=["individual", "instance"])
def dumped(request: pytest.FixtureRequest, mariadb: MariaDB, tmp_path: Path) -> Iterator[Dumped]:
    mariadb.execute(*STATEMENTS)
    filters: dict[str, Any] = {"exclude_tables": ["chosen.log*"], "schema_only_tables": ["cho*.queue_*"]}
    yield Dumped(mariadb, tmp_path, ("beside", "chosen"), mode=request.param, **filters)
    mariadb.execute("DROP DATABASE chosen", "DROP DATABASE beside")


def test_the_manifest_lists_them(dumped: Dumped) -> None:
    assert dumped.warnings == []
    _beside, database = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))["databases"]
    assert sorted(database["left_out"]) == sorted(LEFT_OUT)
    rows = {one["name"]: (one["rows"], one["files"] == [], one["schema_only"]) for one in database["tables"]}
    assert rows == {"kept": (1, False, False), "queue_plain": (0, True, True), "queue_rough": (0, True, True)}
    assert [one["name"] for one in database["programs"]] == ["of_queue"]


def test_the_restore_names_them(dumped: Dumped, fresh_mariadb: MariaDB) -> None:
    result = dumped.run(fresh_mariadb)
    _beside, database = result["databases"]
    assert sorted(database["left_out"]) == sorted(
        [
            *(f"chosen.{name} was left out of the backup by exclude_tables" for name in LEFT_OUT),
            *(f"chosen.{name} is in the backup without rows, by schema_only_tables" for name in SCHEMA_ONLY),
        ]
    )
    warnings = sorted(result["restore_warnings"])
    assert [text.split(" was not")[0] for text in warnings] == [
        "view beside.abroad",
        "view chosen.a_upon_view",
        "view chosen.upon_log",
    ]
    assert warnings[2].startswith(
        "view chosen.upon_log was not created: Table 'chosen.log_plain' doesn't exist; it was "
    )
    assert warnings[2].endswith("unusable in the backup: it uses a table that is not in the dump")
    for text in database["left_out"]:
        assert text in dumped.log.read_text(encoding="utf-8")
    assert fresh_mariadb.execute("SHOW TABLES FROM beside") == (("fine",),)
    assert fresh_mariadb.execute("SHOW TABLES FROM chosen") == (
        ("kept",),
        ("queue_plain",),
        ("queue_rough",),
        ("upon_kept",),
    )
    assert fresh_mariadb.execute("SELECT COUNT(*) FROM chosen.queue_plain") == ((0,),)


def test_one_of_them_cannot_be_restored(dumped: Dumped, fresh_mariadb: MariaDB) -> None:
    error = dumped.refusal(OptionError, fresh_mariadb, database="chosen", table="log_plain")
    assert "chosen.log_plain was left out of the backup by exclude_tables: choose a table of the backup" in str(error)
