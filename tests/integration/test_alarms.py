"""Sizes that frighten: ``backup_alarm`` on a real log database, and a whole run with alarms."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._alarm.check_sizes import AlarmRequest, check_sizes
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase as Target
from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import (
    Size,
    Sizes,
    pack_sizes,
    unpack_sizes,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._alarm.thirty_nights import (
    FAILED,
    NIGHTS,
    SILENCED,
    described,
    expected,
    night,
)
from tests.integration.log_db import run_module
from tests.integration.recording import DOWN, Writer, migrated
from tests.playbook import Installation, text_of
from tests.servers.mariadb import MariaDB

RUN = "0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b"
# The nights that are compared through the database; the first of them has ten backups before it.
LAST = NIGHTS[-13:]
RECORDED = NIGHTS[-24:]


@pytest.fixture
def write(log_mariadb: MariaDB, tmp_path: Path) -> Iterator[Writer]:
    with migrated(log_mariadb, tmp_path / "spool") as writer:
        yield writer


def manifest(tmp_path: Path, sizes: Sizes) -> str:
    """Write a manifest with these tables; return its path."""
    databases = [
        {
            "name": name,
            "tables": [
                {"name": table, "rows": size.rows or 0, "bytes": size.bytes, "schema_only": size.rows is None}
                for table, size in tables.items()
            ],
            "broken": [],
        }
        for name, tables in sizes.items()
    ]
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"server": {"lower_case_table_names": 0}, "databases": databases}))
    return str(path)


def orders(rows: int) -> Sizes:
    return {"shop": {"orders": Size(rows, 10 * rows)}}


def recorded(write: Writer, tmp_path: Path, sizes: Sizes, day: int, status: int = 1, **more: Any) -> None:
    """Record a backup of a day."""
    opened = write(**more)["run_uuid"]
    write(run_uuid=opened, status=status, manifest_file=manifest(tmp_path, sizes), **more)
    update = f"UPDATE backup_log SET data_inicio = '2026-01-{day:02} 03:00:00' WHERE run_uuid = '{opened}'"
    write.database.server.execute(f"USE {write.database.name}", update)


def request(write: Writer, path: str, **changes: Any) -> AlarmRequest:
    made = AlarmRequest(Target.from_options(write.options), "db1", RUN, path, 30, [], [], [], [])
    return dataclasses.replace(made, **changes)


def check(write: Writer, path: str, **changes: Any) -> dict[str, Any]:
    return check_sizes(request(write, path, **changes), RunLog(None))


def kinds(alarms: Sequence[str]) -> set[str]:
    """Return the kinds of alarms; the last sentence is on what to do."""
    return {described(alarm) for alarm in alarms[:-1]}


def test_the_last_of_thirty_nights(write: Writer, tmp_path: Path) -> None:
    raised: dict[str, list[int]] = {}
    for number in RECORDED:
        if number in LAST:
            path = manifest(tmp_path, night(number))
            found = check(write, path, silenced_tables=SILENCED)
            assert (found["compared"], found["message"]) == (10, "")
            assert found["count"] == len(kinds(found["alarms"]))
            for kind in kinds(found["alarms"]):
                raised.setdefault(kind, []).append(number)
        # A failed dump and an incomplete one are no history, nor are backups of another server.
        status = 3 if number == FAILED else 1 + number % 2
        recorded(write, tmp_path, night(number), number, status)
        if number % 5 == 0:
            recorded(write, tmp_path, {}, number, 3)
            recorded(write, tmp_path, {}, number, hostname="db2")
    nights = {kind: [number for number in numbers if number in LAST] for kind, numbers in expected().items()}
    assert raised == {kind: numbers for kind, numbers in nights.items() if numbers}


def test_the_module_and_the_record(write: Writer, tmp_path: Path) -> None:
    for day in range(1, 6):
        recorded(write, tmp_path, orders(1000), day)
    opened = write()["run_uuid"]
    path = manifest(tmp_path, orders(10))
    options = {
        **write.database.login,
        "hostname": "db1",
        "run_uuid": opened,
        "manifest": path,
        "run_log": str(tmp_path / "logs/backup_script.log"),
    }
    found = run_module("backup_alarm", options)
    assert (found["changed"], found["count"], found["compared"]) == (False, 1, 5)
    assert found["alarms"][0] in (tmp_path / "logs/backup_script.log").read_text()
    write(run_uuid=opened, status=2, backup={"alarms": found["count"]}, manifest_file=path)
    assert write.backups("alarmes IS NULL, tabelas IS NULL")[-1] == (0, 0)
    # The backup itself is not compared with itself.
    assert check(write, path, run_uuid=opened)["compared"] == 5
    assert check(write, path)["compared"] == 6


def test_the_first_five_backups_are_not_compared(write: Writer, tmp_path: Path) -> None:
    for day in range(1, 5):
        recorded(write, tmp_path, orders(1000), day)
    found = check(write, manifest(tmp_path, orders(1)))
    assert (found["compared"], found["alarms"], "count" in found) == (0, [], False)
    assert "4 earlier backups" in found["message"]


def test_a_record_without_readable_sizes_is_no_history(write: Writer, tmp_path: Path) -> None:
    for day in range(1, 8):
        recorded(write, tmp_path, orders(1000), day)
    table = f"{write.database.name}.backup_log"
    write.database.server.execute(
        f"UPDATE {table} SET tabelas = 'x' ORDER BY id LIMIT 1",
        f"UPDATE {table} SET tabelas = NULL ORDER BY id DESC LIMIT 1",
    )
    assert check(write, manifest(tmp_path, orders(1000)))["compared"] == 5


def test_many_alarms_are_cut(write: Writer, tmp_path: Path) -> None:
    tables = {f"t{number}": Size(1000 + number, 1) for number in range(500)}
    for day in range(1, 6):
        recorded(write, tmp_path, {"shop": tables}, day)
    log = tmp_path / "logs/backup_script.log"
    found = check_sizes(request(write, manifest(tmp_path, {"shop": {}})), RunLog(str(log)))
    assert (found["count"], len(found["alarms"])) == (500, 22)
    assert "shop.t499 is no longer" in found["alarms"][0]
    assert found["alarms"][-2] == "480 more alarms of sizes, see backup_script.log"
    assert log.read_text().count("is no longer in the backup") == 500


def test_a_log_database_that_is_away_is_no_failure(write: Writer, tmp_path: Path) -> None:
    away = Target.from_options({**write.options, **DOWN})
    log = tmp_path / "logs/backup_script.log"
    changed = request(write, manifest(tmp_path, orders(1)), log_database=away)
    found = check_sizes(changed, RunLog(str(log)))
    assert (found["compared"], found["alarms"]) == (0, [])
    assert "sizes: not compared with earlier backups: log database" in log.read_text()


def test_alarms_that_are_switched_off(write: Writer, tmp_path: Path) -> None:
    for day in range(1, 6):
        recorded(write, tmp_path, orders(1000), day)
    assert check(write, manifest(tmp_path, orders(1)), drop_percent=0)["alarms"] == []


def test_names_without_case_are_silenced_without_case(write: Writer, tmp_path: Path) -> None:
    for day in range(1, 6):
        recorded(write, tmp_path, orders(1000), day)
    path = Path(manifest(tmp_path, orders(1)))
    assert check(write, str(path), silenced_tables=["SHOP.*"])["count"] == 1
    path.write_text(path.read_text().replace('"lower_case_table_names": 0', '"lower_case_table_names": 1'))
    assert check(write, str(path), silenced_tables=["SHOP.*"])["count"] == 0


def test_options_that_cannot_work(write: Writer, tmp_path: Path) -> None:
    path = manifest(tmp_path, orders(1))
    with pytest.raises(OptionError, match="drop_percent 101"):
        check(write, path, drop_percent=101)
    with pytest.raises(OptionError, match="silenced_tables: 'orders'"):
        check(write, path, silenced_tables=["orders"])
    with pytest.raises(ManifestUnusable, match="nowhere"):
        check(write, "/nowhere")


def test_a_run_with_alarms_is_a_warning(backup_setup: Installation, mariadb: MariaDB) -> None:
    setup = backup_setup
    for day in range(1, 6):
        record_sizes(setup, day, {"frightened": {name: Size(300, 1800) for name in ("emptied", "dropped", "silent")}})
    mariadb.execute("CREATE DATABASE frightened", "CREATE TABLE frightened.emptied (id INT PRIMARY KEY)")
    try:
        silenced = ["frightened.sil*"]
        outcome = setup.backup(databases=["frightened"], alarm_silenced_tables=silenced, keep_daily=1)
    finally:
        mariadb.execute("DROP DATABASE frightened")
    assert outcome.status == 0, outcome.output
    row = outcome.backups[-1]
    assert (row["status_backup"], row["alarmes"]) == (2, 2)
    assert unpack_sizes(row["tabelas"]) == {"frightened": {"emptied": Size(0, 0)}}
    dropped, emptied, advice = row["observacao"].splitlines()
    assert dropped == (
        "[WARNING] table frightened.dropped is no longer in the backup; the newest one with it is "
        "backup_20260105_030000: 300 rows"
    )
    assert emptied.startswith("[WARNING] table frightened.emptied has lost 100 % of its rows: it has 0 (0 bytes)")
    assert "vex_backup_alarm_silenced_tables" in advice
    assert outcome.upload["status_upload"] == 1
    assert "frightened.dropped is no longer in the backup" in text_of(outcome.mail)


def record_sizes(setup: Installation, day: int, sizes: Sizes) -> None:
    """Record a backup of the host with these tables."""
    log = setup.log_database
    log.server.execute(
        f"INSERT INTO {log.name}.backup_log (run_uuid, hostname, status_backup, data_inicio, tabelas)"
        f" VALUES (UUID(), '{setup.hostname}', 1, '2026-01-0{day} 03:00:00', '{pack_sizes(sizes)}')"
    )
