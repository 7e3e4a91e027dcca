"""The time at which a server's next backup is due, from its cron expression in its own time zone."""

from __future__ import annotations

import datetime
import functools
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

# A run that cron started on time may have begun a moment before it, by the clock of its host.
CLOCKS_DIFFER = datetime.timedelta(minutes=1)


class ScheduleWrong(ValueError):
    """A malformed cron expression or time zone."""


@functools.lru_cache(maxsize=4096)
def next_due(cron: str, time_zone: str, last_start: datetime.datetime) -> datetime.datetime | None:
    """Return the first time of the schedule after a run's start; ``None`` when the next decades have none.

    On days when the clocks change, the times are the same as in Debian's cron.

    :param cron: five fields
    :param time_zone: the zone of the fields
    :param last_start: UTC without a zone, as the result
    :raises ScheduleWrong: when *cron* or *time_zone* is malformed
    """
    if len(cron.split()) != 5:
        raise ScheduleWrong(f"{cron!r} does not have five cron fields")
    try:
        zone = ZoneInfo(time_zone)
        after = (last_start + CLOCKS_DIFFER).replace(tzinfo=datetime.UTC).astimezone(zone)
        due = next(CronSim(cron, after), None)
    except (CronSimError, ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleWrong(f"{cron!r} in {time_zone!r}: {error}") from None
    return due.astimezone(datetime.UTC).replace(tzinfo=None) if due else None
