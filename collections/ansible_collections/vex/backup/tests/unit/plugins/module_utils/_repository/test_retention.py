# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of retention, and their reasons."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.retention import Decisions, Policy, decide

START = datetime.datetime(2026, 1, 1, 3)
DAY = datetime.timedelta(days=1)


def backup(taken: datetime.datetime, **changes: t.Any) -> StoredBackup:
    name = taken.strftime(RUN_NAME)
    made = StoredBackup(name, "db1", f"db1/{taken:%Y/%m}/{name}.zip", 7, "e", taken, taken, True, False, None, False)
    return made._replace(**changes)


def daily(count: int) -> t.List[StoredBackup]:
    """Return one good backup a day, from 2026-01-01, a Thursday."""
    return [backup(START + day * DAY) for day in range(count)]


def decisions(backups: t.Sequence[StoredBackup], *policy: int, **changes: t.Any) -> Decisions:
    now = max((one.taken for one in backups), default=START)
    return decide(backups, changes.pop("faults", {}), Policy(*policy), changes.pop("now", now), **changes)


def kept(found: Decisions) -> t.List[str]:
    """Return month and day of the backups that stay, newest first."""
    return [f"{one.backup.taken:%m-%d}" for one in found.decisions if one.keep]


def reason(found: Decisions, taken: datetime.datetime) -> str:
    (one,) = [one for one in found.decisions if one.backup.taken == taken]
    return one.reason


def test_without_a_policy_everything_stays() -> None:
    found = decisions(daily(3))
    assert kept(found) == ["01-03", "01-02", "01-01"]
    assert {one.reason for one in found.decisions} == {"retention is off: no number of backups to keep is set"}
    assert found.refusal is None
    assert decisions([], 1) == Decisions([])


def test_incomplete_backups_take_no_place_of_whole_ones() -> None:
    backups = daily(6)
    for day in (2, 4):
        backups[day] = backups[day]._replace(manifest=False, incomplete=True)
    found = decisions(backups, 2)
    assert kept(found) == ["01-06", "01-05", "01-04"]
    assert reason(found, START + 4 * DAY) == "incomplete; 2 of the newest 2"
    assert reason(found, START + 2 * DAY) == "no rule keeps it"
    fault = {backups[4].key: "forged"}
    assert reason(decisions(backups, 2, faults=fault), START + 4 * DAY).startswith("counts for no rule")
    backups[2] = backups[2]._replace(held=True)
    assert kept(decisions(backups, 2)) == ["01-06", "01-05", "01-04", "01-03"]


def test_what_is_no_backup_takes_no_place_of_an_incomplete_one() -> None:
    backups = daily(5)
    backups[1] = backups[1]._replace(manifest=False, incomplete=True)
    backups[2] = backups[2]._replace(manifest=False)
    found = decisions(backups, 2, faults={backups[3].key: "forged"})
    assert kept(found) == ["01-05", "01-04", "01-03", "01-02", "01-01"]
    assert [reason(found, backups[day].taken) for day in (0, 1)] == [
        "2 of the newest 2",
        "incomplete; 2 of the newest 2",
    ]


def test_nothing_is_removed_while_the_newest_backup_is_incomplete() -> None:
    backups = daily(3)
    backups[2] = backups[2]._replace(manifest=False, incomplete=True)
    found = decisions(backups, 1)
    assert kept(found) == ["01-03", "01-02", "01-01"]
    assert found.refusal is not None
    assert found.refusal == (
        "nothing is removed: the newest backup, backup_20260103_030000, is not whole; run vex-backup audit, and remove "
        "it or make another backup"
    )


def test_the_newest_backups_stay() -> None:
    found = decisions(daily(4), 2)
    assert kept(found) == ["01-04", "01-03"]
    assert reason(found, START + 2 * DAY) == "2 of the newest 2"
    assert reason(found, START) == "no rule keeps it"


def test_the_newest_of_each_period_stays() -> None:
    found = decisions(daily(59), 0, 2, 3, 2, 1)
    # The newest backup of a week is that of Sunday.
    assert kept(found) == ["02-28", "02-27", "02-22", "02-15", "01-31"]
    assert reason(found, datetime.datetime(2026, 2, 28, 3)) == (
        "1 of the newest 1; daily 1 of 2, 2026-02-28; weekly 1 of 3, 2026-W09; monthly 1 of 2, 2026-02; "
        "yearly 1 of 1, 2026"
    )
    assert reason(found, datetime.datetime(2026, 2, 22, 3)) == "weekly 2 of 3, 2026-W08"


def test_the_newest_of_several_a_day_stays() -> None:
    hours = [backup(START + hour * datetime.timedelta(hours=6)) for hour in range(8)]
    assert [f"{one.backup.taken:%d %H}" for one in decisions(hours, 1, 2).decisions if one.keep] == ["02 21", "01 21"]


def test_only_days_with_a_backup_count() -> None:
    paused = [backup(START), backup(START + 90 * DAY), backup(START + 91 * DAY)]
    assert kept(decisions(paused, 1, 3)) == ["04-02", "04-01", "01-01"]


def test_the_newest_proven_one_and_the_held_ones_stay() -> None:
    backups = daily(5)
    backups[0] = backups[0]._replace(held=True)
    backups[1] = backups[1]._replace(proven=START + 9 * DAY)
    backups[2] = backups[2]._replace(proven=START + 8 * DAY)
    found = decisions(backups, 1)
    assert kept(found) == ["01-05", "01-03", "01-01"]
    assert reason(found, backups[0].taken) == "held"
    assert reason(found, backups[2].taken) == "the newest that was proven to restore"


def test_faulty_backups_count_for_no_rule_and_stay() -> None:
    backups = daily(5)
    backups[1] = backups[1]._replace(manifest=False)
    found = decisions(backups, 2, faults={backups[3].key: "its signature is wrong"})
    assert kept(found) == ["01-05", "01-04", "01-03", "01-02"]
    assert reason(found, backups[1].taken).startswith("not a backup: it has no manifest")
    assert reason(found, backups[3].taken).endswith("check it: its signature is wrong")
    assert reason(found, backups[2].taken) == "2 of the newest 2"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"now": START}, "this host's clock shows 2026-01-01 03:00:00 (UTC), before the newest backup, backup_20260"),
        ({"run": "backup_20260104_030000"}, "the bucket holds no whole backup of the run backup_20260104_030000"),
        ({"faults": {backup(START + 2 * DAY).key: "x"}}, "the newest backup, backup_20260103_030000, is not whole"),
    ],
)
def test_nothing_is_removed(changes: t.Dict[str, t.Any], refusal: str) -> None:
    found = decisions(daily(3), 1, **changes)
    assert kept(found) == ["01-03", "01-02", "01-01"]
    assert found.refusal is not None
    assert f"nothing is removed: {refusal}" in found.refusal
    assert {one.reason for one in found.decisions} == {found.refusal}


def test_the_run_that_has_just_succeeded() -> None:
    assert kept(decisions(daily(3), 1, run="backup_20260103_030000")) == ["01-03"]


@given(
    st.lists(st.tuples(st.integers(0, 800), st.booleans(), st.booleans(), st.booleans()), unique_by=lambda one: one[0]),
    st.tuples(*[st.integers(0, 4)] * 5),
)
def test_only_good_backups_are_removed_neither_new_nor_proven_nor_held(
    given_backups: t.List[t.Tuple[int, bool, bool, bool]], numbers: t.Tuple[int, ...]
) -> None:
    backups = [
        backup(START + days * DAY, manifest=whole, proven=START if proven else None, held=held)
        for days, whole, proven, held in given_backups
    ]
    found = decisions(backups, *numbers)
    removed = [one.backup for one in found.decisions if not one.keep]
    good = [one.backup for one in found.decisions if one.backup.manifest]
    assert [one.backup for one in found.decisions] == sorted(backups, key=lambda one: one.taken, reverse=True)
    assert all(one.manifest and not one.held for one in removed)
    assert not set(removed) & {*good[: Policy(*numbers).newest], *[one for one in good if one.proven][:1]}
    assert any(numbers) or not removed
    # A second call removes nothing more.
    assert all(one.keep for one in decisions([one for one in backups if one not in removed], *numbers).decisions)
