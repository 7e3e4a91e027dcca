"""Dates, sizes, durations and statuses as the screens show them. Pure functions; Jinja has them as filters."""

from __future__ import annotations

import datetime
import decimal
import unicodedata
from collections.abc import Callable
from zoneinfo import ZoneInfo

from webstatus.i18n import PORTUGUESE, mark

NOTHING = "\N{EN DASH}"
STATUS_WORDS = {0: mark("Em andamento"), 1: mark("Sucesso"), 2: mark("Alerta"), 3: mark("Erro")}
# The stages that the writer records.
STAGE_WORDS = {
    "dump": mark("Dump"),
    "pack": mark("Empacotamento"),
    "upload": mark("Upload"),
    "mail": mark("E-mail"),
}
UNITS = ("MB", "GB", "TB", "PB")

Translate = Callable[[str], str]
TranslatePlural = Callable[[str, str, int], str]


def local(moment: datetime.datetime, zone: ZoneInfo) -> datetime.datetime:
    """Return a time of the log tables (UTC without a zone) in *zone*."""
    return moment.replace(tzinfo=datetime.UTC).astimezone(zone)


def utc(moment: datetime.datetime, zone: ZoneInfo, fold: int = 0) -> datetime.datetime:
    """Return a time that clocks in *zone* show as UTC without a zone.

    :param fold: 1 for the second time that the clocks show it, when they are set back
    """
    return moment.replace(tzinfo=zone, fold=fold).astimezone(datetime.UTC).replace(tzinfo=None)


def show_datetime(moment: datetime.datetime | None, zone: ZoneInfo) -> str:
    """Format a time as ``20/07/2025 16:15:23``."""
    return local(moment, zone).strftime("%d/%m/%Y %H:%M:%S") if moment else NOTHING


def show_date(moment: datetime.datetime | None, zone: ZoneInfo) -> str:
    """Format a date as ``20/07/2025``."""
    return local(moment, zone).strftime("%d/%m/%Y") if moment else NOTHING


def show_megabytes(size: decimal.Decimal | float | None) -> str:
    """Format a size in megabytes (10^6 bytes) as ``6.21 GB``: up to three digits before the point, two after it."""
    if size is None:
        return NOTHING
    value = decimal.Decimal(size)
    for unit in UNITS:
        shown = value.quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_UP)
        if shown < 1000 or unit == UNITS[-1]:
            return f"{shown} {unit}"
        value /= 1000
    raise AssertionError


def show_number(number: int, language: str) -> str:
    """Format a number as ``1.000.000`` in Portuguese, ``1,000,000`` in English."""
    return f"{number:,}".replace(",", "." if language == PORTUGUESE else ",")


def show_duration(seconds: float | None, ngettext: TranslatePlural) -> str:
    """Format a duration as ``1 minuto 23 segundos``; days, hours and minutes only where there are any."""
    if seconds is None:
        return NOTHING
    rest = max(0, int(seconds))
    days, rest = divmod(rest, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [
        ngettext("%(num)d dia", "%(num)d dias", days) % {"num": days} if days else "",
        ngettext("%(num)d hora", "%(num)d horas", hours) % {"num": hours} if hours else "",
        ngettext("%(num)d minuto", "%(num)d minutos", minutes) % {"num": minutes} if minutes else "",
        ngettext("%(num)d segundo", "%(num)d segundos", rest) % {"num": rest} if rest or seconds < 1 else "",
    ]
    return " ".join(filter(None, parts))


def show_age(seconds: float | None, ngettext: TranslatePlural) -> str:
    """Format an age as ``há 3 dias``, in the largest unit that it fills; minutes are the smallest."""
    if seconds is None:
        return NOTHING
    minutes = max(0, int(seconds // 60))
    if minutes >= 2 * 1440:
        return ngettext("há %(num)d dia", "há %(num)d dias", minutes // 1440) % {"num": minutes // 1440}
    if minutes >= 60:
        return ngettext("há %(num)d hora", "há %(num)d horas", minutes // 60) % {"num": minutes // 60}
    return ngettext("há %(num)d minuto", "há %(num)d minutos", minutes) % {"num": minutes}


def seconds_between(start: datetime.datetime | None, end: datetime.datetime | None) -> float | None:
    """Return the seconds from *start* to *end*; ``None`` when one of them is unknown."""
    return (end - start).total_seconds() if start and end else None


def status_word(status: int | None, gettext: Translate) -> str:
    """Return ``Sucesso``, ``Alerta``, ``Erro`` or ``Em andamento``; a dash without a status."""
    return gettext(STATUS_WORDS[status]) if status in STATUS_WORDS else NOTHING


def stage_word(stage: str | None, gettext: Translate) -> str:
    """Return the name of a stage; an unknown one, of a newer writer, stays as it is."""
    return gettext(STAGE_WORDS[stage]) if stage in STAGE_WORDS else stage or NOTHING


def folded(text: str) -> str:
    """Return a text without letter case and accents; a text of accents alone keeps them."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)) or decomposed
