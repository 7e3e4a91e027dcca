"""The binlog position of a dump's snapshots on a MySQL that MyDumper 0.10 cannot query, while rows are written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fleet.fleet import Member, backup
from tests.fleet.hosts import Host
from tests.integration.restoring import restore


def test_the_binlog_position_is_the_snapshots(
    join: Callable[[str], Member], hosts: dict[str, Host], inventory_directory: Path
) -> None:
    """The restored rows are exactly those that the binary log holds up to the position."""
    source, target = hosts["mysql-1"], hosts["mysql-2"]
    member = join("mysql-1")
    member.create_account()
    source.execute("FLUSH BINARY LOGS", "CREATE DATABASE busy", "CREATE TABLE busy.event (id INT PRIMARY KEY)")
    try:
        with writing(source):
            outcome = backup([member], inventory_directory)["mysql-1"]
        assert outcome.backup["status_backup"] == 1, outcome.backup["observacao"]
        file, position = outcome.backup["coordenadas_binlog"].split()[0].split(":")
        logged = source.execute(f"SHOW BINLOG EVENTS IN '{file}'")
        up_to_it = sum(row[2] == "Write_rows" and row[4] <= int(position) for row in logged)
        (target.exchange / "LOGIN.cnf").write_text(
            "[client]\nsocket=/run/mysqld/mysqld.sock\nuser=root\n", encoding="utf-8"
        )
        restore(
            member.control.store,
            outcome.key,
            target.exchange,
            lambda command, answer: target.shell(command, answer, directory="/exchange"),
        )
        assert target.execute("SELECT COUNT(*), MAX(id) FROM busy.event") == ((up_to_it, up_to_it),)
        written = source.execute("SELECT COUNT(*) FROM busy.event")[0][0]
        assert 0 < up_to_it < written
    finally:
        source.execute("DROP DATABASE busy")
        target.execute("DROP DATABASE IF EXISTS busy")


@contextlib.contextmanager
def writing(server: Host) -> Iterator[None]:
    """Write rows numbered from 1, each in its own transaction, within the context."""
    over = threading.Event()

    def write() -> None:
        with contextlib.closing(server.connect("busy")) as connection, connection.cursor() as cursor:
            number = 0
            # A short pause leaves the machine time for the backup.
            while not over.wait(0.005):
                number += 1
                cursor.execute("INSERT INTO event VALUES (%s)", (number,))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()
