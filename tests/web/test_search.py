"""The search of the history against a plain filter over the shown texts; its pages; long counts; the cache."""

from __future__ import annotations

import contextlib
import datetime
import random
import re
import threading
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.playbook import HANGS, LogDatabase
from tests.web.backups import clear
from webstatus import formats
from webstatus.cache import FRESH, Cache
from webstatus.database import Database
from webstatus.formats import folded
from webstatus.i18n import translations
from webstatus.queries import backups as history_queries
from webstatus.queries.backups import Filter, Page, Total, page_of, selection_of
from webstatus.queries.fleet import server_names
from webstatus.queries.page_cursor import Cursor, read
from webstatus.queries.search_terms import Term, terms_of
from webstatus.settings import load

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
# Clocks changed at midnight in São Paulo until 2019; they change by half an hour on Lord Howe.
ZONES = [SAO_PAULO, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")]
NOW = datetime.datetime(2026, 1, 10, 12)
ROWS = 300
ENOUGH = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Shown(NamedTuple):
    """The columns of a backup that a search looks at, and its place in the history."""

    start: datetime.datetime
    id: int
    hostname: str
    status: int
    size: Decimal | None
    end: datetime.datetime | None

    def texts(self, zone: ZoneInfo) -> tuple[str, ...]:
        """Return size, start and end as the list shows them."""
        times = tuple(formats.show_datetime(moment, zone) for moment in (self.start, self.end) if moment)
        return (formats.show_megabytes(self.size), *times)


class Written:
    """All backups, newest first, and a session to search them. No tuple: Hypothesis would print all rows."""

    def __init__(self, session: Session, rows: list[Shown]) -> None:
        self.session = session
        self.rows = rows


def random_rows(count: int) -> list[tuple[Any, ...]]:
    """Return rows with few different values, around changes of the clocks, so that many are equal."""
    chance = random.Random(7)
    hosts = ["db-01", "db-010", "DB-2", "erro-3", "10.0.6.21", "loja%_'", "são-2025", "x16:15"]
    nights = [
        datetime.datetime(*day)
        for day in [
            (2018, 2, 17),
            (2018, 2, 18),
            (2018, 11, 4),
            (2019, 2, 17),
            (2025, 7, 20),
            (2025, 11, 2),
            (2024, 4, 6),
        ]
    ]
    rows = []
    for _ in range(count):
        start = chance.choice(nights) + datetime.timedelta(
            minutes=chance.choice([0, 15, 45, 90, 150, 1155, 1439]), seconds=chance.choice([0, 0, 23, 59])
        )
        status = chance.choice([0, 1, 1, 1, 1, 2, 3])
        length = chance.choice([0, 83, 3600, 86400, 86400 * 40, -3600])
        end = start + datetime.timedelta(seconds=length) if status else None
        size = chance.choice(
            [None, 0, "0.01", "6.21", "6205", 6210, "6214.99", "6215", "999.99", "999.994", 62100, 1e6]
        )
        rows.append((str(uuid.UUID(int=chance.getrandbits(128))), chance.choice(hosts), status, size, start, end))
    return rows


@pytest.fixture(scope="module")
def history(web_database: LogDatabase, web_settings: dict[str, str]) -> Iterator[Written]:
    """Write random backups."""
    clear(web_database)
    columns = "run_uuid, hostname, status_backup, tamanho_arquivo, data_inicio, data_encerramento"
    with (
        contextlib.closing(web_database.server.connect(database=web_database.name)) as connection,
        connection.cursor() as cursor,
    ):
        marks = ", ".join(["%s"] * 6)
        cursor.executemany(f"INSERT INTO backup_log ({columns}) VALUES ({marks})", random_rows(ROWS))
        cursor.execute(
            "SELECT data_inicio, id, hostname, status_backup, tamanho_arquivo, data_encerramento FROM backup_log"
        )
        rows = sorted((Shown(*row) for row in cursor.fetchall()), key=lambda row: row[:2], reverse=True)
    with contextlib.closing(Database(load(**web_settings))) as database, database.session() as session:
        yield Written(session, rows)
    clear(web_database)


def page(session: Session, asked: Filter, cursor: Cursor | None = None, zone: ZoneInfo = SAO_PAULO) -> Page:
    terms = terms_of(asked.search, zone, NOW.year)
    return page_of(session, Cache(lambda: NOW), selection_of(asked, terms, server_names(session)), cursor)


# --- A plain filter ---

WORDS = {
    status: {folded(translations(language).gettext(word)) for language in ("pt-BR", "en")}
    for status, word in formats.STATUS_WORDS.items()
}
DATE = r"(?:(?:\d{2}/)?\d{2}/\d{4}|\d{2}/\d{2}|\d{4})"
TIME = r"\d{2}:\d{2}(?::\d{2})?"


def fits(row: Shown, term: str, zone: ZoneInfo) -> bool:
    """Return whether the shown texts of a backup contain *term*. It compares texts, not values."""
    if folded(term) in folded(row.hostname):
        return True
    if len(term) > 2 and any(w.startswith(term) for phrase in WORDS[row.status] for w in [phrase, *phrase.split()]):
        return True
    size, *times = row.texts(zone)
    if re.fullmatch(r"\d+\.\d{1,2}|\d+(\.\d{1,2})? [mgtp]b", term):
        number, _, unit = term.partition(" ")
        shown, _, shown_unit = size.partition(" ")
        begins = shown.startswith(number if "." in number else f"{number}.")
        return begins and (not unit or unit == shown_unit.lower())
    if re.fullmatch(rf"{DATE} {TIME}|\d{{2}}/\d{{2}}/\d{{4}}|\d{{2}}/\d{{2}}", term):
        return any(time.startswith(term) for time in times)
    if re.fullmatch(r"\d{2}/\d{4}|\d{4}", term):
        return any(time.split()[0].endswith(f"/{term}") for time in times)
    return False


def searches_for(row: Shown, zone: ZoneInfo, which: int) -> list[str]:
    """Return terms that find the backup, and terms that nearly do."""
    size, *times = row.texts(zone)
    time, number = times[which % len(times)], size.split()[0]
    terms = [
        row.hostname.lower(),
        row.hostname[1:4].lower(),
        sorted(WORDS[row.status])[which % len(WORDS[row.status])],
        *("alerta", "suc", "31/02/2025", "%", "nada"),
        *(time, time[:16], time[:10], time[:5], time[3:10], time[6:10], time[11:], time[11:16]),
    ]
    if row.size is not None:
        terms += [size.lower(), number, number[:-1], f"{number.partition('.')[0]} {size[-2:].lower()}"]
    return terms


@given(
    picks=st.lists(st.tuples(st.integers(0, ROWS - 1), st.integers(0, 1), st.integers(0, 19)), min_size=1, max_size=3),
    zone=st.sampled_from(ZONES),
    status=st.sampled_from([None, None, 0, 1, 3]),
    server=st.sampled_from(["", "", "db-01", "nobody"]),
)
@settings(ENOUGH, max_examples=150)
def test_a_search_finds_the_backups_that_show_its_terms(
    history: Written,
    picks: list[tuple[int, int, int]],
    zone: ZoneInfo,
    status: int | None,
    server: str,
) -> None:
    session, rows = history.session, history.rows
    choices = [(searches_for(rows[row], zone, which), number) for row, which, number in picks]
    terms = [each[number % len(each)] for each, number in choices]
    # A time after a date would become one term with it.
    terms = [term for term in terms if not re.fullmatch(TIME, term)] or terms[:1]
    expected = [
        row
        for row in rows
        if all(fits(row, term, zone) for term in terms)
        and status in {None, row.status}
        and server in {"", row.hostname}
    ]
    asked = Filter(" ".join(terms), status, server)
    found = page(session, asked, zone=zone)
    assert [row.id for row in found.rows] == [row.id for row in expected[:10]]
    assert found.total == Total(len(expected))
    assert found.pages == max(1, -(-len(expected) // 10))
    last = page(session, asked, Cursor("last"), zone)
    assert [row.id for row in last.rows] == [row.id for row in expected[(last.pages - 1) * 10 :]]


@given(text=st.text(max_size=60))
@settings(ENOUGH, max_examples=300)
def test_any_text_is_read(text: str) -> None:
    for term in terms_of(text, SAO_PAULO, NOW.year):
        assert term.text
        assert all(found.start < found.end for found in [*term.sizes, *term.times])


@given(text=st.text(max_size=30))
@ENOUGH
def test_any_text_is_searched_for(history: Written, text: str) -> None:
    session, rows = history.session, history.rows
    found = page(session, Filter(text))
    if not text.split():
        assert found.total == Total(len(rows))
    elif not re.search(r"\w", text):
        # Only host names contain punctuation.
        assert all(folded(text.split(maxsplit=1)[0]) in folded(row.hostname) for row in found.rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20/07/2025", (datetime.datetime(2025, 7, 20, 3), datetime.datetime(2025, 7, 21, 3))),
        ("2025-07-20", (datetime.datetime(2025, 7, 20, 3), datetime.datetime(2025, 7, 21, 3))),
        # The clocks were set back at the end of the first day, and forward at the start of the second.
        ("17/02/2018", (datetime.datetime(2018, 2, 17, 2), datetime.datetime(2018, 2, 18, 3))),
        ("04/11/2018", (datetime.datetime(2018, 11, 4, 3), datetime.datetime(2018, 11, 5, 2))),
        ("20/07/2025 16:15", (datetime.datetime(2025, 7, 20, 19, 15), datetime.datetime(2025, 7, 20, 19, 16))),
        ("12/2025", (datetime.datetime(2025, 12, 1, 3), datetime.datetime(2026, 1, 1, 3))),
        ("2025", (datetime.datetime(2025, 1, 1, 3), datetime.datetime(2026, 1, 1, 3))),
    ],
)
def test_a_date_is_a_day_of_the_zone(text: str, expected: tuple[datetime.datetime, datetime.datetime]) -> None:
    (term,) = terms_of(text, SAO_PAULO, NOW.year)
    assert [tuple(span) for span in term.times] == [expected]


@pytest.mark.parametrize(
    "text", ["32/01/2025", "29/02/2025", "00/2025", "13/2025", "0001", "9999", "16:15", "16:15:23", "24:00", "6.213"]
)
def test_a_text_that_is_no_date_or_size_is_only_a_host_name(text: str) -> None:
    assert terms_of(text, SAO_PAULO, NOW.year) == [Term(text)]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        # The clocks showed 23:15 twice, an hour apart, and never 00:15.
        ("17/02/2018 23:15", "America/Sao_Paulo", ["18/02/2018 01:15", "18/02/2018 02:15"]),
        ("04/11/2018 00:15", "America/Sao_Paulo", []),
        ("07/04/2024 01:45:10", "Australia/Lord_Howe", ["06/04/2024 14:45", "06/04/2024 15:15"]),
        ("20/07/2025 24:00", "UTC", []),
        ("20/07/2025 12:60", "UTC", []),
        ("20/07/2025 12:00:61", "UTC", []),
    ],
)
def test_a_repeated_time_is_two_times_and_a_skipped_one_none(text: str, zone: str, expected: list[str]) -> None:
    (term,) = terms_of(text, ZoneInfo(zone), NOW.year)
    assert [f"{span.start:%d/%m/%Y %H:%M}" for span in term.times] == expected


def test_a_day_without_a_year_is_that_day_of_the_last_ten_years() -> None:
    (term,) = terms_of("29/02", SAO_PAULO, NOW.year)
    assert [f"{span.start:%Y}" for span in term.times] == ["2020", "2024"]


@pytest.mark.parametrize(
    "asked",
    [
        Filter(),
        Filter("db"),
        Filter(status=1),
        Filter("2018"),
        Filter("20/07/2025 16:15"),
        Filter("6.21", server="db-01"),
    ],
)
def test_walking_forward_and_back_shows_every_backup_once(history: Written, asked: Filter) -> None:
    session = history.session
    found = page(session, asked)
    forward, pages = [found], found.pages
    while cursor := found.next:
        found = page(session, asked, read(str(cursor)))
        forward.append(found)
    assert [each.number for each in forward] == list(range(1, pages + 1))
    ids = [row.id for each in forward for row in each.rows]
    assert len(ids) == len(set(ids)) == found.total.number
    backward = [page(session, asked, Cursor("last"))]
    while cursor := backward[-1].previous:
        backward.append(page(session, asked, read(str(cursor))))
    assert shown(backward) == shown(forward[:0:-1] if pages > 1 else forward)


def shown(pages: list[Page]) -> list[tuple[int, list[int]]]:
    return [(page.number, [row.id for row in page.rows]) for page in pages]


# --- Long counts ---


def test_a_long_count_stops_and_is_marked(history: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_queries, "MOST_COUNTED", 50)
    session, asked = history.session, Filter("sucesso")
    number = sum(row.status == 1 for row in history.rows)
    first = page(session, asked)
    assert (first.total, first.number, first.pages) == (Total(50, is_more=True), 1, 5)
    # The next pages go beyond the counted ones; the last page counts them all.
    found, walked = first, [first]
    while cursor := found.next:
        found = page(session, asked, read(str(cursor)))
        walked.append(found)
    assert [each.number for each in walked] == list(range(1, -(-number // 10) + 1))
    assert sum(len(each.rows) for each in walked) == number
    last = page(session, asked, Cursor("last"))
    assert (last.total, last.number, last.pages) == (Total(number), len(walked), len(walked))
    assert shown([last]) == shown([found])


def test_the_whole_history_is_counted_to_its_end(history: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_queries, "MOST_COUNTED", 50)
    assert page(history.session, Filter()).total == Total(ROWS)


# --- The cache ---


def test_the_cache_makes_a_value_anew_when_it_is_old() -> None:
    now = [NOW]
    cache, values = Cache(lambda: now[0]), iter(range(3))
    assert [cache.get("x", lambda: next(values)) for _ in range(3)] == [0, 0, 0]
    now[0] += FRESH
    assert cache.get("x", lambda: next(values)) == 1
    assert cache.get("y", lambda: next(values)) == 2


def test_while_one_thread_makes_a_value_the_others_get_the_old_one() -> None:
    now = [NOW]
    cache, begun, may_end = Cache(lambda: now[0]), threading.Event(), threading.Event()
    assert cache.get("x", lambda: 1) == 1
    now[0] += FRESH

    def slow() -> int:
        begun.set()
        may_end.wait(HANGS)
        return 2

    maker = threading.Thread(target=cache.get, args=("x", slow))
    maker.start()
    begun.wait(HANGS)
    assert cache.get("x", lambda: 3) == 1
    may_end.set()
    maker.join()
    assert cache.get("x", lambda: 4) == 2


def test_a_value_that_could_not_be_made_is_tried_again_by_the_next() -> None:
    cache = Cache(lambda: NOW)
    with pytest.raises(ZeroDivisionError):
        cache.get("x", lambda: 1 // 0)
    assert cache.get("x", lambda: 7) == 7
