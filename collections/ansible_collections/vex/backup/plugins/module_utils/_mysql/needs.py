# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The needs of an object: what a server must have to take it. Pure functions of the text of its definition.

They are in the manifest, so that the plan of a restore knows them without the backup's files.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import DATABASE, TABLE, Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.page_size import fits_old_rows, least_page
from ansible_collections.vex.backup.plugins.module_utils._mysql.sql_parts import Parts, split_quoted

# The names of the needs in the manifest. Each has values, all of which the server must have.
ENGINE = "engine"
CHARACTERS = "characters"
TYPE = "type"
PARTITIONS = "partitions"
PARSER = "parser"
TABLESPACE = "tablespace"
SRID = "srid"
ENCRYPTION = "encryption"
UNENCRYPTED = "unencrypted"
OWN_FILE = "own_file"
COMPRESSED_ROWS = "compressed_rows"
KEYLESS = "keyless"
ROW_FORMAT = "row_format"
HISTORY = "history"
NAMED_HISTORY = "named_history"
PAGE = "page"
PACKET = "packet"

# Those whose values are numbers.
NUMBERS = (PACKET, PAGE, SRID)

Needs = t.Mapping[str, t.Sequence[str]]

# Every server accepts statements of this size.
_SMALL_STATEMENT = 64 * 1024
_YES = "yes"
_INNODB = "InnoDB"
# Types that a server of the other product, or an older one, may lack.
_NOT_EVERYWHERE = frozenset(("inet4", "inet6", "uuid", "vector", "xmltype"))
_TYPE = re.compile(rb"^  \0\d+\0 (\w+)", re.MULTILINE)
_ENGINE = re.compile(rb"\bENGINE ?= ?(\w+)")
# The server writes the words of a definition in capitals, those of an expression in small letters.
_CHARACTERS = re.compile(rb"\b(?:CHARSET|CHARACTER SET|COLLATE|charset|collate|using)[ =]+(\w+)|\b_(\w+)(?=\0)")
_PARTITIONS = re.compile(rb"\n ?(?:/\*!\d+ )?PARTITION BY ")
_PARSER = re.compile(rb"\bWITH PARSER \0(\d+)\0")
_TABLESPACE = re.compile(rb"\bTABLESPACE ?=? ?\0(\d+)\0")
# Every server has these.
_OWN_TABLESPACES = ("innodb_system", "innodb_file_per_table", "innodb_temporary")
_SRID = re.compile(rb"\bSRID (\d+)")
_HISTORY = re.compile(rb"\bWITH SYSTEM VERSIONING\b")
_ROW_START = re.compile(rb"\bGENERATED ALWAYS AS ROW START\b")
_PRIMARY_KEY = re.compile(rb"^  PRIMARY KEY ", re.MULTILINE)
_UNIQUE_KEY = re.compile(rb"^  UNIQUE KEY \0\d+\0 \(([^\n]*)\)", re.MULTILINE)
_NAME = re.compile(rb"\0(\d+)\0")
_NOT_NULL = re.compile(rb"^  \0(\d+)\0 [^\n]*\bNOT NULL\b", re.MULTILINE)
# MariaDB writes the options of engines in quotes, names too, as whoever created the table wrote them.
_OPTION = re.compile(rb"(?:\b(COMPRESSION|ENCRYPTION)|\0(\d+)\0)=(?:\0(\d+)\0|(\w+))")
_KEY_BLOCK_SIZE = re.compile(rb"\bKEY_BLOCK_SIZE=[1-9]")


def needs_of(definition: Definition, settings: t.Mapping[str, str]) -> t.Dict[str, t.List[str]]:
    """Return the needs of an object.

    :param settings: of the dumped server, by name
    """
    found: t.Dict[str, t.List[str]] = {}
    if definition.kind in (TABLE, DATABASE):
        parts = split_quoted(definition.texts[0])
        found[CHARACTERS] = [one.decode() for pair in _CHARACTERS.findall(parts.bare) for one in pair if one]
        if definition.kind == TABLE:
            found.update(_of_table(parts, settings))
    found[PACKET] = statement_need(max(map(len, definition.texts)))
    return {what: list(dict.fromkeys(values)) for what, values in found.items() if values}


def statement_need(size: int) -> t.List[str]:
    """Return the values of :data:`PACKET` for a statement of *size* bytes, none for a small one."""
    return [str(size)] if size > _SMALL_STATEMENT else []


def _of_table(parts: Parts, settings: t.Mapping[str, str]) -> t.Dict[str, t.List[str]]:
    engines = [name.decode() for name in _ENGINE.findall(parts.bare)]
    types = [name.decode().lower() for name in _TYPE.findall(parts.bare)]
    tablespaces = [parts.text(number) for number in _TABLESPACE.findall(parts.bare)]
    found = {
        ENGINE: engines,
        TYPE: [name for name in types if name in _NOT_EVERYWHERE],
        PARTITIONS: _if(_PARTITIONS.search(parts.bare)),
        PARSER: [parts.text(number) for number in _PARSER.findall(parts.bare)],
        TABLESPACE: [name for name in tablespaces if name not in _OWN_TABLESPACES],
        HISTORY: _if(_HISTORY.search(parts.bare)),
        NAMED_HISTORY: _if(_ROW_START.search(parts.bare)),
        SRID: [number.decode() for number in _SRID.findall(parts.bare)],
    }
    return {**found, **_of_innodb(parts, settings)} if _INNODB in engines else found


def _of_innodb(parts: Parts, settings: t.Mapping[str, str]) -> t.Dict[str, t.List[str]]:
    options = {
        (name.decode() or parts.text(number)).upper(): (parts.text(quoted) if quoted else word.decode()).upper()
        for name, number, quoted, word in _OPTION.findall(parts.bare)
    }
    is_encrypted = options.get("ENCRYPTION") == "Y" or options.get("ENCRYPTED") == "YES"
    is_packed = options.get("COMPRESSION", "") not in ("", "NONE") or options.get("PAGE_COMPRESSED", "0") != "0"
    has_blocks = _KEY_BLOCK_SIZE.search(parts.bare)
    has_compressed_rows = b"ROW_FORMAT=COMPRESSED" in parts.bare or has_blocks
    has_format = b"ROW_FORMAT=" in parts.bare or has_blocks
    default = settings.get("innodb_default_row_format", "")
    page = min(least_page(parts), int(settings.get("innodb_page_size", "0")))
    return {
        # The number of its key, of which MySQL has one.
        ENCRYPTION: [options.get("ENCRYPTION_KEY_ID", "1")] if is_encrypted else [],
        UNENCRYPTED: _if(options.get("ENCRYPTED") == "NO"),
        OWN_FILE: _if(is_encrypted or is_packed or has_compressed_rows),
        COMPRESSED_ROWS: _if(has_compressed_rows),
        KEYLESS: _if(not _has_key(parts)),
        ROW_FORMAT: [] if has_format or default != "dynamic" or fits_old_rows(parts) else [default],
        PAGE: [str(page)] if page else [],
    }


def _has_key(parts: Parts) -> bool:
    """Return whether a table has a primary key, or a unique one of columns that are never NULL."""
    if _PRIMARY_KEY.search(parts.bare):
        return True
    never_null = {parts.text(number) for number in _NOT_NULL.findall(parts.bare)}
    keys = [{parts.text(number) for number in _NAME.findall(columns)} for columns in _UNIQUE_KEY.findall(parts.bare)]
    return any(key and key <= never_null for key in keys)


def _if(condition: object) -> t.List[str]:
    return [_YES] if condition else []
