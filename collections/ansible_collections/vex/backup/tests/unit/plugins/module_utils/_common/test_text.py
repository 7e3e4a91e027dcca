# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts cut to a limit, and numbers with their nouns."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.text import (
    clean,
    counted,
    end_of,
    excerpt_of,
    fit_bytes,
    fit_characters,
)

ANY_TEXT = st.text(st.characters(), max_size=200)


def test_counted() -> None:
    assert [counted(count, "table") for count in (0, 1, 2)] == ["0 tables", "1 table", "2 tables"]


@given(ANY_TEXT, st.integers(3, 50))
def test_only_too_long_texts_are_cut(text: str, limit: int) -> None:
    whole = clean(text)
    for cut, size in (
        (fit_characters(text, limit), len),
        (fit_bytes(text, limit), lambda value: len(value.encode())),
    ):
        assert size(cut) <= limit
        if size(whole) <= limit:
            assert cut == whole
        else:
            assert cut.endswith("…")
            assert whole.startswith(cut[:-1])


def test_undecodable_bytes_become_valid_text() -> None:
    assert clean(b"a\xffb".decode("utf-8", "surrogateescape") + "😀\ud800") == "a\ufffdb😀\ufffd"


def test_excerpt_has_head_tail_and_the_size_of_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"h" * 10 + b"m" * 5_000_000 + b"t" * 10)
    assert excerpt_of(str(path), 20) == "h" * 10 + "\n[... 5000000 bytes left out ...]\n" + "t" * 10
    path.write_bytes(b"x" * 20)
    assert excerpt_of(str(path), 20) == "x" * 20


@given(ANY_TEXT, st.integers(100, 300))
def test_the_end_of_a_text(text: str, limit: int) -> None:
    whole = clean(text)
    end = end_of(whole, limit)
    assert len(end.encode()) <= limit
    if end != whole:
        heading, _line_break, rest = end.partition("\n")
        assert heading.endswith(" bytes left out ...]")
        assert whole.endswith(rest)
        assert len(rest.encode()) > limit - 70
    else:
        assert len(whole.encode()) <= limit
