# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Points spread over the values of a key: where a sample of a table's rows begins.

A value becomes a number (its place), and a place a value again. The two need to follow the server's order only
roughly: the server is asked what lies beside each point.
"""

from __future__ import annotations

import datetime
import decimal
import string
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import column_types

if t.TYPE_CHECKING:
    from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column

# As JSON keeps it: a number, or the value's text, or a binary value's hexadecimal digits.
Point = t.Union[int, str]
# Returns, for each point, the greatest key below it and the least one that is not, each ``None`` if there is none.
Look = t.Callable[[t.Sequence[Point]], t.Sequence[t.Tuple[t.Any, t.Any]]]

# Every character set has these, and every collation puts them in this order.
_DIGITS = string.digits + string.ascii_lowercase
# Characters, or bytes, of a key that are looked at beyond those that all keys begin with.
_LENGTH = 12
_MICROSECOND = datetime.timedelta(microseconds=1)
_EPOCH = datetime.datetime(1, 1, 1)
# Decimal places of a point.
_PLACES = 6


class Scale(t.NamedTuple):
    """The places of a column's values: a whole number for a value, and a point for a number."""

    place: t.Callable[[t.Any], int]
    point: t.Callable[[int], Point]


def scale(column: Column, low: t.Any, high: t.Any) -> t.Optional[Scale]:
    """Return the scale of a column whose least and greatest values are given; ``None`` for a type without one.

    :param low: as PyMySQL returns it
    """
    if column.type in column_types.INTEGERS or column.type == "year":
        return Scale(int, int)
    if column.type == "decimal":
        return Scale(
            lambda value: int(value.scaleb(_PLACES)), lambda place: str(decimal.Decimal(place).scaleb(-_PLACES))
        )
    if column.type in ("date", "datetime", "timestamp"):
        return Scale(_instant, lambda place: _date_text(column, place))
    if column.type in column_types.TEXTS:
        return _text_scale(str(low), str(high))
    if column.type in column_types.BINARIES:
        return _bytes_scale(bytes(low), bytes(high))
    return None


def operand(column: Column, point: Point) -> t.Any:
    """Return a point as PyMySQL passes it to the server."""
    if column.type == "decimal":
        return decimal.Decimal(point)
    if column.type in column_types.BINARIES:
        return bytes.fromhex(str(point))
    return point


def spread(places: Scale, low: t.Any, high: t.Any, count: int, look: Look) -> t.List[Point]:
    """Return at most *count* points between *low* and *high* that have rows between any two of them, in order.

    The intervals between two keys are halved, the widest first; where the keys leave a gap, an interval ends
    there. Thus a few keys far from all others attract few points.
    """
    found: t.List[int] = []
    intervals = [(places.place(low), places.place(high))]
    left = count
    while left and intervals:
        intervals.sort(key=lambda interval: interval[0] - interval[1])
        halved, intervals = intervals[:left], intervals[left:]
        left -= len(halved)
        middles = [(start + end + 1) // 2 for start, end in halved]
        for (start, end), middle, keys in zip(halved, middles, look([places.point(middle) for middle in middles])):
            if None in keys:
                continue
            below, above = map(places.place, keys)
            # Where the server orders values otherwise, a point may lie outside of its interval.
            if start <= below < above <= end:
                found.append(middle)
                intervals += [part for part in ((start, below), (above, end)) if part[0] < part[1]]
    return [places.point(place) for place in sorted(found)]


def _instant(value: t.Any) -> int:
    """Return microseconds since the year 1, for dates that the calendar lacks those of one nearby."""
    if isinstance(value, str):
        # PyMySQL returns such a date as text. The zero date becomes the first date that every type has.
        year, month, day = (int(number) for number in value[:10].split("-"))
        value = datetime.date(year or 1970, month or 1, min(day, 28) or 1)
    if isinstance(value, datetime.datetime):
        return (value - _EPOCH) // _MICROSECOND
    return datetime.timedelta(days=value.toordinal() - 1) // _MICROSECOND


def _date_text(column: Column, place: int) -> str:
    text = str(_EPOCH + place * _MICROSECOND)
    return text[:10] if column.type == "date" else text


def _common(low: t.Sequence[t.Any], high: t.Sequence[t.Any]) -> int:
    return next((place for place, (one, other) in enumerate(zip(low, high)) if one != other), min(len(low), len(high)))


def _text_scale(low: str, high: str) -> Scale:
    prefix = low[: _common(low, high)]
    # In a binary collation, upper case comes before lower case.
    is_upper = low == low.upper() and high == high.upper()

    def place(value: str) -> int:
        digits = value[len(prefix) :].lower()[:_LENGTH].ljust(_LENGTH, "0")
        number = 0
        for digit in digits:
            # Most other characters of ASCII come before the digits, and all other letters after Z.
            number = number * len(_DIGITS) + (_DIGITS.find(digit) if digit in _DIGITS else 0 if digit < "0" else 35)
        return number

    def point(number: int) -> str:
        digits = ""
        for _digit in range(_LENGTH):
            number, digit = divmod(number, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        digits = digits.rstrip("0")
        return prefix + (digits.upper() if is_upper else digits)

    return Scale(place, point)


def _bytes_scale(low: bytes, high: bytes) -> Scale:
    prefix = low[: _common(low, high)]
    return Scale(
        lambda value: int.from_bytes(value[len(prefix) : len(prefix) + _LENGTH].ljust(_LENGTH, b"\0"), "big"),
        lambda place: (prefix + place.to_bytes(_LENGTH, "big")).hex(),
    )
