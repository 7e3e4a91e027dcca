# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Points spread over keys that a sorted list plays the server of."""

from __future__ import annotations

import bisect
import datetime
import decimal
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._mysql.key_points import Point, operand, scale, spread
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column

COUNT = 48
DAY = datetime.datetime(2024, 2, 28)
KEYS: t.Dict[str, t.List[t.Any]] = {
    "bigint": list(range(-3000, 3000)),
    "year": list(range(1901, 2156)),
    "decimal": [decimal.Decimal(number) / 7 for number in range(-1000, 1000)],
    "date": [(DAY + datetime.timedelta(days=number)).date() for number in range(1000)],
    "datetime": [DAY + datetime.timedelta(seconds=number) for number in range(1000)],
    "varchar": [f"cliente-{number:06}" for number in range(1000)],
    "char": [f"{number:04X}" for number in range(0, 65536, 61)],
    "binary": [b"\xff%d" % number for number in range(1000, 9999)],
}


def column(kind: str) -> Column:
    return Column("k", kind, kind, "", False, "")


def chosen(kind: str, keys: t.Sequence[t.Any], count: int = COUNT) -> t.List[t.Any]:
    """Return the points of a type's sorted *keys*, as values that compare with keys."""

    def value(point: Point) -> t.Any:
        found = operand(column(kind), point)
        if kind == "date":
            return datetime.date.fromisoformat(found)
        return datetime.datetime.fromisoformat(found) if kind == "datetime" else found

    def look(points: t.Sequence[Point]) -> t.List[t.Tuple[t.Any, t.Any]]:
        places = [bisect.bisect_left(keys, value(point)) for point in points]
        return [(keys[at - 1] if at else None, keys[at] if at < len(keys) else None) for at in places]

    places = scale(column(kind), keys[0], keys[-1])
    assert places is not None
    return [value(point) for point in spread(places, keys[0], keys[-1], count, look)]


def distinct_starts(keys: t.Sequence[t.Any], points: t.Sequence[t.Any]) -> t.List[int]:
    starts = [bisect.bisect_left(keys, point) for point in points]
    assert starts == sorted(set(starts))
    assert all(0 < start < len(keys) for start in starts)
    return starts


@pytest.mark.parametrize("kind", sorted(KEYS))
def test_points_are_spread_over_keys_of_each_type(kind: str) -> None:
    keys = KEYS[kind]
    starts = [0, *distinct_starts(keys, chosen(kind, keys)), len(keys)]
    assert len(starts) == COUNT + 2
    assert max(after - before for before, after in zip(starts, starts[1:])) < len(keys) / 10


def test_a_few_keys_far_away_attract_few_points() -> None:
    keys = [-(2**63), *range(1, 10000), 2**63 - 1]
    starts = distinct_starts(keys, chosen("bigint", keys))
    assert len(starts) == COUNT
    assert max(after - before for before, after in zip(starts, starts[1:])) < 1000


@given(st.sets(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_points_of_any_integers(keys: t.Set[int]) -> None:
    starts = distinct_starts(sorted(keys), chosen("bigint", sorted(keys)))
    assert len(starts) == min(COUNT, len(keys) - 1)


@given(st.sets(st.binary(max_size=12), min_size=1))
def test_points_of_any_bytes(keys: t.Set[bytes]) -> None:
    distinct_starts(sorted(keys), chosen("varbinary", sorted(keys)))


@given(st.sets(st.text(max_size=12), min_size=1))
def test_points_of_any_texts_are_at_most_as_many_as_wanted(keys: t.Set[str]) -> None:
    # The server's order may be any other one.
    assert len(chosen("varchar", sorted(keys))) <= COUNT


@pytest.mark.parametrize(
    ("text", "near"),
    [("0000-00-00", "1970-01-01"), ("2023-02-31", "2023-02-28"), ("2024-00-10 05:06:07", "2024-01-10")],
)
def test_a_date_that_the_calendar_lacks_has_the_place_of_one_nearby(text: str, near: str) -> None:
    places = scale(column("date"), text, text)
    assert places is not None
    assert places.point(places.place(text)) == near


def test_a_type_without_order_has_no_scale() -> None:
    assert scale(column("enum"), "a", "b") is None
