"""Pairs of values of each type that a backup may confuse, and a table for a type's values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from pymysql.connections import Connection

from ansible_collections.vex.backup.plugins.module_utils._mysql.fingerprint import SAMPLE, compare, take
from ansible_collections.vex.backup.plugins.module_utils._mysql.tables import Table, read_tables

DATABASE = "100% `fingerprints`"
_QUOTED = "`100% ``fingerprints```"
MEMBERS = ",".join(f"'m{number}'" for number in range(64))


class Server(Protocol):
    """A server that tests may fill."""

    def connect(self) -> Connection[Any]:
        """Connect with all privileges."""


class Pair(NamedTuple):
    """Two values of a type, in SQL."""

    type: str
    value: str
    other: str


PAIRS = (
    Pair("TINYINT", "0", "NULL"),
    Pair("INT(6) UNSIGNED ZEROFILL", "5", "50"),
    Pair("BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
    Pair("DECIMAL(65,30)", "12345678901234567890123456789012345.000000000000000000000000000001", "12345"),
    Pair("DOUBLE", "0.1", "0.10000000000000002"),
    Pair("DOUBLE", "-2.522753946247637e-223", "-2.52275394624764e-223"),
    Pair("DOUBLE(30,10)", "0.3", "0.3000000001"),
    Pair("FLOAT", "3.1415927", "3.14159"),
    Pair("FLOAT", "16777217", "16777200"),
    Pair("FLOAT(10,2)", "1.1", "NULL"),
    Pair("BIT(64)", "~0", "~1"),
    Pair("BIT(9)", "b'101'", "b'100000101'"),
    Pair("ENUM('a','b','')", "''", "0"),
    Pair("ENUM('a','b')", "'a'", "'b'"),
    Pair(f"SET({MEMBERS})", "18446744073709551615", "18446744073709551614"),
    Pair("DATE", "'2023-02-31'", "'0000-00-00'"),
    Pair("DATE", "'2024-00-10'", "'0000-00-00'"),
    Pair("DATETIME(6)", "'2024-01-01 00:00:00.000001'", "'2024-01-01 00:00:00'"),
    Pair("DATETIME", "'2024-02-31 10:00:00'", "'0000-00-00 00:00:00'"),
    Pair("TIMESTAMP(6) NULL", "'2024-01-01 00:00:00.5'", "'2023-12-31 21:00:00.5'"),
    Pair("TIMESTAMP NULL", "'0000-00-00 00:00:00'", "NULL"),
    Pair("TIME(3)", "'-838:59:58.999'", "'838:59:58.999'"),
    Pair("YEAR", "0", "2000"),
    Pair("CHAR(5)", "''", "NULL"),
    Pair("CHAR(5) COLLATE utf8mb4_unicode_ci", "'a'", "'A'"),
    Pair("VARCHAR(20)", "'a'", "'a '"),
    Pair("VARCHAR(20)", "'-'", "NULL"),
    Pair("VARCHAR(20) CHARACTER SET latin1", "'ção'", "'cao'"),
    Pair("VARCHAR(20) CHARACTER SET utf16", "'ção'", "'çãO'"),
    Pair("VARCHAR(20) CHARACTER SET utf8mb4", "'😀'", "'😁'"),
    Pair("TEXT", "CONCAT('a', CHAR(0))", "'a'"),
    Pair("LONGTEXT", "REPEAT('ção', 500000)", "CONCAT(REPEAT('ção', 499999), 'cão')"),
    Pair("BINARY(3)", "X'0000FF'", "X'0000FE'"),
    Pair("VARBINARY(9)", "X'00'", "X'0000'"),
    Pair("BLOB", "X'FF27225C0A0D1A00'", "X'3F27225C0A0D1A00'"),
    Pair("LONGBLOB", "REPEAT(X'00', 5000000)", "REPEAT(X'00', 5000001)"),
    Pair("JSON", """'{"a": [1, null]}'""", """'{"a": [1, "null"]}'"""),
    Pair("POINT", "ST_GeomFromText('POINT(1 2)', 4326)", "ST_GeomFromText('POINT(1 2)')"),
    Pair(
        "GEOMETRY", "ST_GeomFromText('LINESTRING(0 0,1 1)')", "ST_GeomFromText('LINESTRING(0 0,1 1.0000000000000002)')"
    ),
)
ONLY_MARIADB = (
    Pair("UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440001'"),
    Pair("INET4", "'10.0.0.1'", "NULL"),
    Pair("INET6", "'::'", "'::1'"),
    Pair("VARCHAR(100) COMPRESSED", "REPEAT('a', 100)", "REPEAT('a', 99)"),
    Pair("VARCHAR(9) INVISIBLE", "'a'", "'b'"),
)
ONLY_MYSQL = (
    Pair("VECTOR(3)", "TO_VECTOR('[1.5, -2, 0.001]')", "TO_VECTOR('[1.5, -2, 0.0010001]')"),
    Pair("VARCHAR(9) INVISIBLE", "'a'", "'b'"),
    Pair("DOUBLE", "0.1", "NULL"),
)


class Filled:
    """A database on a server, and a session as the product's own are.

    :param server: where it is made
    """

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Run statements in the database; return the rows of the last one."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    def table(self, name: str = "t") -> Table | None:
        """Return a table as it is now."""
        return next((table for table in read_tables(self.connection, DATABASE) if table.name == name), None)

    def take(self, name: str = "t", mode: str = SAMPLE) -> dict[str, Any]:
        """Return the fingerprint of a table."""
        table = self.table(name)
        assert table is not None
        return take(self.connection, DATABASE, table, mode)

    def difference(self, fingerprint: dict[str, Any], name: str = "t") -> str:
        """Return how a table differs from its fingerprint."""
        return compare(self.connection, DATABASE, self.table(name), fingerprint).difference

    def check(self, pair: Pair) -> None:
        """Assert that one value in one row is found and named, and that the same rows do not differ.

        :raises AssertionError: when a fingerprint confuses the values
        """
        self.execute(
            "DROP TABLE IF EXISTS t",
            f"CREATE TABLE t (id INT PRIMARY KEY, a INT DEFAULT 7, v {pair.type}, b VARCHAR(9) DEFAULT 'x')",
            *(f"INSERT INTO t (id, v) VALUES ({number}, {pair.value})" for number in range(1, 6)),
        )
        taken = self.take()
        assert taken["sampled"] == 5
        assert self.difference(taken) == ""
        self.execute(f"UPDATE t SET v = {pair.other} WHERE id = 3")
        assert self.difference(taken) == "has another value in the row id=3"
        self.execute(f"UPDATE t SET v = {pair.value} WHERE id = 3", "SET NAMES latin1")
        try:
            assert self.difference(taken) == ""
        finally:
            self.execute("SET NAMES utf8mb4")


@contextlib.contextmanager
def filled(server: Server) -> Iterator[Filled]:
    """Make an empty database within the context."""
    with contextlib.closing(server.connect()) as connection:
        one = Filled(connection)
        one.execute(
            "SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES'",
            f"CREATE DATABASE {_QUOTED} CHARACTER SET utf8mb4",
            f"USE {_QUOTED}",
        )
        try:
            yield one
        finally:
            one.execute(f"DROP DATABASE {_QUOTED}")
