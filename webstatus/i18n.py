"""Two languages: the messages are Portuguese themselves, and a catalog has their English."""

from __future__ import annotations

import functools
import io
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

PORTUGUESE = "pt-BR"
ENGLISH = "en"
LANGUAGES = (PORTUGUESE, ENGLISH)

CATALOG = Path(__file__).parent / "locales/en/LC_MESSAGES/messages.po"


def mark(message: str) -> str:
    """The message itself: marks it for the catalog where it is written, to be translated where it is shown."""
    return message


@functools.cache
def translations(language: str) -> NullTranslations:
    """The translator of one of :data:`LANGUAGES`."""
    if language == PORTUGUESE:
        return PortugueseItself()
    with CATALOG.open("rb") as stream:
        catalog = read_po(stream)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)


class PortugueseItself(NullTranslations):
    """Messages as they are written. Portuguese has no plural for none, unlike the rule that gettext falls back on."""

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """One of the two forms, by *number*."""
        return singular if number in {0, 1} else plural
