# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rows and bytes of each table of a backup, from its manifest, and their text in the log table."""

from __future__ import annotations

import base64
import json
import typing as t
import zlib

from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import TABLE

# A longer text is not recorded: a log server may refuse it, and with it the whole record. It holds 300,000 tables.
MOST_CHARACTERS = 4 * 1024 * 1024
# A text from the log table never takes more memory than this.
_MOST_BYTES = 64 * 1024 * 1024


class Size(t.NamedTuple):
    """The size of a table: its rows, ``None`` when they are not in the backup, and their bytes before compression."""

    rows: t.Optional[int]
    bytes: int


# By database and table.
Sizes = t.Dict[str, t.Dict[str, Size]]


def sizes_of(manifest: t.Mapping[str, t.Any]) -> Sizes:
    """Return the sizes of the tables that a manifest describes, also of those that could not be read."""
    return {one["name"]: {**_broken(one), **_tables(one)} for one in manifest["databases"]}


def read_manifest(path: str) -> t.Dict[str, t.Any]:
    """Read a manifest on this host.

    :raises ManifestUnusable: when it cannot be read
    """
    try:
        with open(path, encoding="utf-8") as stream:
            manifest = json.load(stream)
        sizes_of(manifest)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ManifestUnusable(
            f"the sizes of the tables cannot be read from {path} ({error}): check the disk of the work directory"
        ) from error
    return t.cast("t.Dict[str, t.Any]", manifest)


def pack_sizes(sizes: Sizes) -> str:
    """Return sizes as the text of the column ``tabelas``: JSON, compressed by zlib, in Base64."""
    text = json.dumps(sizes, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return base64.b64encode(zlib.compress(text.encode("utf-8", "surrogateescape"), 9)).decode("ascii")


def unpack_sizes(text: str) -> Sizes:
    """Return the sizes from a text of the column ``tabelas``.

    :raises ValueError: when it is not such a text
    """
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
        found = json.loads(content.decode("utf-8", "surrogateescape"))
        return {
            database: {name: Size(None if rows is None else int(rows), int(size)) for name, (rows, size) in one.items()}
            for database, one in found.items()
        }
    except (zlib.error, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"no sizes of tables: {error}") from error


def _tables(database: t.Mapping[str, t.Any]) -> t.Dict[str, Size]:
    return {
        table["name"]: Size(None if table["schema_only"] else table["rows"], table["bytes"])
        for table in database["tables"]
    }


def _broken(database: t.Mapping[str, t.Any]) -> t.Dict[str, Size]:
    return {broken["name"]: Size(None, 0) for broken in database["broken"] if broken["kind"] == TABLE}
