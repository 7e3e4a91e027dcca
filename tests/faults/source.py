"""The database to back up: small, except for one table that fits into no pipe and no socket buffer."""

from __future__ import annotations

import contextlib
import random

from tests.servers.mariadb import MariaDB

DATABASE = "loja"
LARGE = "pedido"
LARGE_ROWS = 15_000  # of some 400 bytes each

SCHEMA = (
    f"CREATE DATABASE {DATABASE}",
    f"USE {DATABASE}",  # the tables seq_… below need a current database
    f"CREATE TABLE {DATABASE}.cliente (id INT PRIMARY KEY, nome VARCHAR(60) NOT NULL)",
    f"INSERT INTO {DATABASE}.cliente SELECT seq, CONCAT('cliente ', seq) FROM seq_1_to_50",
    f"CREATE TABLE {DATABASE}.{LARGE} (id INT PRIMARY KEY, cliente_id INT NOT NULL, nota TEXT NOT NULL)",
    f"INSERT INTO {DATABASE}.{LARGE} SELECT seq, seq % 50, REPEAT(SHA2(seq, 512), 3) FROM seq_1_to_{LARGE_ROWS}",
    f"ANALYZE TABLE {DATABASE}.{LARGE}",
)


def fill(server: MariaDB) -> None:
    """Create the database."""
    server.execute(*SCHEMA)


def fill_little(server: MariaDB, mebibytes: int = 6) -> None:
    """Create a database with few rows, whose archive is just too large for one part of an upload.

    :param mebibytes: of the archive; the smallest parts have 5, those of a playbook 16
    """
    server.execute(
        f"CREATE DATABASE {DATABASE}",
        f"USE {DATABASE}",
        "CREATE TABLE cliente (id INT PRIMARY KEY, nome VARCHAR(60) NOT NULL)",
        "INSERT INTO cliente SELECT seq, CONCAT('cliente ', seq) FROM seq_1_to_50",
        "CREATE TABLE foto (id INT PRIMARY KEY, dados LONGBLOB NOT NULL)",
    )
    content = random.Random(1).randbytes(mebibytes * 1024 * 1024)
    with contextlib.closing(server.connect(database=DATABASE)) as connection, connection.cursor() as cursor:
        for start in range(0, len(content), 1024 * 1024):
            cursor.execute("INSERT INTO foto VALUES (%s, %s)", (10 + start, content[start : start + 1024 * 1024]))
        connection.commit()
