# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts of any length and bytes, cut and cleaned for columns, mails and pages; numbers with their nouns."""

from __future__ import annotations

import os

ELLIPSIS = "…"


def clean(text: str) -> str:
    """Return *text* as valid Unicode: a surrogate for an undecodable byte becomes the replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def counted(count: int, noun: str) -> str:
    """Return a number and its noun, such as ``1 table`` or ``3 tables``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def fit_characters(text: str, limit: int) -> str:
    """Clean *text* and cut it to *limit* characters; an ellipsis replaces the removed end."""
    text = clean(text)
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def fit_bytes(text: str, limit: int) -> str:
    """Clean *text* and cut it to *limit* bytes in UTF-8; an ellipsis replaces the removed end."""
    content = clean(text).encode("utf-8")
    if len(content) <= limit:
        return content.decode("utf-8")
    return content[: limit - len(ELLIPSIS.encode("utf-8"))].decode("utf-8", "ignore") + ELLIPSIS


def end_of(text: str, limit: int) -> str:
    """Return *text*, or its end and how much is left out before it: at most *limit* bytes of UTF-8.

    :param limit: at least 100
    """
    content = text.encode("utf-8")
    if len(content) <= limit:
        return text
    # Room for the line about it.
    end = content[len(content) - limit + 60 :]
    return f"[... {len(content) - len(end)} bytes left out ...]\n{end.decode('utf-8', 'ignore')}"


def excerpt_of(path: str, limit: int) -> str:
    """Read a file's text: all of it up to *limit* bytes, else its head and tail, and how much is left out between.

    :raises OSError: when the file cannot be read
    """
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= limit:
            return stream.read(limit).decode("utf-8", "replace")
        half = limit // 2
        head = stream.read(half)
        stream.seek(size - half)
        tail = stream.read(half)
    left_out = f"\n[... {size - 2 * half} bytes left out ...]\n"
    return head.decode("utf-8", "replace") + left_out + tail.decode("utf-8", "replace")
