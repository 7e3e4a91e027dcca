# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The choice of tables that are left out of a dump, or dumped without rows."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError


class TableFilter:
    """Patterns ``database.table``, in which ``*`` stands for any characters.

    :param option: the name of the option that has the patterns
    :param ignore_case: whether the server takes names for equal whose cases differ
    :raises OptionError: for a pattern without a database
    """

    def __init__(self, option: str, patterns: t.Iterable[str], *, ignore_case: bool) -> None:
        flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
        self._patterns = []
        for pattern in patterns:
            if not all(pattern.partition(".")):
                raise OptionError(f"{option}: {pattern!r} names no table of a database: write database.table")
            text = ".*".join(map(re.escape, pattern.split("*")))
            self._patterns.append(re.compile(text, flags))

    def chosen(self, database: str, names: t.Iterable[str]) -> t.List[str]:
        """Return the tables of a database that a pattern names."""
        return [name for name in names if any(one.fullmatch(f"{database}.{name}") for one in self._patterns)]
