# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Quoted identifiers in SQL."""

from __future__ import annotations

import re

# A text or an identifier in quotes, in a statement of the SQL mode of this product's sessions.
QUOTED = re.compile(rb"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`", re.DOTALL)


def quote_identifier(name: str) -> str:
    """Return *name* in backticks, as MySQL and MariaDB accept it under every SQL mode."""
    return "`" + name.replace("`", "``") + "`"


def quoted(name: str) -> bytes:
    """Return *name* in backticks, in UTF-8."""
    return quote_identifier(name).encode("utf-8", "surrogateescape")


def unquoted(name: str) -> str:
    """Return *name* without its quotes, if it has any."""
    if name[:1] in ('"', "`") and name[-1:] == name[:1]:
        return name[1:-1].replace(name[0] * 2, name[0])
    return name
