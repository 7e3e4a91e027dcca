# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directories that a table or its partitions name for their files, outside of the server's data directory.

A restore leaves them out: two servers, or two tables, must never share files.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import QUOTED
from ansible_collections.vex.backup.plugins.module_utils._mysql.sql_parts import split_quoted

_CLAUSE = re.compile(rb"\b(?:DATA|INDEX) DIRECTORY ?= ?\0(\d+)\0")
# A comment may look like a clause.
_CLAUSE_OR_QUOTED = re.compile(
    rb" (?:DATA|INDEX) DIRECTORY ?= ?'(?:[^'\\]|\\.|'')*'|(" + QUOTED.pattern + rb")", re.DOTALL
)


def directories_of(statement: bytes) -> t.List[str]:
    """Return the directories in the statement that creates a table, each once."""
    parts = split_quoted(statement)
    return list(dict.fromkeys(parts.text(number) for number in _CLAUSE.findall(parts.bare)))


def without_directories(statement: bytes) -> bytes:
    """Return the statement that creates a table without the clauses that name directories."""
    return _CLAUSE_OR_QUOTED.sub(lambda found: found[1] or b"", statement)
