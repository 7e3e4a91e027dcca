# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables as the server would describe them."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Column, Table

ID = Column("id", "int", "int(11)", "", False, "")


def make_column(name: str, kind: str, **attributes: t.Any) -> Column:
    """Return a column of a type such as ``varchar``."""
    return Column(name, kind, kind, "", False, "")._replace(**attributes)


def make_table(
    name: str, *columns: Column, kind: str = "BASE TABLE", engine: str = "InnoDB", key: t.Sequence[str] = ()
) -> Table:
    """Return a table; without *columns*, it has the column ``id``."""
    return Table(name, kind, engine, columns or (ID,), key, 0, 0)
