"""What is typed into the history's search field → what it may mean.

Words are looked for in what the list shows: each must be found in a host name (anywhere in it), or be a status (its
word in either language, from its third letter on), a size (``6.21 GB``, ``6.21``, ``6.2``, ``6 GB``), or a part of the
start or the end: ``20/07/2025 16:15:23``, ``20/07/2025 16:15``, ``20/07/2025``, ``20/07``, ``07/2025``, ``2025``,
``2025-07-20``, ``16:15:23``, ``16:15``. Upper and lower case, and accents, are the same.
"""

from __future__ import annotations

import calendar
import contextlib
import datetime
import functools
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from webstatus.formats import STATUS_WORDS, UNITS
from webstatus.i18n import LANGUAGES, translations
from webstatus.queries.moments import DAY, SECOND, Clock, Span, clocks_of, spans_of

SHORTEST_STATUS = 3
# A search for a day and a month is one for each of these years at most.
MOST_YEARS = 50
YEARS = range(1970, 2200)

NUMBER = re.compile(r"(\d{1,6})(?:[.,](\d{1,2}))?", re.ASCII)
GLUED_SIZE = re.compile(r"([\d.,]+)([a-z]{2})", re.ASCII)
DATES = (
    re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})", re.ASCII),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", re.ASCII),
    re.compile(r"(?P<month>\d{1,2})/(?P<year>\d{4})", re.ASCII),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})", re.ASCII),
    re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})", re.ASCII),
    re.compile(r"(?P<year>\d{4})", re.ASCII),
)
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


class SizeRange(NamedTuple):
    """Megabytes, from ``start`` until before ``end``."""

    start: Decimal
    end: Decimal


class Term(NamedTuple):
    """A word, or words that belong together: it is found where any of its meanings holds.

    ``text`` is :func:`folded`, to be looked for in folded host names.
    """

    text: str
    statuses: frozenset[int] = frozenset()
    sizes: tuple[SizeRange, ...] = ()
    spans: tuple[Span, ...] = ()
    clocks: tuple[Clock, ...] = ()


class Zoned(NamedTuple):
    """What reading times needs: the zone that people see, and the years that the history has."""

    zone: ZoneInfo
    years: range


def folded(text: str) -> str:
    """A text without case and accents; accents alone stay."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)) or decomposed


def parse(text: str, zone: ZoneInfo, years: range) -> list[Term]:
    """The terms of a search; a backup is found when every one of them is.

    :param years: those that the history has
    """
    words, terms, zoned = [folded(word) for word in text.split()], [], Zoned(zone, years)
    while words:
        length, term = _phrase(words, zoned) or (1, _word(words[0], zoned))
        terms.append(term)
        del words[:length]
    return terms


def _phrase(words: Sequence[str], zoned: Zoned) -> tuple[int, Term] | None:
    """The words at the beginning that belong together, and how many they are."""
    for phrase, status in _status_phrases().items():
        length = phrase.count(" ") + 1
        if length > 1 and " ".join(words[:length]) == phrase:
            return length, Term(phrase, statuses=frozenset({status}))
    if len(words) > 1:
        text = f"{words[0]} {words[1]}"
        if sizes := _sizes(words[0], words[1]):
            return 2, Term(text, sizes=sizes)
        if spans := _moment(words[0], words[1], zoned.zone):
            return 2, Term(text, spans=spans)
    return None


def _word(word: str, zoned: Zoned) -> Term:
    glued = GLUED_SIZE.fullmatch(word)
    return Term(
        word,
        statuses=_statuses(word),
        sizes=_sizes(*glued.groups()) if glued else _sizes(word, None),
        spans=_days(word, zoned),
        clocks=_clocks(word, zoned),
    )


@functools.cache
def _status_phrases() -> dict[str, int]:
    return {
        folded(translations(language).gettext(word)): status
        for language in LANGUAGES
        for status, word in STATUS_WORDS.items()
    }


def _statuses(word: str) -> frozenset[int]:
    if len(word) < SHORTEST_STATUS:
        return frozenset()
    return frozenset(
        status for phrase, status in _status_phrases().items() if any(part.startswith(word) for part in phrase.split())
    )


def _sizes(number: str, unit: str | None) -> tuple[SizeRange, ...]:
    """The sizes that are shown as *number*, or begin with it: decimals may be missing, with a unit all of them."""
    found = NUMBER.fullmatch(number)
    if not found or (unit is None and found[2] is None) or (unit is not None and unit.upper() not in UNITS):
        return ()
    decimals = found[2] or ""
    shown = Decimal(f"{found[1]}.{decimals}0")
    step = Decimal(1).scaleb(-len(decimals))
    return tuple(
        size
        for power, name in enumerate(UNITS)
        if unit is None or unit.upper() == name
        if (size := _range_of(shown, shown + step, power)).start < size.end
    )


def _range_of(shown: Decimal, end: Decimal, power: int) -> SizeRange:
    """The sizes in megabytes that formats.show_megabytes shows in a unit as *shown* until before *end*."""
    half, factor = Decimal("0.005"), Decimal(1000) ** power
    # What would round up to a thousand is shown in the next unit, but for the last.
    limit = 1000 - half
    least = limit * factor / 1000 if power else Decimal(-half)
    most = limit * factor if power < len(UNITS) - 1 else Decimal(10) ** 16
    return SizeRange(max((shown - half) * factor, least), min((end - half) * factor, most))


def _days(word: str, zoned: Zoned) -> tuple[Span, ...]:
    for pattern in DATES:
        if found := pattern.fullmatch(word):
            part = {name: int(value) for name, value in found.groupdict().items()}
            years = [part["year"]] if "year" in part else list(zoned.years)[-MOST_YEARS:]
            # One that is not in the calendar is no date.
            return tuple(
                span
                for year in years
                if (ends := _calendar_ends(year, part.get("month"), part.get("day")))
                for span in spans_of(*ends, zoned.zone)
            )
    return ()


def _calendar_ends(year: int, month: int | None, day: int | None) -> tuple[datetime.datetime, datetime.datetime] | None:
    if year not in YEARS:
        return None
    with contextlib.suppress(ValueError):
        start = datetime.datetime(year, 1 if month is None else month, 1 if day is None else day)
        if day:
            return start, start + DAY
        if month:
            return start, start + DAY * calendar.monthrange(year, month)[1]
        return start, datetime.datetime(year + 1, 1, 1)
    return None


def _moment(date: str, clock: str, zone: ZoneInfo) -> tuple[Span, ...]:
    """A date and a time of day, of the same start or end."""
    for pattern in DATES[:2]:
        if found := pattern.fullmatch(date):
            ends = _calendar_ends(int(found["year"]), int(found["month"]), int(found["day"]))
            seconds = _seconds(clock)
            if ends and seconds:
                return spans_of(ends[0] + seconds[0] * SECOND, ends[0] + seconds[1] * SECOND, zone)
    return ()


def _clocks(word: str, zoned: Zoned) -> tuple[Clock, ...]:
    seconds = _seconds(word)
    return clocks_of(*seconds, zoned.zone, zoned.years) if seconds else ()


def _seconds(clock: str) -> tuple[int, int] | None:
    """The seconds of the day that a time of day means: one, or those of its minute."""
    found = CLOCK.fullmatch(clock)
    if not found:
        return None
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    start = (hour * 60 + minute) * 60 + second
    return start, start + (1 if found[3] else 60)
