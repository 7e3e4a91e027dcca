# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The SQL scripts with the definitions of a database, one script for each kind of objects."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.safe_name import short_name
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import (
    DATABASE,
    EVENT,
    ROUTINES,
    SEQUENCE,
    TABLE,
    TRIGGER,
    VIEW,
    Definition,
    block,
)

# In the order in which a restore needs them. Rows come after the tables.
SCRIPTS: t.Mapping[str, t.Sequence[str]] = {
    "database.sql": (DATABASE,),
    "tables.sql": (SEQUENCE, TABLE),
    "routines.sql": ROUTINES,
    "views.sql": (VIEW,),
    "triggers.sql": (TRIGGER,),
    "events.sql": (EVENT,),
}
# The accounts and the other objects of the server, beside the directories of its databases.
ACCOUNTS = "accounts.sql"
SERVER_OBJECTS = "server_objects.sql"
# Definitions of tables that are not in the dump, because they cannot be read. No restore executes it.
BROKEN = "broken.sql"
_LONGEST_DIRECTORY = 200


def directory_of(database: str) -> str:
    """Return the name of a database's directory, which is never that of a file beside it."""
    name = short_name(database, _LONGEST_DIRECTORY)
    return name.replace(".", "%2E") if name.startswith((ACCOUNTS, SERVER_OBJECTS)) else name


def write_definitions(folder: str, definitions: t.Sequence[Definition]) -> t.List[str]:
    """Write the scripts into *folder*, which exists; return their names. A script without objects is left out."""
    names: t.List[str] = []
    for name, kinds in SCRIPTS.items():
        names += _write(folder, name, [definition for definition in definitions if definition.kind in kinds])
    return names


def write_script(folder: str, name: str, definitions: t.Sequence[Definition]) -> t.List[str]:
    """Write another script, :data:`ACCOUNTS` for one, as :func:`write_definitions` does."""
    return _write(folder, name, definitions)


def _write(folder: str, name: str, definitions: t.Sequence[Definition]) -> t.List[str]:
    if not definitions:
        return []
    descriptor = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as stream:
        stream.writelines(map(block, definitions))
    return [name]
