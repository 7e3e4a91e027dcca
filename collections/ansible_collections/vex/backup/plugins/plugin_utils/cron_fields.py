# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check of a cron schedule: cron itself ignores a file with a wrong line, without an error message."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS = "sun mon tue wed thu fri sat".split()


class Field(t.NamedTuple):
    """One of the five fields: ``lowest`` to ``highest``, or one of ``names``, the first of which means ``lowest``."""

    name: str
    lowest: int
    highest: int
    names: t.Sequence[str] = ()


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of the month", 1, 31),
    Field("month", 1, 12, _MONTHS),
    # Both 0 and 7 are Sunday.
    Field("day of the week", 0, 7, _DAYS),
)
_ITEM = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>0*[1-9]\d*))?", re.ASCII)


def cron_fields(schedule: str) -> str:
    """Return a schedule with one space between its fields.

    :raises OptionError: for a field that cron does not accept
    """
    words = schedule.split()
    if len(words) != len(FIELDS):
        raise OptionError(f"the schedule {schedule!r} has {len(words)} fields, not five: write it like 0 3 * * *")
    for field, word in zip(FIELDS, words):
        for item in word.split(","):
            _check(field, item, schedule)
    return " ".join(words)


def _check(field: Field, item: str, schedule: str) -> None:
    found = _ITEM.fullmatch(item)
    if not found:
        raise _refusal(field, item, schedule)
    bounds = [_number(field, found[part], schedule) for part in ("first", "last") if found[part]]
    single_with_step = len(bounds) == 1 and found["step"] is not None
    if bounds != sorted(bounds) or single_with_step:
        raise _refusal(field, item, schedule)


def _number(field: Field, word: str, schedule: str) -> int:
    if word.lower() in field.names:
        return field.names.index(word.lower()) + field.lowest
    if not word.isascii() or not word.isdigit() or not field.lowest <= int(word) <= field.highest:
        raise _refusal(field, word, schedule)
    return int(word)


def _refusal(field: Field, item: str, schedule: str) -> OptionError:
    return OptionError(
        f"the schedule {schedule!r}: {item!r} is not valid as the {field.name}: give a value from {field.lowest} to "
        f"{field.highest}, a range like 1-5, or a step like */15"
    )
