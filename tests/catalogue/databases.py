"""The databases of the catalogue, each with the contents of one group."""

from __future__ import annotations

from collections.abc import Iterator

from tests.catalogue import attributes, objects, tables, types
from tests.catalogue.content import Content, create, product_of
from tests.servers.database_server import DatabaseServer
from tests.servers.definitions import quoted
from tests.servers.mysql import MySQL

GROUPS: dict[str, tuple[Content, ...]] = {
    "Types": types.CONTENTS,
    "Attributes of columns": attributes.ATTRIBUTES,
    "Keys and constraints": attributes.KEYS,
    "Options of tables": tables.OPTIONS,
    "Engines": tables.ENGINES,
    "Partitions and history": (*tables.PARTITIONS, *tables.PERIODS),
    "Views": objects.VIEWS,
    "Stored programs": (*objects.ROUTINES, *objects.TRIGGERS, *objects.EVENTS),
    "Sequences": objects.SEQUENCES,
    "Options of databases": objects.DATABASES,
}
# The collations and character sets of a server are those that it lists itself.
CHARACTER_SETS = "Every character set"
COLLATIONS = "Every collation"
_COLUMNS_OF_A_TABLE = 250


def fill(server: DatabaseServer) -> tuple[str, ...]:
    """Create the databases; return their names."""
    names = []
    for group, contents in GROUPS.items():
        chosen = [one for one in contents if product_of(server) in one.products]
        chosen += _of_server(server) if group == "Types" else []
        if chosen:
            # A name that is plain, so that MyDumper dumps the tables.
            names.append(f"catalogue_{group.lower().replace(' ', '_')}")
            create(server, names[-1], chosen)
    return tuple(names)


def listed(product: str) -> Iterator[Content]:
    """Yield the contents of :func:`fill` for a product."""
    yield from (one for contents in GROUPS.values() for one in contents if product in one.products)
    yield from (Content(name, ()) for name in (CHARACTER_SETS, COLLATIONS))


def _of_server(server: DatabaseServer) -> list[Content]:
    sets = [name for (name,) in server.execute("SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS")]
    # MariaDB lists the collations of several character sets once, without their full names.
    source = (
        "SELECT COLLATION_NAME FROM information_schema.COLLATIONS ORDER BY 1"
        if isinstance(server, MySQL)
        else "SELECT FULL_COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY ORDER BY 1"
    )
    collations = [name for (name,) in server.execute(source)]
    parts = [collations[at : at + _COLUMNS_OF_A_TABLE] for at in range(0, len(collations), _COLUMNS_OF_A_TABLE)]
    return [
        Content(CHARACTER_SETS, tuple(_table("{t}", "CHARACTER SET", sets))),
        Content(
            COLLATIONS, tuple(text for at, some in enumerate(parts) for text in _table(f"{{t}}__{at}", "COLLATE", some))
        ),
    ]


def _table(name: str, attribute: str, names: list[str]) -> Iterator[str]:
    columns = ", ".join(f"{quoted(one)} VARCHAR(5) {attribute} {one}" for one in names)
    yield f"CREATE TABLE {name} (id INT PRIMARY KEY, {columns})"
    # A character that a character set lacks becomes a question mark.
    for number, word in enumerate(("'a'", "'ç é'", "'日本'", "''")):
        yield f"INSERT INTO {name} VALUES ({number}, {', '.join([word] * len(names))})"
