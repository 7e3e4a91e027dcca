# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The features of a server that the objects of a backup need: engines, character sets, plugins, settings."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.limits import LIMITS, STATES, read_limits
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors, is_refusal

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# The first versions with vectors.
_VECTORS = {"mysql": (9,), "mariadb": (11, 7)}
_PLUGINS = "SELECT PLUGIN_NAME, PLUGIN_TYPE FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE'"
# Both need a privilege.
_TABLESPACES = "SELECT NAME FROM information_schema.INNODB_TABLESPACES_BRIEF"
# Without the performance schema, the list is empty.
_KEYRING = """
SELECT STATUS_VALUE FROM performance_schema.keyring_component_status WHERE STATUS_KEY = 'Component_status'
UNION ALL SELECT 'Active' FROM DUAL WHERE NOT @@performance_schema
"""
_REFERENCE_SYSTEMS = "SELECT SRS_ID FROM information_schema.ST_SPATIAL_REFERENCE_SYSTEMS"
# Older servers write another name of the same character set.
_OLDER, _NEWER = "utf8", "utf8mb3"


class Offer(t.NamedTuple):
    """The features of a server, names in small letters. ``None`` stands for what the account must not know.

    On MariaDB, ``tablespaces`` and ``reference_systems`` are ``None`` too: it ignores what MySQL's tables say of them.
    """

    server: Server
    settings: t.Mapping[str, str]
    engines: t.AbstractSet[str]
    characters: t.AbstractSet[str]
    types: t.AbstractSet[str]
    parsers: t.AbstractSet[str]
    has_partitions: bool
    lacks_encryption: bool
    tablespaces: t.Optional[t.AbstractSet[str]]
    reference_systems: t.Optional[t.AbstractSet[int]]

    @property
    def disabled_engines(self) -> t.List[str]:
        """The engines of which MySQL creates no tables."""
        return [name.strip().lower() for name in self.settings.get("disabled_storage_engines", "").split(",")]

    def knows_characters(self, name: str) -> bool:
        """Return whether the server has a character set or a collation, by its newer or its older name."""
        first, mark, rest = name.lower().partition("_")
        first = _NEWER if first == _OLDER else first
        return f"{first}{mark}{rest}" in self.characters


def read_offer(connection: Connection[Cursor], server: Server) -> Offer:
    """Read what a server offers."""
    is_mysql = server.product == "mysql"
    with converted_errors(), connection.cursor() as cursor:
        cursor.execute("SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')")
        engines = {row[0].lower() for row in cursor.fetchall()}
        # MariaDB has short names of collations here, and full ones in a column of its own.
        cursor.execute("SELECT * FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY")
        characters = {value.lower() for row in cursor.fetchall() for value in row if isinstance(value, str)}
        cursor.execute(_PLUGINS)
        plugins = [(name.lower(), kind) for name, kind in cursor.fetchall()]
        types = {name for name, kind in plugins if kind == "DATA TYPE"}
        keyring = _known(cursor, _KEYRING) if is_mysql else frozenset()
        tablespaces = _known(cursor, _TABLESPACES) if is_mysql else None
        systems = _known(cursor, _REFERENCE_SYSTEMS) if is_mysql else None
    has_plugin = any(kind == "ENCRYPTION" or name.startswith("keyring_") for name, kind in plugins)
    return Offer(
        server=server,
        settings=read_limits(connection, (*LIMITS, *STATES)),
        engines=engines,
        characters={name.replace(f"{_OLDER}_", f"{_NEWER}_") for name in characters} | {_NEWER},
        types=types | ({"vector"} if server.numbers >= _VECTORS[server.product] else set()),
        parsers={name for name, kind in plugins if kind == "FTPARSER"},
        has_partitions=is_mysql or ("partition", "STORAGE ENGINE") in plugins,
        lacks_encryption=not has_plugin and keyring is not None and "Active" not in keyring,
        tablespaces=tablespaces,
        reference_systems=systems,
    )


def _known(cursor: Cursor, query: str) -> t.Optional[t.AbstractSet[t.Any]]:
    """Return the only column of a query, ``None`` when the server does not answer it."""
    try:
        cursor.execute(query)
    except pymysql.err.MySQLError as error:
        if not is_refusal(error):
            raise
        return None
    return {row[0] for row in cursor.fetchall()}
