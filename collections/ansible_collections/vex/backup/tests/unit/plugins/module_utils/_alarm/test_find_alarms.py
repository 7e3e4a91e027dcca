# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sizes that are alarming, and those that are not."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._alarm.find_alarms import Settings, find_alarms
from ansible_collections.vex.backup.plugins.module_utils._dump.table_filter import TableFilter
from ansible_collections.vex.backup.plugins.module_utils._log_db.size_history import PastBackup
from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import Size, Sizes

# Rows by table; ``None`` for a table without its rows.
Rows = t.Mapping[str, t.Optional[int]]


def database(rows: Rows, row_bytes: int = 10) -> t.Dict[str, Size]:
    return {name: Size(count, (count or 0) * row_bytes) for name, count in rows.items()}


def settings(*silenced: str, percent: int = 30, **more: t.Any) -> Settings:
    return Settings(percent, TableFilter("silenced_tables", silenced, ignore_case=False), **more)


def history(*backups: Sizes) -> t.List[PastBackup]:
    """Return earlier backups, given oldest first, as the log database has them."""
    named = [PastBackup(f"backup_{number + 1}", sizes) for number, sizes in enumerate(backups)]
    return named[:-11:-1]


def alarms(
    earlier: t.Sequence[Rows], now: Rows, choice: t.Optional[Settings] = None, *, row_bytes: int = 10
) -> t.List[str]:
    """Return the alarms of the database ``shop``, whose tables had and have these rows."""
    past = history(*({"shop": database(rows, row_bytes)} for rows in earlier))
    return find_alarms(past, {"shop": database(now, row_bytes)}, choice or settings())


def test_a_table_that_lost_rows() -> None:
    counts = [900, 1000, 1100, 1000, 1000]
    (sentence,) = alarms([{"orders": count} for count in counts], {"orders": 400})
    assert sentence == (
        "table shop.orders has lost 60 % of its rows: it has 400 (4000 bytes), and the median of the last 5 backups is "
        "1000 (10000 bytes)"
    )


@pytest.mark.parametrize(
    ("rows", "percent", "number"), [(700, 30, 0), (699, 30, 1), (0, 100, 0), (0, 99, 1), (5, 1, 1)]
)
def test_the_part_that_a_table_may_lose(rows: int, percent: int, number: int) -> None:
    assert len(alarms([{"orders": 1000}] * 10, {"orders": rows}, settings(percent=percent))) == number


@pytest.mark.parametrize(("usual", "number"), [(99, 0), (100, 1)])
def test_a_small_table_frightens_nobody(usual: int, number: int) -> None:
    assert len(alarms([{"orders": usual}] * 10, {"orders": 0})) == number


@pytest.mark.parametrize(("backups", "number"), [(0, 0), (4, 0), (5, 1), (30, 1)])
def test_the_first_five_backups_have_no_alarm(backups: int, number: int) -> None:
    assert len(alarms([{"orders": 1000}] * backups, {"orders": 0})) == number


def test_only_the_last_ten_backups_count() -> None:
    assert alarms([{"orders": 5000}] * 20 + [{"orders": 1000}] * 10, {"orders": 900}) == []


def test_a_table_that_vanished() -> None:
    earlier = [{"kept": 5, "orders": 1000 + night, "empty": 0} for night in range(6)]
    assert alarms(earlier, {"kept": 5}) == [
        "table shop.orders is no longer in the backup; the newest one with it is backup_6: 1005 rows",
        "table shop.empty is no longer in the backup; the newest one with it is backup_6: empty",
    ]


def test_a_vanished_table_whose_rows_were_not_in_the_backups() -> None:
    assert alarms([{"kept": 5, "log": None}] * 5, {"kept": 5}) == [
        "table shop.log is no longer in the backup; the newest one with it is backup_5"
    ]


@pytest.mark.parametrize(("present", "number"), [(4, 0), (5, 1)])
def test_a_table_that_was_there_for_a_while_may_go(present: int, number: int) -> None:
    earlier = [{"kept": 5}] * (10 - present) + [{"kept": 5, "import": 1000}] * present
    assert len(alarms(earlier, {"kept": 5})) == number


def test_a_renamed_table_is_recognized() -> None:
    now: Rows = {"bought": 1010, "sold": 800, "tiny": 3, "log": None, "kept": 1000}
    (sentence,) = alarms([{"orders": 1000, "kept": 1000}] * 5, now)
    assert sentence == (
        "table shop.orders is no longer in the backup; the newest one with it is backup_5: 1000 rows; shop.bought is "
        "new, with about as many: a new name?"
    )


def test_a_silenced_table_has_no_alarm() -> None:
    earlier = [{"orders": 1000, "import_1": 900_000, "gone": 1000}] * 6
    now = {"orders": 1000, "import_1": 3}
    assert len(alarms(earlier, now)) == 3
    assert alarms(earlier, now, settings("shop.import_*", "shop.gone")) == []
    assert alarms(earlier, now, settings("*.*")) == []


def test_a_table_without_its_rows_is_not_compared() -> None:
    assert alarms([{"orders": 500_000}] * 6, {"orders": None}) == []
    assert alarms([{"orders": None}] * 6, {"orders": 500_000}) == []
    assert alarms([{"orders": None}] * 6 + [{"orders": 1000}] * 4, {"orders": 1}) == []


def test_the_gravest_alarms_come_first() -> None:
    earlier = [{"shop": database({"a": 1000, "b": 5000, "c": 300, "d": 9000}, 1000), "crm": database({"x": 1})}] * 6
    now = {"shop": database({"a": 100, "b": 100}, 1000)}
    assert [sentence.split(" ")[1] for sentence in find_alarms(history(*earlier), now, settings())] == [
        "crm",
        "dump",
        "shop.d",
        "shop.c",
        "shop.b",
        "shop.a",
    ]


def test_a_database_that_vanished() -> None:
    both = {"shop": database({"orders": 9}), "crm": database({"people": 10, "log": None, "import": 5})}
    now = {"shop": database({"orders": 9})}
    past = history(*[both] * 6)
    assert find_alarms(past, now, settings("crm.import")) == [
        "database crm is no longer in the backup; the newest one with it is backup_6: 2 tables, 10 rows"
    ]
    assert find_alarms(past, now, settings("crm.*")) == []
    assert find_alarms(past, now, settings(exclude_databases=["CRM"])) == []
    assert find_alarms(past, now, settings(databases=["shop"])) == []
    assert find_alarms(history(*[now] * 6, *[both] * 4), now, settings()) == []


def test_only_databases_that_both_have_are_compared() -> None:
    """Every night one of two databases is dumped, and all of them on this one."""
    shop, crm = {"shop": database({"orders": 900_000})}, {"crm": database({"people": 900_000})}
    past = history(*[shop, crm] * 5)
    assert find_alarms(past, {**shop, **crm, "new": database({"x": 9_000_000})}, settings()) == []
    (sentence,) = find_alarms(past, {"shop": database({"orders": 500_000}), **crm}, settings())
    assert sentence.startswith("table shop.orders has lost 44 %")
    assert find_alarms(history(*[shop] * 10), {"crm": database({"people": 1})}, settings(databases=["crm"])) == []
    assert find_alarms(history(*[shop] * 6, *[crm] * 4), {"crm": database({"people": 1})}, settings("shop.*")) == []


@pytest.mark.parametrize(
    ("usual", "now", "change"),
    [
        (1_000_000, 500_000, "at most half"),
        (1_000_000, 500_001, ""),
        (1_000_000, 1_999_999, ""),
        (1_000_000, 2_000_000, "at least twice"),
        (999_999, 1, ""),
        (0, 1_000_000, "at least twice"),
        (0, 999_999, ""),
    ],
)
def test_a_dump_of_an_unusual_size(usual: int, now: int, change: str) -> None:
    # The number of rows stays.
    past = history(*[{"shop": {"orders": Size(1000, usual)}}] * 9, {"shop": {"orders": Size(1000, 77)}})
    sentence = (
        f"the dump has {change} its usual size: the compared tables have {now} bytes, and the median of the last "
        f"10 backups is {usual} bytes"
    )
    found = find_alarms(past, {"shop": {"orders": Size(1000, now)}}, settings())
    assert found == ([sentence] if change else [])


def test_tables_without_rows_do_not_count_for_the_size_of_the_dump() -> None:
    past = history(*[{"shop": {"orders": Size(10, 10), "log": Size(10, 9_000_000)}}] * 10)
    assert find_alarms(past, {"shop": {"orders": Size(10, 10), "log": Size(None, 0)}}, settings()) == []
