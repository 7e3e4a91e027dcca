"""Times, sizes, durations and statuses as pages show them, in both languages."""

from __future__ import annotations

import datetime
import decimal
from zoneinfo import ZoneInfo

import pytest

from webstatus import formats
from webstatus.i18n import ENGLISH, PORTUGUESE, translations

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
PT, EN = translations(PORTUGUESE), translations(ENGLISH)


def test_times_are_shown_in_the_zone() -> None:
    moment = datetime.datetime(2025, 7, 20, 19, 15, 23)
    assert formats.show_datetime(moment, SAO_PAULO) == "20/07/2025 16:15:23"
    assert formats.show_datetime(moment, ZoneInfo("UTC")) == "20/07/2025 19:15:23"
    assert formats.show_date(datetime.datetime(2025, 7, 20, 1), SAO_PAULO) == "19/07/2025"
    assert formats.show_datetime(None, SAO_PAULO) == formats.show_date(None, SAO_PAULO) == formats.NOTHING


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, formats.NOTHING),
        (0, "0.00 MB"),
        (decimal.Decimal("0.01"), "0.01 MB"),
        (decimal.Decimal("999.99"), "999.99 MB"),
        (decimal.Decimal("999.995"), "1.00 GB"),
        (decimal.Decimal(6210), "6.21 GB"),
        (decimal.Decimal("6214.99"), "6.21 GB"),
        (decimal.Decimal(6215), "6.22 GB"),
        (decimal.Decimal(999995), "1.00 TB"),
        (decimal.Decimal("1e9"), "1.00 PB"),
        (decimal.Decimal("9999999999999999.99"), "10000000.00 PB"),
    ],
)
def test_sizes(size: decimal.Decimal | None, shown: str) -> None:
    assert formats.show_megabytes(size) == shown


@pytest.mark.parametrize(
    ("seconds", "portuguese", "english"),
    [
        (None, formats.NOTHING, formats.NOTHING),
        (0, "0 segundo", "0 seconds"),
        (0.4, "0 segundo", "0 seconds"),
        (1, "1 segundo", "1 second"),
        (59.9, "59 segundos", "59 seconds"),
        (60, "1 minuto", "1 minute"),
        (83, "1 minuto 23 segundos", "1 minute 23 seconds"),
        (3600, "1 hora", "1 hour"),
        (7322, "2 horas 2 minutos 2 segundos", "2 hours 2 minutes 2 seconds"),
        (86400 * 2 + 1, "2 dias 1 segundo", "2 days 1 second"),
        (-5, "0 segundo", "0 seconds"),
    ],
)
def test_durations(seconds: float | None, portuguese: str, english: str) -> None:
    assert formats.show_duration(seconds, PT.ngettext) == portuguese
    assert formats.show_duration(seconds, EN.ngettext) == english


def test_seconds_between() -> None:
    start = datetime.datetime(2025, 7, 20)
    assert formats.seconds_between(start, start + datetime.timedelta(minutes=1)) == 60
    assert formats.seconds_between(start, None) is None
    assert formats.seconds_between(None, start) is None


@pytest.mark.parametrize(
    ("status", "portuguese", "english"),
    [
        (0, "Em andamento", "Running"),
        (1, "Sucesso", "Success"),
        (2, "Alerta", "Warning"),
        (3, "Erro", "Error"),
        (None, formats.NOTHING, formats.NOTHING),
        (9, formats.NOTHING, formats.NOTHING),
    ],
)
def test_statuses(status: int | None, portuguese: str, english: str) -> None:
    assert formats.status_word(status, PT.gettext) == portuguese
    assert formats.status_word(status, EN.gettext) == english


def test_a_message_without_a_translation_stays_portuguese() -> None:
    assert EN.gettext("uma mensagem que ninguém escreveu") == "uma mensagem que ninguém escreveu"
