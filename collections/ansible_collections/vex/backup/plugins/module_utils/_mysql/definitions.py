# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Definitions of databases, tables, views and stored programs, as the server itself states them.

Each is kept with the settings that it depends on: SQL mode, character sets, time zone. MyDumper loses some of them
(0.10.1 the SQL mode of programs, 1.0.1 also the time zone of events), and mysqldump fails on databases with a quote in
their name. Texts are bytes: the text of a stored program is in the character set of the session that created it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.broken_tables import is_of_the_object
from ansible_collections.vex.backup.plugins.module_utils._mysql.directories import without_directories
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import quote_identifier, quoted
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import UNKNOWN_OPTIONS

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

DATABASE = "DATABASE"
TABLE = "TABLE"
SEQUENCE = "SEQUENCE"
VIEW = "VIEW"
TRIGGER = "TRIGGER"
EVENT = "EVENT"
ROUTINES = ("LIBRARY", "FUNCTION", "PROCEDURE", "PACKAGE", "PACKAGE BODY")
PROGRAMS = (*ROUTINES, TRIGGER, EVENT)

# No such database, table, routine, trigger, event. An event that runs once drops itself after that.
_DROPPED = (1049, 1146, 1305, 1360, 1539)
_UNUSABLE_VIEW = 1356
_LISTED_VIEW = """
SELECT VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION
  FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s
"""
_BLOCK = re.compile(
    rb"^-- (?P<kind>[A-Z ]+) (?P<name>\"[^\n]*\")\n(?P<settings>(?:(?:SET|ALTER) [^\n]*\n)*)"
    rb"DELIMITER (?P<delimiter>[^\n]+)\n(?P<texts>.*?)(?P=delimiter)\nDELIMITER ;\n(?P<after>(?:ALTER [^\n]*\n)*)",
    re.MULTILINE | re.DOTALL,
)
_DELIMITER_CHARACTERS = (b";", b"/", b"$")
# The next value of the counter is no part of a table's definition. A comment of a column may look like it.
_COUNTER = re.compile(rb"(\n\) [^\n]*?ENGINE=\S+) AUTO_INCREMENT=\d+")
# MySQL shows the character set beside the collation only if the statement had it; the collation implies it.
# MariaDB marks a column whose times are stored in the format before MySQL 5.6, and sets the format by a variable.
_OLD_TIMES = re.compile(rb" /\* mariadb-5\.3 \*/")
_IMPLIED = re.compile(rb" CHARACTER SET \w+(?= COLLATE )")


class Definition(t.NamedTuple):
    """One object.

    ``settings`` are the statements to execute before, ``texts`` the statements that create the object, ``after`` the
    statements to execute then, all without a delimiter. ``name`` of a database is its own name. ``unusable`` is why the
    dumped server itself cannot use the object, empty when it can.
    """

    kind: str
    name: str
    settings: t.Sequence[bytes]
    texts: t.Sequence[bytes]
    after: t.Sequence[bytes] = ()
    unusable: str = ""

    @property
    def label(self) -> str:
        """Kind and name, for people: ``view v_orders``."""
        return f"{self.kind.lower()} {self.name}"


class DefinitionReader:
    """The definitions of one database.

    :param connection: opened with ``raw``, so that texts are the server's bytes
    :raises ServerUnavailable: when the server stops answering
    """

    def __init__(self, connection: Connection[Cursor], database: str) -> None:
        self._connection = connection
        self._database = database
        with server_errors(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,)
            )
            row = cursor.fetchone()
            self.collation: bytes = row[0] if row else b""
            # The names of the current database's tables come without the database: views can be created elsewhere.
            cursor.execute(f"USE {quote_identifier(database)}")
            mode = f"CONCAT(@@sql_mode, ',{UNKNOWN_OPTIONS}')"
            cursor.execute(f"SET SESSION character_set_results = binary /*M!100000 , sql_mode = {mode} */")

    def read(self, kind: str, name: str) -> t.Optional[Definition]:
        """Return the definition of an object, ``None`` if it was dropped meanwhile.

        :param kind: as in ``SHOW CREATE``
        :raises DumpFailed: for a text that the account must not see, and when the server refuses, with its number
        """
        of = (
            quote_identifier(name)
            if kind == DATABASE
            else f"{quote_identifier(self._database)}.{quote_identifier(name)}"
        )
        try:
            with server_errors_but_refusals(), self._connection.cursor() as cursor:
                cursor.execute(f"SHOW CREATE {kind} {of}")
                row = cursor.fetchone() or ()
                columns = [column[0].lower() for column in cursor.description]
                found: t.Dict[str, t.Any] = dict(zip(columns, row))
                texts = [self._text(kind, name, found)]
                unusable = self._reason_against(cursor) if kind == VIEW else ""
                if kind == SEQUENCE:
                    cursor.execute(f"SELECT next_not_cached_value, minimum_value, maximum_value FROM {of}")
                    # A raw connection returns numbers as numbers.
                    texts.append(_state(name, *map(int, cursor.fetchone() or (1, 1, 1))))
        except pymysql.err.MySQLError as error:
            if error.args[0] in _DROPPED:
                return None
            # MariaDB shows no view of a table that it cannot open.
            is_listed = kind == VIEW and is_of_the_object(error.args[0], str(error.args[1]))
            view = self._unusable_view(name, error.args[1]) if is_listed else None
            if view:
                return view
            failure = DumpFailed(f"{self._database}: the server cannot show {kind.lower()} {name}: {error.args[1]}")
            failure.number = error.args[0]
            raise failure from None
        settings, after = self._settings(found)
        return Definition(kind, name, settings, texts, after, unusable)

    def _unusable_view(self, name: str, reason: str) -> t.Optional[Definition]:
        """Return a view that the server does not show, because it cannot use it, from the list of views."""
        with server_errors(), self._connection.cursor() as cursor:
            cursor.execute(_LISTED_VIEW, (self._database, name))
            row = cursor.fetchone()
            columns = [column[0].lower() for column in cursor.description]
        found: t.Dict[str, t.Any] = dict(zip(columns, row or ()))
        if not found.get("view_definition"):
            return None
        user, _at, host = found["definer"].rpartition(b"@")
        check = found["check_option"]
        text = b"CREATE DEFINER=%s@%s SQL SECURITY %s VIEW %s AS %s%s" % (
            quoted(user.decode("utf-8", "surrogateescape")),
            quoted(host.decode("utf-8", "surrogateescape")),
            found["security_type"],
            quoted(name),
            found["view_definition"],
            b"" if check == b"NONE" else b" WITH %s CHECK OPTION" % check,
        )
        settings, after = self._settings(found)
        return Definition(VIEW, name, settings, [text], after, reason)

    def _reason_against(self, cursor: Cursor) -> str:
        """Return why a view whose definition the cursor has read cannot be used, empty when it can."""
        if not cursor.warning_count:
            return ""
        cursor.execute("SHOW WARNINGS")
        return next((_shown(text) for _level, number, text in cursor.fetchall() if int(number) == _UNUSABLE_VIEW), "")

    def _text(self, kind: str, name: str, found: t.Mapping[str, t.Any]) -> bytes:
        keys = ("sql original statement", f"create {kind.lower()}", "create table")
        text = next((found[key] for key in keys if found.get(key)), None)
        if not text:
            raise DumpFailed(
                f"{self._database}: the account must not see the text of {kind} {name}; GRANT it SELECT ON *.* "
                "(MySQL: also SHOW_ROUTINE)"
            )
        return bytes(text)

    def _settings(self, found: t.Mapping[str, t.Any]) -> t.Tuple[t.List[bytes], t.List[bytes]]:
        client = found.get("character_set_client", b"utf8mb4")
        settings = [b"SET character_set_client = %s" % client, b"SET character_set_results = %s" % client]
        if "collation_connection" in found:
            settings.append(b"SET collation_connection = %s" % found["collation_connection"])
        if "sql_mode" in found:
            settings.append(b"SET sql_mode = '%s'" % found["sql_mode"])
        if "time_zone" in found:
            settings.append(b"SET time_zone = '%s'" % found["time_zone"])
        own = found.get("database collation", self.collation)
        if own == self.collation:
            return settings, []
        # A program keeps the collation that its database had when the program was created. Without a name, the
        # statement changes the current database.
        return [*settings, b"ALTER DATABASE COLLATE " + own], [b"ALTER DATABASE COLLATE " + self.collation]


@contextlib.contextmanager
def server_errors_but_refusals() -> t.Iterator[None]:
    """Convert the errors of a lost connection in the block; let the server's refusals of a statement pass.

    :raises ServerUnavailable: when the server stops answering
    """
    try:
        yield
    except pymysql.err.MySQLError as error:
        # PyMySQL gives errors of the connection the numbers of MySQL's C client.
        if error.args and isinstance(error.args[0], int) and error.args[0] not in range(2000, 3000):
            raise
        with server_errors():
            raise
    except OSError:
        with server_errors():
            raise


def _shown(text: t.Union[bytes, str]) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def block(definition: Definition) -> bytes:
    """Return a definition as SQL for the server's client, and for :func:`parse_blocks`."""
    delimiter = _delimiter(definition.texts)
    lines = [
        b"-- %s %s" % (definition.kind.encode(), json.dumps(definition.name).encode()),
        *(statement + b";" for statement in definition.settings),
        b"DELIMITER " + delimiter,
        *(text + delimiter for text in definition.texts),
        b"DELIMITER ;",
        *(statement + b";" for statement in definition.after),
    ]
    return b"\n".join(lines) + b"\n"


def _delimiter(texts: t.Sequence[bytes]) -> bytes:
    """Return a delimiter that no text contains or ends with a part of."""
    length = 2
    while True:
        for character in _DELIMITER_CHARACTERS:
            if not any(character * length in text or text.endswith(character) for text in texts):
                return character * length
        length += 1


def parse_blocks(content: bytes) -> t.List[Definition]:
    """Read the definitions that :func:`block` wrote one after the other."""
    return [
        Definition(
            found["kind"].decode(),
            json.loads(found["name"]),
            _statements(found["settings"]),
            found["texts"].split(found["delimiter"] + b"\n"),
            _statements(found["after"]),
        )
        for found in _BLOCK.finditer(content)
    ]


def digest(definition: Definition, database: str) -> str:
    """Return the SHA-256, in hexadecimal, of what a definition says, without what changes by itself or at a restore.

    :param database: the name of its database, which the server writes into a view that cannot be used, and before a
        sequence in a default
    """
    texts = [_OLD_TIMES.sub(b"", _IMPLIED.sub(b"", without_counter(text))) for text in definition.texts]
    if definition.kind in (TABLE, VIEW):
        texts = [text.replace(quoted(database) + b".", b"") for text in texts]
    if definition.kind == TABLE:
        texts = [without_directories(text) for text in texts]
    parts = [definition.kind.encode(), *definition.settings, *texts]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _state(name: str, following: int, least: int, most: int) -> bytes:
    """Return the statement after which a new sequence returns *following*, or has no value left beyond a limit."""
    if least <= following <= most:
        return b"ALTER SEQUENCE %s RESTART WITH %d" % (quoted(name), following)
    return b"DO SETVAL(%s, %d)" % (quoted(name), most if following > most else least)


def without_counter(text: bytes) -> bytes:
    """Return the statement that creates a table without the next value of its counter."""
    return _COUNTER.sub(rb"\1", text)


def _statements(lines: bytes) -> t.List[bytes]:
    return [line[:-1] for line in lines.splitlines()]
