# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A statement of the server split into its words and its quoted texts: a name or a comment looks like no word then."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import QUOTED


class Parts(t.NamedTuple):
    """A statement in which ``NUL number NUL`` stands for each quoted text, and these texts with their quotes."""

    bare: bytes
    quoted: t.Sequence[bytes]

    def text(self, number: bytes) -> str:
        """Return a quoted text without its quotes."""
        found = self.quoted[int(number)]
        mark = found[:1]
        return found[1:-1].replace(mark * 2, mark).decode("utf-8", "surrogateescape")


def split_quoted(statement: bytes) -> Parts:
    """Split a statement that the server has written."""
    quoted: t.List[bytes] = []

    def replaced(found: t.Match[bytes]) -> bytes:
        quoted.append(found[0])
        return b"\0%d\0" % (len(quoted) - 1)

    return Parts(QUOTED.sub(replaced, statement), quoted)
