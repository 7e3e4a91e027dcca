# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The duration of a run, by its records."""

from __future__ import annotations

import datetime
import typing as t


def seconds_of(opened: t.Mapping[str, t.Any], closed: t.Mapping[str, t.Any]) -> t.Optional[int]:
    """Return the seconds from the start to the end of a run; ``None`` while one of them is unknown.

    :param opened: the result of ``backup_log_record`` that opened the run's record
    :param closed: the result of the one that closed it
    """
    if "ended" not in closed or "started" not in opened:
        return None
    started, ended = (_time(text) for text in (opened["started"], closed["ended"]))
    return int((ended - started).total_seconds())


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
