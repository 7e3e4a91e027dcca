"""Databases with many tables, large values, or values that a strict server refuses."""

from __future__ import annotations

from typing import Any, Protocol


class Server(Protocol):
    """A server, with a login that has all privileges."""

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Execute statements in one session; return the rows of the last one."""


HARD = "hard_cases"
THOUSAND = "a_thousand"
# It has no table, so a comparison finds nothing in it.
EMPTY = "nothing_in_it"
TABLES = 5 + 1000

_STATEMENTS = (
    f"CREATE DATABASE {HARD} CHARACTER SET utf8mb4",
    f"USE {HARD}",
    "SET SESSION sql_mode = ''",
    "CREATE TABLE zeroes (id INT PRIMARY KEY, day DATE, at DATETIME, stamp TIMESTAMP DEFAULT '0000-00-00 00:00:00')",
    "INSERT INTO zeroes VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00')",
    "INSERT INTO zeroes VALUES (2, '2025-00-00', NULL, '2025-07-20')",
    "INSERT INTO zeroes VALUES (0, NULL, NULL, DEFAULT)",
    "SET SESSION sql_mode = DEFAULT",
    "CREATE TABLE latin (word VARCHAR(40), again TEXT) CHARACTER SET latin1",
    "INSERT INTO latin VALUES ('coração €', 'às três')",
    "CREATE TABLE wide (word VARCHAR(40)) CHARACTER SET utf8mb4",
    "INSERT INTO wide VALUES ('👩‍💻 日本 ação')",
    "CREATE TABLE large (id INT PRIMARY KEY, body LONGBLOB)",
    "INSERT INTO large SELECT 1, REPEAT(UNHEX('00FF27225C0A0D1A'), 8 * 1024 * 1024)",
    "CREATE TABLE bits (id INT PRIMARY KEY, b BIT(64), place GEOMETRY, document JSON)",
    """INSERT INTO bits VALUES (1, ~0, ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'), '{"a": [1, null]}')""",
    f"CREATE DATABASE {EMPTY} CHARACTER SET latin1",
)


def fill(server: Server) -> tuple[str, ...]:
    """Create the databases; return the names of those that hold tables.

    The server needs a ``max_allowed_packet`` of 256 MB or more for the large value.
    """
    made = f"CREATE TABLE {THOUSAND}.t{{0}} (id INT PRIMARY KEY) AS SELECT {{0}} AS id"
    server.execute(f"CREATE DATABASE {THOUSAND}", *(made.format(number) for number in range(1000)))
    return (*fill_few(server), THOUSAND)


def fill_few(server: Server) -> tuple[str, ...]:
    """Create the databases but the one with a thousand tables, as :func:`fill` does."""
    server.execute(*_STATEMENTS)
    return (HARD,)


def drop(server: Server) -> None:
    """Drop the databases that :func:`fill` created."""
    server.execute(*(f"DROP DATABASE IF EXISTS `{name}`" for name in (HARD, EMPTY, THOUSAND)))
