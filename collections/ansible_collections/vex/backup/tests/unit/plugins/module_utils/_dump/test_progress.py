# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of a dump at each point of its progress, with the values that the record and the mail show."""

from __future__ import annotations

import datetime

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan, TablePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.progress import Progress
from ansible_collections.vex.backup.plugins.module_utils._dump.run_tools import DumpResult
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import SERVER, make_plan
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import make_table

NOON = datetime.datetime(2026, 1, 1, 12)
PATH = "/work/backup_20260101_120000"
PLAN = make_plan(
    DatabasePlan("shop", "shop", [TablePlan(make_table("a"), ""), TablePlan(make_table("b"), "")], [], [], ["log"]),
    DatabasePlan("stock", "stock", [TablePlan(make_table("c"), "")], [], []),
    mode="instance",
)
PLANNED = {
    "databases": ["shop", "stock"],
    "tables": 3,
    "left_out": ["left out by exclude_tables: shop.log"],
    "server": {"product": "mariadb", "version": "10.11.18-MariaDB-log"},
    "tool_version": "MyDumper 0.10.1",
    "snapshot": "instance",
}


def minute(number: int) -> datetime.datetime:
    return NOON + datetime.timedelta(minutes=number)


def test_nothing_is_known_at_first() -> None:
    assert Progress(PATH).result(changed=False) == {"changed": False, "status": 3, "dump_path": PATH}
    assert Progress(PATH).failure("no server") == {
        "changed": False,
        "status": 3,
        "dump_path": PATH,
        "dump_errors": ["no server"],
    }


def test_a_plan() -> None:
    progress = Progress(PATH, status=1, server=SERVER, plan=PLAN, needs={"disk": ""}, notes={"lock": "held"})
    assert progress.result(changed=True) == {
        "changed": True,
        "status": 1,
        "dump_path": PATH,
        "server_version": "MariaDB 10.11.18",
        "needs": {"disk": ""},
        "notes": {"lock": "held"},
        **PLANNED,
    }


def test_a_record_has_room_for_fifty_names() -> None:
    names = [f"t{number:02d}" for number in range(52)]
    plan = make_plan(DatabasePlan("shop", "shop", [], [], [], names))
    (sentence,) = Progress(PATH, plan=plan).result(changed=False)["left_out"]
    assert sentence.startswith("left out by exclude_tables: shop.t00, shop.t01, ")
    assert sentence.endswith(", shop.t49 and 2 more")


def test_a_whole_dump() -> None:
    progress = Progress(
        PATH,
        status=2,
        plan=PLAN,
        dump_started=minute(0),
        dump_finished=minute(1),
        dumped=DumpResult(warnings=["w"], bytes=7),
        compression_started=minute(2),
        compression_finished=minute(3),
        compressed_bytes=0,
    )
    whole = {
        "changed": True,
        "status": 2,
        "dump_path": PATH,
        **PLANNED,
        "dump_bytes": 7,
        "dump_warnings": ["w"],
        "dump_errors": [],
        "binlog_coordinates": "",
        "consistent": True,
        "dump_started": "2026-01-01 12:00:00",
        "dump_finished": "2026-01-01 12:01:00",
        "compression_started": "2026-01-01 12:02:00",
        "compression_finished": "2026-01-01 12:03:00",
        "manifest": f"{PATH}/manifest.json",
        "compressed_bytes": 0,
    }
    assert progress.result(changed=True) == whole
    # It has its final name, and then failed.
    assert progress.failure("late") == {**whole, "status": 3, "dump_errors": ["late"]}


def test_the_errors_of_a_failed_dump() -> None:
    lost = DumpResult(lost=["l"], errors=["e"], consistent=False)
    assert Progress(PATH, dumped=lost).result(changed=False)["dump_errors"] == ["e", "l"]
    failed = Progress(PATH, status=1, dumped=lost).failure("why")
    assert (failed["status"], failed["dump_errors"], failed["changed"]) == (3, ["l", "e"], False)
    assert failed["consistent"] is False
    only_lost = Progress(PATH, dumped=DumpResult(lost=["l"]))
    assert only_lost.failure("why")["dump_errors"] == ["l", "why"]
