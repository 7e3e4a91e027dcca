"""The app's two languages: messages are written in Portuguese, and a catalog has their English."""

from __future__ import annotations

import functools
import gettext
from pathlib import Path

PORTUGUESE = "pt-BR"
ENGLISH = "en"
LANGUAGES = (PORTUGUESE, ENGLISH)

LOCALES = Path(__file__).parent / "locales"


def mark(message: str) -> str:
    """Return the message itself; marks a message for the catalog where it is written but not yet translated."""
    return message


@functools.cache
def translations(language: str) -> gettext.NullTranslations:
    """Return the translator of one of :data:`LANGUAGES`.

    :raises FileNotFoundError: when a checkout's catalog is not compiled; ``scripts/assets`` compiles it
    """
    if language == PORTUGUESE:
        return Untranslated()
    return gettext.translation("messages", LOCALES, [language])


class Untranslated(gettext.NullTranslations):
    """Messages as they are written. Portuguese uses the singular for zero; gettext's default rule is English."""

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Return *singular* for 0 and 1, else *plural*."""
        return singular if number in {0, 1} else plural
