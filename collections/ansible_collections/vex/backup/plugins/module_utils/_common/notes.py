# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The notes of a run or a restore, as ``observacao`` stores them.

Each note is one line: ``[INFO] text``, ``[WARNING] text`` or ``[ERROR] text``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.text import fit_bytes

# What a column of type `text` holds, in bytes of UTF-8.
TEXT_BYTES = 65535


def info_note(text: str) -> str:
    """Return a note of level info, as one line: a fact that is no problem."""
    return f"[INFO] {one_line(text)}"


def warning_note(text: str) -> str:
    """Return a note of level warning, as one line."""
    return f"[WARNING] {one_line(text)}"


def error_note(text: str) -> str:
    """Return a note of level error, as one line."""
    return f"[ERROR] {one_line(text)}"


def join_notes(notes: t.Iterable[str]) -> str:
    """Return the text of ``observacao``: one note a line, cut at the end to what the column holds."""
    return fit_text("\n".join(one_line(note) for note in notes))


def fit_text(text: str) -> str:
    """Return *text*, cut at the end to what a column of type ``text`` holds."""
    return fit_bytes(text, TEXT_BYTES)


def one_line(text: str) -> str:
    """Return *text* with each run of whitespace, line breaks included, as one space."""
    return " ".join(text.split())
