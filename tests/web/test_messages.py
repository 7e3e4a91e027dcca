"""Every message of the app has its English, and the catalog no other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import webstatus
from webstatus.i18n import CATALOG

METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "gettext": None, "mark": None, "ngettext": (1, 2)}


def used() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(str(Path(webstatus.__file__).parent), METHODS, {}, KEYWORDS)
    return {message for _, _, message, _, _ in found}


def in_catalog() -> Iterable[Message]:
    with CATALOG.open("rb") as stream:
        return [message for message in read_po(stream) if message.id]


def test_all_messages_are_in_the_catalog() -> None:
    assert {message.id for message in in_catalog()} == used()


@pytest.mark.parametrize("message", in_catalog(), ids=lambda message: str(message.id)[:40])
def test_a_message_has_english_with_the_same_places(message: Message) -> None:
    assert message.string and all(message.string)
    assert not list(message.check())
