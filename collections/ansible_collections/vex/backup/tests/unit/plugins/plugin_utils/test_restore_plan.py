# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the text of a restore's plan."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.filter.restore_plan import FilterModule

SHOP = {"name": "shop", "as": "shop", "tables": 1, "rows": 204740, "views": 1, "programs": 3, "left_out": []}
NO_ACCOUNTS: t.Dict[str, t.Any] = {"held": 0, "created": [], "existing": []}
PLAN = {
    "backup": "backup_20260101_030000",
    "server": "db01",
    "from": "s3://bucket/mysql/db01/2026/01/backup_20260101_030000.zip",
    "taken": "2026-01-01 03:00:00",
    "proven": None,
    "proof_fault": None,
    "archive_bytes": 455_010_000,
    "dump_bytes": 964_000_000,
    "encrypted": False,
    "cold": "",
    "dumped_from": "mysql 9.7.4",
    "into": "db02:3306",
    "into_version": "MySQL 9.7.4",
    "databases": [SHOP],
    "table": "",
    "accounts": NO_ACCOUNTS,
    "server_objects": [],
    "existing": [],
    "overwrite": False,
}
THAW = "--thaw (vex_backup_restore_thaw) waits, for hours, until it can be read"
ACCOUNTS = "--accounts (vex_backup_restore_accounts)"
describe = FilterModule().filters()["restore_plan"]


def test_a_plan() -> None:
    assert describe(PLAN).splitlines() == [
        "Backup:      backup_20260101_030000 of db01, taken 2026-01-01 03:00:00 UTC, not proven",
        "From:        s3://bucket/mysql/db01/2026/01/backup_20260101_030000.zip: 455.01 MB",
        "Holds:       964.00 MB of mysql 9.7.4, when unpacked",
        "Into:        db02:3306 (MySQL 9.7.4)",
        "Restore:     shop: 1 table, 204740 rows, 1 view, 3 programs",
    ]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"databases": [{**SHOP, "as": "before", "rows": 0, "views": 0, "programs": 0, "left_out": ["no log"]}]},
            ["Restore:     shop as before: 1 table, 0 rows", "Note:        no log"],
        ),
        ({"table": "orders"}, ["Restore:     shop.orders: 1 table, 204740 rows, 1 view, 3 programs"]),
        (
            {"databases": [{**SHOP, "tables": 0, "rows": 0, "views": 0, "programs": 0}]},
            ["Restore:     shop: empty"],
        ),
        (
            {"accounts": {**NO_ACCOUNTS, "held": 1}},
            [f"Note:        1 account is in the backup, and restored only with {ACCOUNTS}"],
        ),
        (
            {"accounts": {"held": 2, "created": ["a"], "existing": ["b"]}},
            ["Accounts:    1 to create", "Unchanged:   b, which exists"],
        ),
        (
            {"server_objects": ["server `remote`"]},
            ["Note:        server `remote` is in the backup, and not restored"],
        ),
        (
            {"cold": "GLACIER"},
            [
                f"Note:        it is in cold storage (GLACIER): {THAW}",
                "Restore:     shop: 1 table, 204740 rows, 1 view, 3 programs",
            ],
        ),
        ({"existing": ["shop: orders"]}, ["In the way:  shop: orders"]),
        ({"existing": ["shop: orders"], "overwrite": True}, ["Drop first:  shop: orders"]),
    ],
)
def test_lines_of_a_plan(changes: t.Dict[str, t.Any], lines: t.List[str]) -> None:
    assert describe({**PLAN, **changes}).splitlines()[-len(lines) :] == lines


def test_a_plan_of_another_shape() -> None:
    with pytest.raises(AnsibleFilterError, match="restore_plan: KeyError"):
        describe({})
