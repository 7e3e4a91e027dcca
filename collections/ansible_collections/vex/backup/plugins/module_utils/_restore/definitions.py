# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The definitions of a backup: read from its files, chosen and adapted for the target, and executed one by one."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql import definitions
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.directories import without_directories
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quoted
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOAD, statement
from ansible_collections.vex.backup.plugins.module_utils._restore.backup import Backup
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import DatabaseRestore
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import (
    REMEDIES,
    converted_errors,
    is_refusal,
    shortened,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.triggers import (
    UnreadTrigger,
    belongs_to,
    without_database,
)

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

DATABASE_FILE = "database.sql"
TABLES_FILE = "tables.sql"
TRIGGERS_FILE = "triggers.sql"
ARCHIVE = "ARCHIVE"
OTHER_FILES = ("routines.sql", "views.sql", "events.sql")
# Each definition sets what it depends on; this undoes what the one before it set.
_KNOWN = statement({name: LOAD[name] for name in ("sql_mode", "time_zone")})


# What the server does to an event whose time has passed, by the numbers of its warnings.
_PASSED = {
    1544: "was created disabled, because its time has passed",
    1588: "was not created, because its time has passed",
}


class Definitions(t.NamedTuple):
    """The definitions to execute for one database, in order, and a warning for each one that is left out."""

    database: DatabaseRestore
    create: Definition
    tables: t.Sequence[Definition]
    routines: t.Sequence[Definition]
    views: t.Sequence[Definition]
    triggers: t.Sequence[Definition]
    events: t.Sequence[Definition]
    warnings: t.Sequence[str]

    @property
    def everything(self) -> t.List[Definition]:
        """All of them but the database's own."""
        return [*self.tables, *self.routines, *self.views, *self.triggers, *self.events]


class Failure(t.NamedTuple):
    """An object that could not be created, or whose rows could not be loaded.

    ``label`` names it, as :func:`label_of` does. ``is_warning`` is set when no restore can do better.
    """

    label: str
    reason: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.label} {self.reason}"


def label_of(one: DatabaseRestore, kind: str, name: str) -> str:
    """Return the kind and the name of an object on the target, for people: ``view shop.v_orders``."""
    return f"{kind.lower()} {one.target}.{name}"


def read_definitions(backup: Backup, one: DatabaseRestore) -> Definitions:
    """Read the definitions of a database, or of one table and its triggers.

    :raises RestoreFailed: when the backup's files lack one
    """
    databases = _read(backup, one, DATABASE_FILE)
    tables = _read(backup, one, TABLES_FILE)
    if one.is_renamed:
        tables = [found._replace(texts=[_with_own_sequences(text, one) for text in found.texts]) for found in tables]
    tables = [_archived(found) if one.engine_of(found.name) == ARCHIVE else found for found in tables]
    routines, views, events = (_read(backup, one, name) for name in OTHER_FILES)
    all_triggers = _read(backup, one, TRIGGERS_FILE)
    _require_all(one, [*databases, *tables, *routines, *views, *all_triggers, *events])
    if one.table is not None:
        tables = [found for found in tables if found.name == one.table]
        routines, views, events = [], [], []
    triggers: t.List[Definition] = []
    unread: t.List[str] = []
    for trigger in all_triggers:
        try:
            triggers += _adapted(trigger, one)
        except UnreadTrigger:
            unread.append(
                f"trigger {one.name}.{trigger.name} was not restored, because its text does not show clearly which "
                f"table it belongs to; create it by hand from {TRIGGERS_FILE} of the backup"
            )
    return Definitions(one, databases[0], tables, routines, views, triggers, events, unread)


def execute(connection: Connection[Cursor], one: DatabaseRestore, found: Definition) -> t.Optional[Failure]:
    """Create an object; return the failure when the server refuses it.

    :raises ServerUnavailable: when the server stops answering
    """
    refusal = None
    before = [_KNOWN.encode(), b"USE " + quoted(one.target)]
    with converted_errors():
        try:
            with connection.cursor() as cursor:
                for text in (*before, *found.settings, *_texts(found)):
                    # PyMySQL sends bytes as they are.
                    cursor.execute(t.cast("str", text))
                passed = _passed(cursor) if found.kind == definitions.EVENT else ""
        except pymysql.err.MySQLError as error:
            if not is_refusal(error):
                raise
            refusal = f"{error.args[1]}{REMEDIES.get(error.args[0], '')}"
        for text in found.after:
            connection.query(text)
    label = label_of(one, found.kind, found.name)
    if refusal is None:
        return Failure(label, passed, is_warning=True) if passed else None
    unusable = one.unusable.get((found.kind, found.name))
    if unusable:
        return Failure(label, f"was not created: {refusal}; it was unusable in the backup: {unusable}", is_warning=True)
    return Failure(label, f"could not be created: {refusal}")


def _texts(found: Definition) -> t.Sequence[bytes]:
    """Return the statements that create an object, a table without its directories, also on a replica of the server."""
    return [without_directories(text) for text in found.texts] if found.kind == definitions.TABLE else found.texts


def _passed(cursor: Cursor) -> str:
    """Return what the server did to an event that the cursor has created and whose time has passed."""
    # The server keeps the warnings of an earlier statement.
    if not cursor.warning_count:
        return ""
    cursor.execute("SHOW WARNINGS")
    return next((_PASSED[number] for _level, number, _text in cursor.fetchall() if number in _PASSED), "")


def _read(backup: Backup, one: DatabaseRestore, name: str) -> t.List[Definition]:
    path = backup.find(os.path.join(one.directory, name))
    return definitions.parse_blocks(backup.content(path)) if path else []


def _archived(found: Definition) -> Definition:
    """Return an ARCHIVE table without its counter, below which it would refuse the rows."""
    return found._replace(texts=[definitions.without_counter(text) for text in found.texts])


def _with_own_sequences(text: bytes, one: DatabaseRestore) -> bytes:
    """Return a table whose defaults come from the restored sequences: the server writes their database's name."""
    start = b"nextval(%s."
    return text.replace(start % quoted(one.name), start % quoted(one.target))


def _require_all(one: DatabaseRestore, found: t.Iterable[Definition]) -> None:
    wanted = {(definitions.DATABASE, one.name), *one.digests}
    missing = wanted - {(definition.kind, definition.name) for definition in found}
    if missing:
        names = [f"{kind.lower()} {name}" for kind, name in sorted(missing)]
        raise RestoreFailed(
            f"the definition of {shortened(names)} is missing from the files in {one.directory} of the backup: unpack "
            "it again"
        )


def _adapted(trigger: Definition, one: DatabaseRestore) -> t.List[Definition]:
    """Return the trigger for the target's name, nothing when it belongs to another table than the wanted one."""
    (text,) = trigger.texts
    if one.table is not None and not belongs_to(text, one.table):
        return []
    return [trigger._replace(texts=[without_database(text)] if one.is_renamed else trigger.texts)]
