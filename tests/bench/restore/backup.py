"""The backups that are restored: ours in the bucket, and MyDumper's files for myloader."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import by_hand, ours, watch
from tests.bench.data import DATABASE
from tests.bench.place import Place
from tests.servers.database_server import DatabaseServer


class Backup(NamedTuple):
    """``dump`` is the directory that MyDumper wrote by hand; ``rows`` are the numbers of rows by table.

    ``options`` are those of the dumped server, which the restored ones have too.
    """

    variables: dict[str, Any]
    dump: Path
    rows: dict[str, int]
    options: list[str]
    archive_bytes: int


def made_backup(place: Place, folder: Path) -> Backup:
    """Back up the place's server in both ways, in the empty *folder*.

    :raises BenchFailed: when that fails
    """
    by_hand.dump(place, folder)
    variables = ours.variables(place, folder / "work")
    hosts = ours.inventory(folder, {"bench": variables})
    watch.run(ours.playbook("backup.yml", hosts), folder / "backup.out", environment=ours.environment())
    listed = place.s3.client().list_objects_v2(Bucket=place.s3.bucket)["Contents"]
    archive_bytes = max(one["Size"] for one in listed)
    return Backup(variables, folder / "dump" / DATABASE, rows_of(place.source), place.source.options, archive_bytes)


def rows_of(server: DatabaseServer) -> dict[str, int]:
    """Return the number of rows of each table."""
    tables = [name for (name,) in server.execute(f"SHOW TABLES IN {DATABASE}")]
    return {name: server.execute(f"SELECT COUNT(*) FROM {DATABASE}.{name}")[0][0] for name in tables}
