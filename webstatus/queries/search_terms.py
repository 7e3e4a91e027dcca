"""The terms of the search field, each with the values that it may stand for.

A backup is found when every term fits it. A term fits a host name that contains it, a status word that begins with it
(three letters or more), a size that the list shows like that (``6.21 GB``, ``6.21``, ``6.2``, ``6 GB``), and a start or
end at a date (``20/07/2025``, ``2025-07-20``, ``20/07``, ``07/2025``, ``2025``), with or without a time
(``20/07/2025 16:15``, ``20/07/2025 16:15:23``). Letter case and accents are ignored.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from webstatus.formats import STATUS_WORDS, UNITS, folded, local, utc
from webstatus.i18n import LANGUAGES, translations

SHORTEST_STATUS = 3
# A date without a year is searched in this year and in the years before it.
YEARS_OF_A_DAY = 10
# Far enough from the ends of datetime for every time zone.
YEARS = range(1000, 9000)
MINUTE = datetime.timedelta(minutes=1)
HALF = Decimal("0.005")
LIMIT = 1000 - HALF

SIZE = re.compile(r"(?P<whole>\d{1,6})(?:[.,](?P<decimals>\d{1,2}))? ?(?P<unit>[mgtp]b)?", re.ASCII)
DAY_AND_MONTH = re.compile(r"\d{1,2}/\d{1,2}", re.ASCII)
# The ways to write a time, and the end of the second, minute, day, month or year that it names.
TIMES: tuple[tuple[str, Callable[[datetime.datetime], datetime.datetime]], ...] = (
    ("%d/%m/%Y %H:%M:%S", lambda start: start + datetime.timedelta(seconds=1)),
    ("%d/%m/%Y %H:%M", lambda start: start + MINUTE),
    ("%d/%m/%Y", lambda start: start + datetime.timedelta(days=1)),
    ("%Y-%m-%d %H:%M:%S", lambda start: start + datetime.timedelta(seconds=1)),
    ("%Y-%m-%d %H:%M", lambda start: start + MINUTE),
    ("%Y-%m-%d", lambda start: start + datetime.timedelta(days=1)),
    ("%m/%Y", lambda start: (start + datetime.timedelta(days=31)).replace(day=1)),
    ("%Y-%m", lambda start: (start + datetime.timedelta(days=31)).replace(day=1)),
    ("%Y", lambda start: start.replace(year=start.year + 1)),
)


class Range(NamedTuple):
    """Sizes in megabytes, or times (UTC without a zone), from ``start`` until before ``end``."""

    start: Any
    end: Any


class Term(NamedTuple):
    """Words of a search, ``formats.folded``, and the statuses, sizes and times that they may stand for."""

    text: str
    statuses: tuple[int, ...] = ()
    sizes: tuple[Range, ...] = ()
    times: tuple[Range, ...] = ()


def terms_of(text: str, zone: ZoneInfo, year: int) -> list[Term]:
    """Split a search into terms.

    :param zone: the zone of the dates and times in it
    :param year: the present one
    """
    found = _splitter().findall(" ".join(folded(text).split()))
    return [Term(term, _statuses(term), _sizes(term), _times(term, zone, year)) for term in found]


@functools.cache
def _status_phrases() -> dict[str, int]:
    """Return the status words of all languages, folded."""
    return {
        folded(translations(each).gettext(word)): status for each in LANGUAGES for status, word in STATUS_WORDS.items()
    }


@functools.cache
def _splitter() -> re.Pattern[str]:
    """Return the pattern of one term: words that belong together, such as a date and its time, or a single word."""
    phrases = [re.escape(phrase) for phrase in _status_phrases() if " " in phrase]
    moment = r"(?:\d{1,2}/\d{1,2}/\d{4}|\d{4}-\d{2}-\d{2}) \d{1,2}:\d{2}(?::\d{2})?"
    size = r"\d{1,6}(?:[.,]\d{1,2})? [mgtp]b"
    return re.compile(rf"(?:{'|'.join([*phrases, moment, size])})(?!\S)|\S+")


def _statuses(term: str) -> tuple[int, ...]:
    if len(term) < SHORTEST_STATUS:
        return ()
    phrases = _status_phrases().items()
    return tuple({status for phrase, status in phrases if any(p.startswith(term) for p in [phrase, *phrase.split()])})


def _sizes(term: str) -> tuple[Range, ...]:
    """Return the sizes that the list shows as *term*, or beginning with it where decimals are missing."""
    found = SIZE.fullmatch(term)
    if not found or not (found["unit"] or found["decimals"]):
        return ()
    decimals = found["decimals"] or ""
    shown, step = Decimal(f"{found['whole']}.{decimals}0"), Decimal(1).scaleb(-len(decimals))
    ranges = []
    for power, unit in enumerate(UNITS):
        if found["unit"] in {None, unit.lower()}:
            # formats.show_megabytes shows a size that would round up to 1000 in the next unit, if there is one.
            least = LIMIT / 1000 if power else -HALF
            most = LIMIT if unit != UNITS[-1] else Decimal(10**7)
            start, end = max(shown - HALF, least), min(shown + step - HALF, most)
            ranges += [Range(start * 1000**power, end * 1000**power)] if start < end else []
    return tuple(ranges)


def _times(term: str, zone: ZoneInfo, year: int) -> tuple[Range, ...]:
    """Return when clocks in *zone* show *term*: never when it is no date of the calendar."""
    days = [f"{term}/{each}" for each in range(year - YEARS_OF_A_DAY + 1, year + 1)]
    return tuple(found for text in (days if DAY_AND_MONTH.fullmatch(term) else [term]) for found in _time(text, zone))


def _time(text: str, zone: ZoneInfo) -> list[Range]:
    for pattern, end_of in TIMES:
        try:
            start = datetime.datetime.strptime(text, pattern)
        except ValueError:
            continue
        if start.year not in YEARS:
            return []
        end = end_of(start)
        if end - start > MINUTE:
            return [Range(utc(start, zone), utc(end, zone))]
        # The clocks show a minute twice when they are set back, and never when they skip it.
        starts = sorted({utc(start, zone, fold) for fold in (0, 1)})
        return [Range(s, s + (end - start)) for s in starts if local(s, zone).replace(tzinfo=None) == start]
    return []
