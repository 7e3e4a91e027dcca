# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The least InnoDB page that holds the keys and the rows of a table for certain, by its definition.

A server with smaller pages than the dumped one takes shorter keys, and refuses rows that need more than half a page.
https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.sql_parts import Parts

_PAGES = (4096, 8192, 16384, 32768, 65536)
# Of a key, by page: 768, 1536, 3072 and no more with larger pages.
_LONGEST_KEY = 3072
# What a page keeps for itself, and a row for its header, transaction and hidden key.
_PAGE_PARTS, _ROW_PARTS = 66, 24
# A column with a longer type is stored outside of the row, which keeps the address.
_LONGEST_INSIDE = 255
_ADDRESS = 20
_USUAL_PAGE = 16384
_LONGEST_OLD_PART = 767
_LONGEST_BEGINNING = 768
_NUMBERS = {b"decimal": 30, b"uuid": 16, b"inet6": 16}
_NUMBER = 8
_LONG = re.compile(rb"(?:tiny|medium|long)?(?:text|blob)|json|vector|geom\w+|\w*point|\w*linestring|\w*polygon")
_CHARACTER_TYPES = (b"char", b"varchar")
_LENGTH_TYPES = (*_CHARACTER_TYPES, b"binary", b"varbinary")
_WIDTHS = {b"utf8mb4": 4, b"utf16": 4, b"utf16le": 4, b"utf32": 4, b"gb18030": 4, b"utf8": 3, b"utf8mb3": 3}
_WIDTHS.update(dict.fromkeys((b"eucjpms", b"ujis"), 3))
_WIDTHS.update(dict.fromkeys((b"big5", b"gbk", b"euckr", b"gb2312", b"sjis", b"cp932", b"ucs2"), 2))
_DEFAULT = re.compile(rb"\n\) [^\n]*\bCHARSET=(\w+)")
_COLUMN = re.compile(
    rb"^  \0(\d+)\0 (\w+)(?:\((\d+)\))?(?: [^\n]*?\bCHARACTER SET (\w+)| [^\n]*?\bCOLLATE (\w+))?", re.MULTILINE
)
_KEY = re.compile(rb"^  (?:PRIMARY |UNIQUE )?KEY (?:\0\d+\0 )?\(([^\n]*)\)", re.MULTILINE)
_KEY_PART = re.compile(rb"\0(\d+)\0(?:\((\d+)\))?")


class _Column(t.NamedTuple):
    """A column's longest value and the length of a character, in bytes; ``is_long`` when the value has no limit."""

    longest: int
    width: int
    is_long: bool

    @property
    def inside(self) -> int:
        """The bytes in the row: the value with its length, or the address of a value outside."""
        is_outside = self.is_long or self.longest > _LONGEST_INSIDE
        return _ADDRESS if is_outside else self.longest + 2

    @property
    def inside_of_old_rows(self) -> int:
        """The same, where the beginning of a value outside stays in the row."""
        beginning = _LONGEST_BEGINNING if self.is_long else min(self.longest, _LONGEST_BEGINNING)
        return beginning + _ADDRESS

    def key_bytes(self, prefix: bytes) -> int:
        """Return the bytes in a key, of a prefix of so many characters, or of the column when it is empty."""
        return int(prefix) * self.width if prefix else self.longest


def least_page(parts: Parts) -> int:
    """Return the least page, in bytes, that holds the keys and rows of a table whatever its rows are."""
    columns = _columns(parts)
    key = max((sum(_key_parts(parts, columns, found)) for found in _KEY.findall(parts.bare)), default=0)
    row = _ROW_PARTS + len(columns) // 8 + sum(column.inside for column in columns.values())
    for page in _PAGES:
        if key <= min(page * 3 // 16, _LONGEST_KEY) and row <= page // 2 - _PAGE_PARTS:
            return page
    return _PAGES[-1]


def fits_old_rows(parts: Parts) -> bool:
    """Return whether a table fits the row formats REDUNDANT and COMPACT, with pages of the usual size.

    Their keys have shorter parts, and they keep the beginning of each long value in the row.
    """
    columns = _columns(parts)
    keys = [size for found in _KEY.findall(parts.bare) for size in _key_parts(parts, columns, found)]
    row = _ROW_PARTS + len(columns) // 8 + sum(column.inside_of_old_rows for column in columns.values())
    return max(keys, default=0) <= _LONGEST_OLD_PART and row <= _USUAL_PAGE // 2 - _PAGE_PARTS


def _columns(parts: Parts) -> t.Dict[str, _Column]:
    default = _DEFAULT.search(parts.bare)
    usual = default[1] if default else b""
    return {
        parts.text(name): _column(kind.lower(), length, charset or collation.split(b"_")[0] or usual)
        for name, kind, length, charset, collation in _COLUMN.findall(parts.bare)
    }


def _column(kind: bytes, length: bytes, charset: bytes) -> _Column:
    width = _WIDTHS.get(charset, 1) if kind in _CHARACTER_TYPES or _LONG.fullmatch(kind) else 1
    if kind in _LENGTH_TYPES:
        return _Column(int(length or 1) * width, width, is_long=False)
    return _Column(_NUMBERS.get(kind, _NUMBER), width, is_long=_LONG.fullmatch(kind) is not None)


def _key_parts(parts: Parts, columns: t.Mapping[str, _Column], key: bytes) -> t.List[int]:
    """Return the bytes of each part of a key."""
    # A part may be an expression, or several columns in one.
    found = [(columns.get(parts.text(name)), prefix) for name, prefix in _KEY_PART.findall(key)]
    return [column.key_bytes(prefix) for column, prefix in found if column]
