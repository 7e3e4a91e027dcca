"""Due times of backups, also on days on which the clocks change."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webstatus.next_due import ScheduleWrong, next_due


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("agenda", "fuso", "last_start", "due"),
    [
        ("0 2 * * *", "UTC", "2026-03-01 02:05", "2026-03-02 02:00"),
        ("0 2 * * *", "America/Sao_Paulo", "2026-03-01 05:03", "2026-03-02 05:00"),
        ("0 2 * * *", "UTC", "2026-03-01 01:30", "2026-03-01 02:00"),
        ("30 22 * * 1-5", "UTC", "2026-03-06 22:30", "2026-03-09 22:30"),
        ("0 3 1 * *", "UTC", "2026-01-31 12:00", "2026-02-01 03:00"),
        ("0 0 29 2 *", "UTC", "2026-03-01 00:00", "2028-02-29 00:00"),
        # Lisbon, 29 March 2026: the clocks go from 01:00 to 02:00. A run in the gap is due after it.
        ("30 1 * * *", "Europe/Lisbon", "2026-03-28 01:31", "2026-03-29 01:00"),
        ("0 3 * * *", "Europe/Lisbon", "2026-03-28 03:00", "2026-03-29 02:00"),
        # 25 October 2026: the hour from 01:00 to 02:00 occurs twice. A nightly run is due only in the first.
        ("30 1 * * *", "Europe/Lisbon", "2026-10-24 00:30", "2026-10-25 00:30"),
        ("30 1 * * *", "Europe/Lisbon", "2026-10-25 00:31", "2026-10-26 01:30"),
        ("0 3 * * *", "Europe/Lisbon", "2026-10-24 02:00", "2026-10-25 03:00"),
        # An hourly run is due in both.
        ("0 * * * *", "Europe/Lisbon", "2026-10-25 00:01", "2026-10-25 01:00"),
    ],
)
def test_due(agenda: str, fuso: str, last_start: str, due: str) -> None:
    assert next_due(agenda, fuso, utc(last_start)) == utc(due)


def test_a_clock_that_is_slightly_behind_is_not_a_missed_run() -> None:
    started = datetime.datetime(2026, 3, 1, 1, 59, 58)
    assert next_due("0 2 * * *", "UTC", started) == utc("2026-03-02 02:00")


def test_a_host_may_use_a_zone_that_the_system_lacks() -> None:
    """Debian 13 has the older names in a separate package, and some images have no time zones."""
    zoneinfo.reset_tzpath(to=())
    try:
        for zone in ("UTC", "Brazil/East"):
            zoneinfo.ZoneInfo.clear_cache()
            hours = 0 if zone == "UTC" else 3
            assert next_due("0 2 * * *", zone, utc("2031-03-01 12:00")) == utc(f"2031-03-02 0{2 + hours}:00")
    finally:
        zoneinfo.reset_tzpath()


def test_a_schedule_without_any_date() -> None:
    assert next_due("0 0 */20 * 1L", "UTC", utc("2026-03-01 00:00")) is None


@pytest.mark.parametrize(
    ("agenda", "fuso"),
    [
        ("", "UTC"),
        ("0 2 * *", "UTC"),
        ("0 0 2 * * *", "UTC"),
        ("61 2 * * *", "UTC"),
        ("0 0 31 2 *", "UTC"),
        ("0 2 * * *", ""),
        ("0 2 * * *", "Europe"),
        ("0 2 * * *", "../etc/passwd"),
        ("0 2 * * *", "Nowhere/At_All"),
    ],
)
def test_wrong_schedules_are_named(agenda: str, fuso: str) -> None:
    with pytest.raises(ScheduleWrong, match=r"cron fields|in '"):
        next_due(agenda, fuso, utc("2026-03-01 00:00"))


@given(
    st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2060, 1, 1)),
    st.sampled_from(["Europe/Lisbon", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 59),
    st.integers(0, 23),
)
def test_a_nightly_run_is_due_within_a_day_and_the_change_of_clocks(
    last: datetime.datetime, fuso: str, minute: int, hour: int
) -> None:
    due = next_due(f"{minute} {hour} * * *", fuso, last)
    assert due is not None
    assert datetime.timedelta() < due - last <= datetime.timedelta(hours=26)
