"""The catalog has English for every message of the app, and no other message."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import webstatus
from webstatus.i18n import ENGLISH, LOCALES, translations

METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}


def used() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(str(Path(webstatus.__file__).parent), METHODS, {}, KEYWORDS)
    return {message for _, _, message, _, _ in found}


def in_catalog() -> list[Message]:
    with (LOCALES / ENGLISH / "LC_MESSAGES/messages.po").open("rb") as stream:
        return [message for message in read_po(stream) if message.id]


def test_the_catalog_has_the_messages_that_the_app_uses() -> None:
    assert {message.id for message in in_catalog()} == used()


@pytest.mark.parametrize("message", in_catalog(), ids=lambda message: str(message.id)[:40])
def test_the_english_has_the_placeholders_of_the_message(message: Message) -> None:
    assert message.string and all(message.string)
    assert not list(message.check())


def test_the_compiled_catalog_is_current() -> None:
    english = translations(ENGLISH)
    for message in in_catalog():
        if isinstance(message.id, str):
            found: object = english.gettext(message.id)
        else:
            singular, plural = message.id
            found = english.ngettext(singular, plural, 1), english.ngettext(singular, plural, 2)
        assert found == message.string, "run scripts/assets, which compiles the catalog"
