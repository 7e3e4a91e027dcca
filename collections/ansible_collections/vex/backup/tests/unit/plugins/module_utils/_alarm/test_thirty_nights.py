# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The alarms of thirty nights: those expected and no other."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._alarm.find_alarms import Settings, find_alarms
from ansible_collections.vex.backup.plugins.module_utils._dump.table_filter import TableFilter
from ansible_collections.vex.backup.plugins.module_utils._log_db.size_history import PastBackup
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._alarm.thirty_nights import (
    FAILED,
    NIGHTS,
    SILENCED,
    described,
    expected,
    night,
)


def test_thirty_nights() -> None:
    settings = Settings(30, TableFilter("silenced_tables", SILENCED, ignore_case=False))
    history: t.List[PastBackup] = []
    raised: t.Dict[str, t.List[int]] = {}
    for number in NIGHTS:
        if number == FAILED:
            continue
        for sentence in find_alarms(history[:10], night(number), settings):
            raised.setdefault(described(sentence), []).append(number)
        history.insert(0, PastBackup(f"backup_{number}", night(number)))
    assert raised == expected()
