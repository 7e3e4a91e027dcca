# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The definitions of a database's objects, in the order in which they can be created."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._dump.changes import find_change
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import LostObject
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, PlanOutdated, TableFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import is_of_the_object
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import (
    DATABASE,
    SEQUENCE,
    TABLE,
    VIEW,
    Definition,
    DefinitionReader,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quoted
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import SEQUENCE as SEQUENCE_KIND

_SYNTAX_ERROR = 1064


class Definitions(t.NamedTuple):
    """The collation of a database, and its definitions; of views and programs that were dropped meanwhile, none.

    ``broken`` are those of tables that cannot be read, as far as the server shows them. ``lost`` are views and programs
    that it cannot show.
    """

    collation: str
    definitions: t.List[Definition]
    broken: t.List[Definition]
    lost: t.List[LostObject]


def read_definitions(login: Login, one: DatabasePlan) -> Definitions:
    """Return the definitions of a database.

    :raises DumpFailed: for a definition that the account must not see
    :raises TableFailed: for a table that the server cannot show
    :raises PlanOutdated: when a table was changed or dropped since the plan
    """
    lost: t.List[LostObject] = []
    with connect(login, raw=True) as connection:
        reader = DefinitionReader(connection, one.name)
        found = _read(reader, one, lost)
        broken = [_show_broken(reader, name) for name in one.broken]
    # The plan was made before the snapshot, and the definitions are read after it.
    with connect(login) as connection:
        change = find_change(connection, one)
    if change:
        raise PlanOutdated(change)
    return Definitions(
        reader.collation.decode(),
        [each for each in found if each is not None],
        [each for each in broken if each is not None],
        lost,
    )


def _read(reader: DefinitionReader, one: DatabasePlan, lost: t.List[LostObject]) -> t.List[t.Optional[Definition]]:
    tables = [plan.table for plan in one.tables]
    # A table may take its defaults from a sequence.
    wanted = [
        (DATABASE, one.name),
        *((SEQUENCE, table.name) for table in tables if table.kind == SEQUENCE_KIND),
        *((TABLE, table.name) for table in tables if table.kind != SEQUENCE_KIND),
    ]
    found = [_show(reader, one.name, kind, name, lost) for kind, name in wanted]
    dropped = next((name for (_kind, name), definition in zip(wanted, found) if definition is None), None)
    if dropped is not None:
        raise PlanOutdated(f"{one.name}.{dropped} was dropped")
    found += in_order_of_use([_show(reader, one.name, VIEW, name, lost) for name in one.views])
    found += [_show(reader, one.name, program.kind, program.name, lost) for program in one.programs]
    return found


def _show(
    reader: DefinitionReader, database: str, kind: str, name: str, lost: t.List[LostObject]
) -> t.Optional[Definition]:
    try:
        return reader.read(kind, name)
    except DumpFailed as error:
        # Our statement has no syntax error, so it is in the object's own text.
        is_of_object = error.number == _SYNTAX_ERROR or is_of_the_object(error.number, str(error))
        if not is_of_object or kind == DATABASE:
            raise
        if kind in (TABLE, SEQUENCE):
            raise TableFailed(database, name, str(error)) from None
        lost.append(LostObject(kind, name, str(error)))
        return None


def _show_broken(reader: DefinitionReader, name: str) -> t.Optional[Definition]:
    with contextlib.suppress(DumpFailed):
        return reader.read(TABLE, name)
    return None


def in_order_of_use(views: t.Sequence[t.Optional[Definition]]) -> t.List[t.Optional[Definition]]:
    """Return views so that each one comes after those that its text names."""
    left = [view for view in views if view is not None]
    ordered: t.List[t.Optional[Definition]] = []
    while left:
        names = [quoted(view.name) for view in left]
        # A circle, or a name that only looks like a view's, ends at the first one.
        free = [view for view in left if not _uses_any(view, names)] or left[:1]
        ordered += free
        left = [view for view in left if view not in free]
    return ordered


def _uses_any(view: Definition, names: t.Sequence[bytes]) -> bool:
    own = quoted(view.name)
    text = view.texts[0].partition(b" AS ")[2]
    return any(name in text for name in names if name != own)
