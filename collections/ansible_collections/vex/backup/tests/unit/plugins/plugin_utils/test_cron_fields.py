# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules that cron accepts or refuses."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.plugin_utils.cron_fields import cron_fields


@pytest.mark.parametrize(
    "schedule",
    ["* * * * *", "0 3 * * *", "*/15 0-6/2,22 1,15 jan-MAR,12 mon-fri", "59 23 31 12 7", "0 0 * * Sun"],
)
def test_accepted_schedules(schedule: str) -> None:
    assert cron_fields(f" {schedule} \t".replace(" ", "  ")) == schedule


@pytest.mark.parametrize(
    ("schedule", "wrong"),
    [
        ("", "0 fields"),
        ("0 3 * *", "4 fields"),
        ("0 3 * * * root", "6 fields"),
        ("@daily", "1 fields"),
        ("60 3 * * *", "'60' is not valid as the minute: give a value from 0 to 59"),
        ("0 24 * * *", "'24' is not valid as the hour"),
        ("0 3 0 * *", "'0' is not valid as the day of the month"),
        ("0 3 * 13 *", "'13' is not valid as the month"),
        ("0 3 * * 8", "'8' is not valid as the day of the week"),
        ("0 3 * mon *", "'mon' is not valid as the month"),
        ("5/10 3 * * *", "'5/10' is not valid as the minute"),
        ("*/0 3 * * *", "is not valid as the minute"),
        ("*/00 3 * * *", "is not valid as the minute"),
        ("*/٣ 3 * * *", "is not valid as the minute"),
        ("9-5 3 * * *", "'9-5' is not valid as the minute"),
        ("1,,2 3 * * *", "'' is not valid as the minute"),
        ("0 3 * * *%", "'*%' is not valid as the day of the week"),
        ("-1 3 * * *", "is not valid as the minute"),
        ("² 3 * * *", "is not valid as the minute"),
    ],
)
def test_refused_schedules(schedule: str, wrong: str) -> None:
    with pytest.raises(OptionError) as refused:
        cron_fields(schedule)
    assert wrong in str(refused.value)
