"""The backup that is restored: in the bucket for us, and as plain files for myloader."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import ours, watch
from tests.bench.by_hand import seven_zip
from tests.bench.data import DATABASE
from tests.bench.failure import BenchFailed
from tests.bench.place import Place
from tests.servers.mariadb import MariaDB


class Backup(NamedTuple):
    """``tables`` is the folder of MyDumper's files, not compressed; ``rows`` those of each table; ``options`` the
    server's that was dumped, which those have that it is brought back to.
    """

    variables: dict[str, Any]
    tables: Path
    rows: dict[str, int]
    options: list[str]
    archive_bytes: int


def made_backup(place: Place, folder: Path) -> Backup:
    """Back up the place's server and unpack the archive by hand, in the empty *folder*.

    :raises BenchFailed: when that fails
    """
    variables = ours.variables(place, folder / "work")
    hosts = ours.inventory(folder, {"bench": variables})
    watch.run(ours.playbook("backup.yml", hosts), folder / "backup.out", environment=ours.environment())
    client = place.s3.client()
    listed = client.list_objects_v2(Bucket=place.s3.bucket)["Contents"]
    archive = max(listed, key=lambda one: one["Size"])
    client.download_file(place.s3.bucket, archive["Key"], str(folder / "backup.zip"))
    unpacked = folder / "unpacked"
    subprocess.run([seven_zip(), "x", f"-o{unpacked}", str(folder / "backup.zip")], check=True, capture_output=True)
    packed = list(unpacked.rglob("*.zst"))
    if not packed:
        raise BenchFailed(f"the backup in {unpacked} holds no file that zstd compressed")
    subprocess.run(["zstd", "-d", "-q", "--rm", *map(str, packed)], check=True)
    (tables,) = unpacked.rglob("tables")
    return Backup(variables, tables, rows_of(place.source), place.source.options, archive["Size"])


def rows_of(server: MariaDB) -> dict[str, int]:
    """Return the number of rows of each table."""
    tables = [name for (name,) in server.execute(f"SHOW TABLES IN {DATABASE}")]
    return {name: server.execute(f"SELECT COUNT(*) FROM {DATABASE}.{name}")[0][0] for name in tables}
