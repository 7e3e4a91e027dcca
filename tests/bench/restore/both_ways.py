"""Restores into an empty server, by myloader alone and by playbooks/restore.yml."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.bench import ours, watch
from tests.bench.failure import BenchFailed
from tests.bench.measure import Measure
from tests.bench.restore.backup import Backup, rows_of
from tests.servers.mariadb import MariaDB

# A stage lasts from the first line of the restore's log with one text to the last line with the other.
BOUNDS = {
    "download": ("[INFO] - downloading ", "[INFO] - downloaded "),
    "unpacking": ("[INFO] - unpacking ", "[INFO] - unpacked "),
    "tables": ("[INFO] - unpacked ", "[INFO] - loading "),
    "load": ("[INFO] - loading ", "[INFO] - comparing "),
    "comparison": ("[INFO] - comparing ", "[INFO] - restored "),
}


def by_myloader(backup: Backup, folder: Path) -> Measure:
    """Load what MyDumper wrote by hand.

    :raises BenchFailed: when it fails, or rows are missing
    """
    with _restored(backup, folder) as server:
        argv = ["myloader", f"--directory={backup.dump}", "--threads=4", "--enable-binlog", "--verbose=2"]
        login = ["--user=root", f"--socket={server.socket}"]
        watched = watch.run([*argv, *login], folder / "myloader.out")
    return Measure(watched.seconds, {"load": watched.seconds}, backup.archive_bytes, watched.programs)


def by_us(backup: Backup, folder: Path) -> Measure:
    """Run the whole playbook: check, download, unpack, load, compare, remove temporary files.

    :raises BenchFailed: when it fails, or rows are missing
    """
    with _restored(backup, folder) as server:
        host = {
            **backup.variables,
            "vex_backup_restore_yes": True,
            "vex_backup_restore_dir": str(folder / "restore"),
            "vex_backup_restore_login_unix_socket": server.socket,
            "vex_backup_restore_login_user": "root",
        }
        measure = ours.play("restore.yml", folder, host, logs="restore/restore.log", bounds=BOUNDS)
    measure.archive_bytes = backup.archive_bytes
    return measure


@contextlib.contextmanager
def _restored(backup: Backup, folder: Path) -> Iterator[MariaDB]:
    """Run an empty server, and check at the end that it holds the backup's rows."""
    with MariaDB(folder / "server", options=backup.options) as server:
        yield server
        rows = rows_of(server)
        if rows != backup.rows:
            raise BenchFailed(f"{rows} rows were restored of {backup.rows}")
