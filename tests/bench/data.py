"""A server with generated data, which is made once for each kind, size and server version, and cached."""

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
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pymysql

from tests.bench import kinds, vocabulary
from tests.servers.cache import cache_directory
from tests.servers.mariadb import MariaDB

DATABASE = "bench"
# Bytes of a row in a dump besides its fields: "(", "),", line end.
ROW_BYTES = 3
LOG_SIZE = "--innodb-log-file-size=512M"
# Loading is not measured, so it needs neither a binary log nor durable writes.
LOADING = [
    "--skip-log-bin",
    "--innodb-buffer-pool-size=1G",
    LOG_SIZE,
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
]

Say = Callable[[str], None]


@contextlib.contextmanager
def server_with(kind: str, size_mb: int, say: Say) -> Iterator[MariaDB]:
    """Run a server whose database :data:`DATABASE` makes a dump of about *size_mb* MB (10^6 bytes)."""
    with _locked(cache_directory() / "bench") as folder:
        with tempfile.TemporaryDirectory(dir=folder, prefix="probe-") as name, MariaDB(Path(name)) as probe:
            version = str(probe.execute("SELECT VERSION()")[0][0])
        recipe = inspect.getsource(kinds) + inspect.getsource(vocabulary)
        digest = hashlib.sha256(f"{version}\n{recipe}".encode()).hexdigest()[:12]
        cached = folder / f"{kind}-{size_mb}-{digest}"
        if not cached.exists():
            partial = folder / f"{cached.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            started = time.monotonic()
            say(f"making {size_mb} MB of {kind} rows, once ...")
            _fill(partial, kind, size_mb)
            partial.rename(cached)
            say(f"made in {time.monotonic() - started:.0f} s; kept in {cached}")
        # The data fit into memory, because other machines may share the disk and change its speed.
        memory = min(2 * size_mb + 64, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 // 2**20)
        with MariaDB(cached, options=[f"--innodb-buffer-pool-size={memory}M", LOG_SIZE]) as server:
            yield server


def read_all(server: MariaDB) -> None:
    """Let the server read every row, so that each run starts with the same contents of memory."""
    tables = server.execute(f"SHOW TABLES IN {DATABASE}")
    server.execute(f"CHECKSUM TABLE {', '.join(f'{DATABASE}.{name}' for (name,) in tables)}")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Two benchmarks at the same time would slow each other down.
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _fill(directory: Path, kind: str, size_mb: int) -> None:
    with MariaDB(directory, options=LOADING) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
        for table in kinds.KINDS[kind]:
            server.execute(f"CREATE TABLE {DATABASE}.{table.name} ({table.columns})")
        chunks = [
            (server.socket, kind, position, number)
            for position, table in enumerate(kinds.KINDS[kind])
            for number in range(_chunks(kind, table, size_mb))
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
        for table in kinds.KINDS[kind]:
            server.execute(f"ALTER TABLE {DATABASE}.{table.name} {table.key}", f"ANALYZE TABLE {DATABASE}.{table.name}")


def _chunks(kind: str, table: kinds.Table, size_mb: int) -> int:
    """Return the number of chunks of rows that make the table's share of the dump."""
    sample = list(table.rows(_chance(kind, table, 0), 1, 2000))
    row = sum(len(line.encode()) + line.count('"') + table.quotes + ROW_BYTES for line in sample) / len(sample)
    return max(1, round(size_mb * 1e6 * table.share / (row * kinds.ROWS_PER_CHUNK)))


def _load(chunk: tuple[str, str, int, int]) -> None:
    socket, kind, position, number = chunk
    table = kinds.KINDS[kind][position]
    first = number * kinds.ROWS_PER_CHUNK + 1
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv") as rows:
        rows.writelines(table.rows(_chance(kind, table, number), first, kinds.ROWS_PER_CHUNK))
        rows.flush()
        with (
            contextlib.closing(
                pymysql.connect(
                    unix_socket=socket, user="root", database=DATABASE, charset="utf8mb4", local_infile=True
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            # The rows hold no backslash and no line end, so nothing needs escaping.
            cursor.execute(f"LOAD DATA LOCAL INFILE '{rows.name}' INTO TABLE {table.name} CHARACTER SET utf8mb4")
            connection.commit()


def _chance(kind: str, table: kinds.Table, number: int) -> random.Random:
    return random.Random(f"{kind} {table.name} {number}")
