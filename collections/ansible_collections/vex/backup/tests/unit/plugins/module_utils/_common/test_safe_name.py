# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names in paths and keys."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import safe_name, short_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("db-1.example_org", "db-1.example_org"),
        ("ação/ü b", "a%C3%A7%C3%A3o%2F%C3%BC%20b"),
        ("100%", "100%25"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "..."),
        ("😀", "%F0%9F%98%80"),
        ("a\0\n", "a%00%0A"),
        ("", ""),
    ],
)
def test_safe_name(text: str, name: str) -> None:
    assert safe_name(text) == name
    assert urllib.parse.unquote(name) == text


def test_every_character_is_encoded_for_paths_and_decoded_again() -> None:
    for code in [*range(0x250), 0x2028, 0xFFFD, 0x1F600]:
        name = safe_name(chr(code))
        assert re.fullmatch(r"[A-Za-z0-9._%-]+", name)
        assert urllib.parse.unquote(name) == chr(code)


@given(st.lists(st.text(min_size=1, max_size=64), min_size=2, unique=True))
@example(["é" * 64, "é" * 63, f"{'é' * 63}e", "..", ".", "\udce9"])
def test_short_names_are_different_file_names(texts: t.List[str]) -> None:
    names = [short_name(text, 200) for text in texts]
    assert len(set(names)) == len(texts)
    for text, name in zip(texts, names):
        assert len(name) <= 255
        assert "/" not in name
        assert name not in (".", "..")
        assert name == safe_name(text) or len(safe_name(text)) > 200
