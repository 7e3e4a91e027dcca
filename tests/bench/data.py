"""A server with generated data, which is made once for each choice of data and server version, and cached."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import inspect
import multiprocessing
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pymysql

from tests.bench import kinds, vocabulary
from tests.bench.tools import SERVERS
from tests.servers.cache import cache_directory
from tests.servers.database_server import DatabaseServer

DATABASE = "bench"
# Bytes of a row in a dump besides its fields: "(", "),", line end.
ROW_BYTES = 3
# MariaDB's option and MySQL's; each server ignores the other's.
LOG_SIZE = ["--loose-innodb-log-file-size=512M", "--loose-innodb-redo-log-capacity=512M"]
# Loading is not measured, so it needs neither a binary log nor durable writes.
LOADING = [
    "--skip-log-bin",
    "--innodb-buffer-pool-size=1G",
    *LOG_SIZE,
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--local-infile=ON",
]

Say = Callable[[str], None]


class Data(NamedTuple):
    """The choice of data: the ``server`` that holds them, the ``kind`` of rows, and the size of a dump in 10^6 bytes.

    The rows are divided among ``databases`` of the same size.
    """

    kind: str
    size_mb: int
    server: str = "mariadb"
    databases: int = 1

    @property
    def names(self) -> list[str]:
        """Return the names of the databases."""
        return [DATABASE, *(f"{DATABASE}{number}" for number in range(2, self.databases + 1))]


@contextlib.contextmanager
def server_with(data: Data, say: Say) -> Iterator[DatabaseServer]:
    """Run a server that holds *data*."""
    server = SERVERS[data.server]
    with _locked(cache_directory() / "bench") as folder:
        with tempfile.TemporaryDirectory(dir=folder, prefix="probe-") as name, server(Path(name)) as probe:
            version = str(probe.execute("SELECT VERSION()")[0][0])
        recipe = inspect.getsource(kinds) + inspect.getsource(vocabulary)
        digest = hashlib.sha256(f"{version}\n{recipe}".encode()).hexdigest()[:12]
        cached = folder / f"{data.server}-{data.kind}-{data.size_mb}-in-{data.databases}-{digest}"
        if not cached.exists():
            partial = folder / f"{cached.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            started = time.monotonic()
            say(f"making {data.size_mb} MB of {data.kind} rows, once ...")
            _fill(partial, data)
            partial.rename(cached)
            say(f"made in {time.monotonic() - started:.0f} s; kept in {cached}")
        # The data fit into memory, because other machines may share the disk and change its speed.
        memory = min(2 * data.size_mb + 64, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 // 2**20)
        with server(cached, options=[f"--innodb-buffer-pool-size={memory}M", *LOG_SIZE]) as running:
            yield running


def read_all(server: DatabaseServer, databases: Sequence[str]) -> None:
    """Let the server read every row, so that each run starts with the same contents of memory."""
    for database in databases:
        tables = server.execute(f"SHOW TABLES IN {database}")
        server.execute(f"CHECKSUM TABLE {', '.join(f'{database}.{name}' for (name,) in tables)}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Two benchmarks at the same time would slow each other down.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


class _Chunk(NamedTuple):
    """Rows that are loaded by one statement; ``position`` is the table's in its kind, ``number`` the chunk's."""

    socket: str
    database: str
    kind: str
    position: int
    number: int


def _fill(directory: Path, data: Data) -> None:
    tables = kinds.KINDS[data.kind]
    with SERVERS[data.server](directory, options=LOADING) as server:
        for database in data.names:
            server.execute(f"CREATE DATABASE {database}")
            for table in tables:
                server.execute(f"CREATE TABLE {database}.{table.name} ({table.columns})")
        counts = [_chunks(data, table) for table in tables]
        # Each database continues where the one before it ends, so that together they hold the rows of a single one.
        chunks = [
            _Chunk(server.socket, database, data.kind, position, place * count + number)
            for place, database in enumerate(data.names)
            for position, count in enumerate(counts)
            for number in range(count)
        ]
        # Spawned: forked processes would share connections and signal handlers.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
            try:
                list(pool.map(_load, chunks))
            except BaseException:
                # On a signal, the remaining chunks are not started.
                pool.shutdown(cancel_futures=True)
                raise
        for database in data.names:
            for table in tables:
                name = f"{database}.{table.name}"
                server.execute(f"ALTER TABLE {name} {table.key}", f"ANALYZE TABLE {name}")


def _chunks(data: Data, table: kinds.Table) -> int:
    """Return the number of chunks of rows that make the table's share of one database's dump."""
    sample = list(table.rows(_chance(data.kind, table, 0), 1, 2000))
    row = sum(len(line.encode()) + line.count('"') + table.quotes + ROW_BYTES for line in sample) / len(sample)
    return max(1, round(data.size_mb / data.databases * 1e6 * table.share / (row * kinds.ROWS_PER_CHUNK)))


def _load(chunk: _Chunk) -> None:
    table = kinds.KINDS[chunk.kind][chunk.position]
    first = chunk.number * kinds.ROWS_PER_CHUNK + 1
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv") as rows:
        rows.writelines(table.rows(_chance(chunk.kind, table, chunk.number), first, kinds.ROWS_PER_CHUNK))
        rows.flush()
        with (
            contextlib.closing(
                pymysql.connect(
                    unix_socket=chunk.socket,
                    user="root",
                    database=chunk.database,
                    charset="utf8mb4",
                    local_infile=True,
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            # The rows hold no backslash and no line end, so nothing needs escaping.
            cursor.execute(f"LOAD DATA LOCAL INFILE '{rows.name}' INTO TABLE {table.name} CHARACTER SET utf8mb4")
            connection.commit()


def _chance(kind: str, table: kinds.Table, number: int) -> random.Random:
    return random.Random(f"{kind} {table.name} {number}")
