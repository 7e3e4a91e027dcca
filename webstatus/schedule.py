"""When a server's next backup is due, by its cron expression, in its own time zone."""

from __future__ import annotations

import datetime
import functools
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

# A run that starts at its time may have begun a moment before it, by its host's clock.
CLOCKS_DIFFER = datetime.timedelta(minutes=1)


class ScheduleWrong(ValueError):
    """A cron expression or a time zone that nothing can be computed from."""


@functools.lru_cache(maxsize=4096)
def next_due(agenda: str, fuso: str, last_start: datetime.datetime) -> datetime.datetime | None:
    """The first time of the schedule after a run's start; ``None`` when there is none in the next decades.

    Days on which the clocks change are counted as Debian's cron counts them.

    :param agenda: five cron fields
    :param fuso: the schedule's time zone
    :param last_start: UTC without a zone, as what comes back
    :raises ScheduleWrong: when *agenda* or *fuso* is malformed
    """
    if len(agenda.split()) != 5:
        raise ScheduleWrong(f"{agenda!r} does not have five cron fields")
    try:
        zone = ZoneInfo(fuso)
        after = (last_start + CLOCKS_DIFFER).replace(tzinfo=datetime.UTC).astimezone(zone)
        due = next(CronSim(agenda, after), None)
    except (CronSimError, ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleWrong(f"{agenda!r} in {fuso!r}: {error}") from None
    return due.astimezone(datetime.UTC).replace(tzinfo=None) if due else None
