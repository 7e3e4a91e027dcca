"""The dashboard, in this process: its numbers, counted in the app's time zone."""

from __future__ import annotations

import datetime
import html
import re
from collections import Counter
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.backups import add, clear
from tests.web.people import Person
from tests.web.visitor import Clock, Visitor, text_of
from webstatus.app import create_app
from webstatus.queries.dashboard import hours_of_today, last_days, start_of
from webstatus.settings import load

ZONE = ZoneInfo("America/Sao_Paulo")


@pytest.fixture(autouse=True)
def _empty(web_database: LogDatabase) -> Iterator[None]:
    _clear(web_database)
    yield
    _clear(web_database)


def _clear(database: LogDatabase) -> None:
    clear(database)
    database.server.execute(f"DELETE FROM {database.name}.servidor")


def expect_of(database: LogDatabase, hostname: str, **columns: str) -> None:
    """Add a server with a schedule."""
    values = {"hostname": hostname, **columns}
    names, marks = ", ".join(values), ", ".join(repr(value) for value in values.values())
    database.server.execute(f"INSERT INTO {database.name}.servidor ({names}) VALUES ({marks})")


def board(visitor: Visitor) -> Board:
    """Return the part of the page that reloads."""
    answer = visitor.get("/dashboard")
    assert answer.status_code == 200
    return Board(answer.text)


class Board:
    """The part that reloads, as sent."""

    def __init__(self, sent: str) -> None:
        self.sent = sent
        self.words = _words(sent)

    def part(self, name: str) -> str:
        """Return the text of one part."""
        found = re.search(rf'<(\w+)[^>]* data-part="{name}">(.*?)</\1>', self.sent, re.DOTALL)
        assert found, self.sent
        return _words(found[2])

    def chart(self, name: str) -> dict[str, int]:
        """Return the counts of one chart and its table by label."""
        found = re.search(rf'<tbody data-part="{name}">(.*?)</tbody>', self.sent, re.DOTALL)
        assert found, self.sent
        cells = re.findall(r'<th scope="row">(.*?)</th><td class="number">(\d+)</td>', found[1])
        return {label: int(count) for label, count in cells}


def _words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def today_at(clock: Clock, hour: int, minute: int = 0) -> datetime.datetime:
    """Return a local time of today in UTC, as in the log tables."""
    here = clock().replace(tzinfo=datetime.UTC).astimezone(ZONE)
    return here.replace(hour=hour, minute=minute, second=0).astimezone(datetime.UTC).replace(tzinfo=None)


def test_without_backups_it_shows_what_to_do(app: Starlette, client: Person) -> None:
    page = Visitor(app).log_in(client).get("/")
    assert page.status_code == 200
    assert "Acompanhe e visualize seus backups" in page.text
    assert "Nenhum backup ainda" in page.text
    assert "playbooks/backup.yml" in page.text


def test_numbers_show_the_rows(app: Starlette, clock: Clock, client: Person, web_database: LogDatabase) -> None:
    # The run in progress is in none of the hours below.
    clock.pass_time(seconds=(today_at(clock, 12) - clock()).total_seconds() % 86400)
    midnight = today_at(clock, 0)
    for hour, status in ((0, 1), (2, 1), (2, 2), (3, 3)):
        add(web_database, hostname=f"db-{hour}-{status}", status_backup=status, data_inicio=today_at(clock, hour, 5))
    running = add(web_database, hostname="db-run", status_backup=0, etapa="upload", data_inicio=clock())
    add(web_database, hostname="db-old", data_inicio=midnight - datetime.timedelta(seconds=1))
    add(web_database, hostname="db-new", data_inicio=midnight + datetime.timedelta(days=1))
    found = board(Visitor(app).log_in(client))
    totals = {name: found.part(f"total{name}") for name in ("", "-success", "-warning", "-error", "-running")}
    assert totals == {"": "5", "-success": "2", "-warning": "1", "-error": "1", "-running": "1 em andamento agora"}
    successes, hours = found.chart("success"), found.chart("hours")
    assert (successes["00:00"], successes["01:00"], successes["02:00"]) == (1, 0, 1)
    assert (hours["02:00"], sum(hours.values())) == (2, 5)
    assert (sum(found.chart("warning").values()), sum(found.chart("error").values())) == (1, 1)
    assert list(found.chart("days").values())[-2:] == [1, 5]
    assert list(found.chart("minutes").values())[-1] >= 1
    assert re.search(r"db-run Upload", found.words), found.words
    assert f'href="/backups/{running}"' in found.sent


def test_a_new_row_appears_at_the_next_reload(
    app: Starlette, clock: Clock, client: Person, web_database: LogDatabase
) -> None:
    visitor = Visitor(app).log_in(client)
    assert board(visitor).words.startswith("Nenhum backup ainda")
    add(web_database, data_inicio=clock())
    clock.pass_time(seconds=2)
    assert board(visitor).part("total-success") == "1"


def test_the_overview_names_who_is_not_safe(
    app: Starlette, clock: Clock, client: Person, web_database: LogDatabase
) -> None:
    hour = datetime.timedelta(hours=1)
    visitor = Visitor(app).log_in(client)
    add(web_database, hostname="safe", data_inicio=clock() - hour)
    assert board(visitor).part("overview") == "O único servidor tem backup"
    add(web_database, hostname="old", data_inicio=clock() - 30 * hour)
    clock.pass_time(seconds=2)
    assert board(visitor).part("overview") == "1 dos 2 servidores está sem backup recente"
    add(web_database, hostname="failed", data_inicio=clock() - 2 * hour)
    add(web_database, hostname="failed", status_backup=3, data_inicio=clock() - hour)
    add(web_database, hostname="kept", data_inicio=clock() - hour, upload={"status_upload": 3})
    expect_of(web_database, "never", data_criacao=str(clock() - hour))
    schedule = {"agenda": "0 * * * *", "fuso": "UTC", "tolerancia_minutos": "30"}
    add(web_database, hostname="late", data_inicio=clock() - 4 * hour)
    expect_of(web_database, "late", **schedule)
    expect_of(web_database, "in-time", agenda="0 0 1 1 *", fuso="Europe/Lisbon")
    add(web_database, hostname="in-time", data_inicio=clock() - 100 * hour)
    add(web_database, hostname="gone", status_backup=3, data_inicio=clock() - hour)
    expect_of(web_database, "gone", ativo="0")
    clock.pass_time(seconds=2)
    found = board(visitor)
    assert found.part("overview") == "4 dos 7 servidores precisam de atenção"
    reasons = found.part("reasons")
    for reason in (
        "1 sem nenhum backup",
        "1 com erro no último backup",
        "1 com erro no último upload",
        "1 com backup atrasado",
    ):
        assert reason in reasons, reasons
    for row in (
        "never Sem backup Nenhum",
        "failed Backup falhou",
        "kept Upload falhou",
        "late Atrasado previsto para",
        "old Backup antigo",
        "in-time Protegido",
    ):
        assert row in found.words, found.words
    assert "gone" not in found.words


def test_a_schedule_that_is_malformed_does_not_break_the_page(
    app: Starlette, clock: Clock, client: Person, web_database: LogDatabase
) -> None:
    add(web_database, hostname="odd", data_inicio=clock())
    expect_of(web_database, "odd", agenda="whenever", fuso="Nowhere")
    assert board(Visitor(app).log_in(client)).part("overview") == "O único servidor tem backup"


def test_hostile_names_are_text(app: Starlette, clock: Clock, client: Person, web_database: LogDatabase) -> None:
    name = "<script>alert(1)</script>\"'\n🦊"
    add(web_database, hostname=name, status_backup=3, data_inicio=clock())
    add(web_database, hostname=name, status_backup=0, etapa="<b>x", data_inicio=clock())
    text = Visitor(app).log_in(client).get("/dashboard").text
    assert "<script" not in text
    assert "<b>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2
    assert "🦊" in text


def test_in_english(app: Starlette, client: Person) -> None:
    visitor = Visitor(app).log_in(client)
    visitor.post("/language", language="en", next="/")
    words = text_of(visitor.get("/"))
    assert "Monitor your backups" in words
    assert "No backup yet" in words


def test_a_reload_requires_a_session_and_does_not_keep_it_alive(app: Starlette, clock: Clock, client: Person) -> None:
    assert Visitor(app).get("/dashboard").status_code == 401
    visitor = Visitor(app).log_in(client)
    for _ in range(4):
        clock.pass_time(minutes=9)
        last = visitor.get("/dashboard").status_code
    assert last == 401


@pytest.mark.parametrize(
    ("zone", "moment", "hours"),
    [
        ("Europe/Lisbon", "2026-03-29 12:00", 23),
        ("Europe/Lisbon", "2026-10-25 12:00", 25),
        ("Europe/Lisbon", "2026-10-26 12:00", 24),
        ("America/Sao_Paulo", "2018-11-04 15:00", 23),
        ("Asia/Kolkata", "2026-01-01 20:00", 24),
    ],
)
def test_a_day_has_its_hours(zone: str, moment: str, hours: int) -> None:
    now = datetime.datetime.strptime(moment, "%Y-%m-%d %H:%M")
    bounds = hours_of_today(now, ZoneInfo(zone))
    assert len(bounds) == hours + 1
    assert bounds[0] <= now < bounds[-1]
    assert bounds == sorted(set(bounds))
    days = last_days(now, ZoneInfo(zone))
    assert (len(days), days[-2]) == (15, bounds[0])


def test_days_follow_each_other() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    dates = [datetime.date(2018, 10, 25) + datetime.timedelta(days=number) for number in range(150)]
    lengths = Counter(start_of(date + datetime.timedelta(days=1), zone) - start_of(date, zone) for date in dates)
    assert lengths == {
        datetime.timedelta(hours=24): 148,
        datetime.timedelta(hours=23): 1,
        datetime.timedelta(hours=25): 1,
    }


def test_the_cached_part_is_sent_compressed(
    app: Starlette, clock: Clock, client: Person, web_database: LogDatabase
) -> None:
    add(web_database, data_inicio=clock())
    visitor = Visitor(app).log_in(client)
    packed = visitor.get("/dashboard", headers={"Accept-Encoding": "gzip"})
    plain = visitor.get("/dashboard", headers={"Accept-Encoding": "identity"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


def test_an_hour_that_occurs_twice_has_its_zone(
    web_settings: dict[str, str], client: Person, web_database: LogDatabase
) -> None:
    noon = datetime.datetime(2026, 10, 25, 12)
    for hour in (0, 1, 2):  # The clocks of Lisbon show 01:30, 01:30 and 02:30.
        add(web_database, data_inicio=datetime.datetime(2026, 10, 25, hour, 30))
    clock = Clock()
    clock.ahead = noon - clock()
    app = create_app(load(**web_settings, time_zone="Europe/Lisbon"), clock)
    hours = board(Visitor(app).log_in(client)).chart("success")
    app.state.database.close()
    assert len(hours) == 25
    counted = {label: count for label, count in hours.items() if count}
    assert counted == {"01:00 WEST": 1, "01:00 WET": 1, "02:00": 1}
