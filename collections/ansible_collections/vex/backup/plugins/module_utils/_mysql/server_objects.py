# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects of a server that belong to no database, accounts apart: statements that create them.

These are servers of FEDERATED tables, loadable functions and, on MySQL, general tablespaces, resource groups and
spatial reference systems. No statement of a server shows them, so they come from its tables.
"""

from __future__ import annotations

import contextlib
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import (
    Definition,
    server_errors_but_refusals,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err
    from pymysql.converters import escape_string

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Row = t.Mapping[str, t.Any]

_SERVERS = "SELECT * FROM mysql.servers ORDER BY Server_name"
# A secret of another server, which the dump does not hold.
_LEFT_OUT = "PASSWORD"
_OPTIONS = {"HOST": "host", "DATABASE": "db", "USER": "username", "PORT": "port", "SOCKET": "socket", "OWNER": "owner"}
_FUNCTIONS = "SELECT name, ret, dl, type FROM mysql.func ORDER BY name"
# Types of mysql.func: https://dev.mysql.com/doc/extending-mysql/en/adding-loadable-function.html (Item_result).
_RESULTS = {0: "STRING", 1: "REAL", 2: "INTEGER", 4: "DECIMAL"}
_TABLESPACES = """
SELECT spaces.NAME, files.FILE_NAME, spaces.ZIP_PAGE_SIZE, spaces.ENCRYPTION
  FROM information_schema.INNODB_TABLESPACES AS spaces
  JOIN information_schema.FILES AS files ON files.FILE_ID = spaces.SPACE
 WHERE spaces.SPACE_TYPE = 'General' AND spaces.NAME <> 'mysql' ORDER BY spaces.NAME
"""
_RESOURCE_GROUPS = """
SELECT RESOURCE_GROUP_NAME, RESOURCE_GROUP_TYPE, RESOURCE_GROUP_ENABLED, CAST(VCPU_IDS AS CHAR) AS VCPU_IDS,
       THREAD_PRIORITY
  FROM information_schema.RESOURCE_GROUPS
 WHERE RESOURCE_GROUP_NAME NOT IN ('USR_default', 'SYS_default') ORDER BY RESOURCE_GROUP_NAME
"""
# The numbers outside of the ranges that MySQL reserves:
# https://dev.mysql.com/doc/refman/9.7/en/create-spatial-reference-system.html
_REFERENCE_SYSTEMS = """
SELECT SRS_ID, SRS_NAME, ORGANIZATION, ORGANIZATION_COORDSYS_ID, DEFINITION, DESCRIPTION
  FROM information_schema.ST_SPATIAL_REFERENCE_SYSTEMS
 WHERE SRS_ID > 32767 AND SRS_ID NOT BETWEEN 60000000 AND 69999999 AND SRS_ID < 2000000000 ORDER BY SRS_ID
"""


class _Kind(t.NamedTuple):
    """A kind of objects: its name, the query of its objects, and what makes name and statement from a row of it."""

    name: str
    query: str
    make: t.Callable[[Row], t.Tuple[str, str]]


class ServerObjects(t.NamedTuple):
    """The definitions of the objects; ``unread`` are the kinds that the account must not see."""

    definitions: t.Sequence[Definition] = ()
    unread: t.Sequence[str] = ()

    @property
    def labels(self) -> t.List[str]:
        """Kind and name of each object."""
        return [definition.label for definition in self.definitions]


def read_server_objects(connection: Connection[Cursor], server: Server) -> ServerObjects:
    """Read the objects of a server that belong to no database.

    :raises ServerUnavailable: when the server stops answering
    """
    definitions: t.List[Definition] = []
    unread: t.List[str] = []
    for kind in (*_OF_ANY, *(_OF_MYSQL if server.product == "mysql" else ())):
        try:
            with server_errors_but_refusals(), connection.cursor() as cursor:
                cursor.execute(kind.query)
                columns = [column[0].lower() for column in cursor.description]
                rows = [dict(zip(columns, row)) for row in cursor.fetchall()]
        except pymysql.err.MySQLError:
            unread.append(kind.name.lower())
            continue
        for name, text in map(kind.make, rows):
            definitions.append(Definition(kind.name, name, [], [text.encode("utf-8", "surrogateescape")]))
    return ServerObjects(definitions, unread)


def _server(row: Row) -> t.Tuple[str, str]:
    name, wrapper = str(row["server_name"]), quote_identifier(str(row["wrapper"]))
    # MariaDB 11.8 and later keep the options, also those of any other name, in a column of their own.
    if row.get("options"):
        given = {quote_identifier(word): value for word, value in json.loads(row["options"]).items()}
    else:
        given = {word: row[column] for word, column in _OPTIONS.items() if row[column]}
    texts = [
        f"{word} {int(value) if word == 'PORT' else _literal(value)}"
        for word, value in given.items()
        if word.strip("`").upper() != _LEFT_OUT
    ]
    return name, f"CREATE SERVER {quote_identifier(name)} FOREIGN DATA WRAPPER {wrapper} OPTIONS ({', '.join(texts)})"


def _function(row: Row) -> t.Tuple[str, str]:
    name = str(row["name"])
    kind = "AGGREGATE FUNCTION" if row["type"] == "aggregate" else "FUNCTION"
    result = _RESULTS.get(int(row["ret"]), "STRING")
    return name, f"CREATE {kind} {quote_identifier(name)} RETURNS {result} SONAME {_literal(row['dl'])}"


def _tablespace(row: Row) -> t.Tuple[str, str]:
    name = str(row["name"])
    block = f" FILE_BLOCK_SIZE = {int(row['zip_page_size'])}" if int(row["zip_page_size"]) else ""
    encryption = " ENCRYPTION = 'Y'" if row["encryption"] == "Y" else ""
    file = _literal(row["file_name"])
    return name, f"CREATE TABLESPACE {quote_identifier(name)} ADD DATAFILE {file}{block}{encryption}"


def _resource_group(row: Row) -> t.Tuple[str, str]:
    name = str(row["resource_group_name"])
    state = "ENABLE" if int(row["resource_group_enabled"]) else "DISABLE"
    return name, (
        f"CREATE RESOURCE GROUP {quote_identifier(name)} TYPE = {row['resource_group_type']} VCPU = {row['vcpu_ids']} "
        f"THREAD_PRIORITY = {int(row['thread_priority'])} {state}"
    )


def _reference_system(row: Row) -> t.Tuple[str, str]:
    organization = (
        f" ORGANIZATION {_literal(row['organization'])} IDENTIFIED BY {int(row['organization_coordsys_id'])}"
        if row["organization"]
        else ""
    )
    description = f" DESCRIPTION {_literal(row['description'])}" if row["description"] else ""
    return str(row["srs_id"]), (
        f"CREATE SPATIAL REFERENCE SYSTEM {int(row['srs_id'])} NAME {_literal(row['srs_name'])} "
        f"DEFINITION {_literal(row['definition'])}{organization}{description}"
    )


def _literal(text: t.Any) -> str:
    return f"'{escape_string(str(text))}'"


_OF_ANY = (
    _Kind("SERVER", _SERVERS, _server),
    _Kind("LOADABLE FUNCTION", _FUNCTIONS, _function),
)
_OF_MYSQL = (
    _Kind("TABLESPACE", _TABLESPACES, _tablespace),
    _Kind("RESOURCE GROUP", _RESOURCE_GROUPS, _resource_group),
    _Kind("SPATIAL REFERENCE SYSTEM", _REFERENCE_SYSTEMS, _reference_system),
)
