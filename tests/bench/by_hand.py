"""The backup by hand: MyDumper into a directory for each database, 7-Zip's default zip, one upload."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.bench import watch
from tests.bench.failure import BenchFailed
from tests.bench.measure import Measure
from tests.bench.place import ROOT, Place
from tests.bench.tools import mydumper, version

SEVEN_ZIP = ("7zz", "7z", "7za")


def run(place: Place, folder: Path) -> Measure:
    """Run the backup by hand in the empty *folder*.

    :raises BenchFailed: when a step fails
    """
    archive = folder / "by-hand.zip"
    dumps = dump(place, folder)
    pack = watch.run([seven_zip(), "a", "-tzip", str(archive), "dump"], folder / "7zip.out", directory=folder)
    output = folder / "upload.out"
    upload = watch.run(
        [
            sys.executable,
            "-m",
            "tests.bench.upload_once",
            place.s3.endpoint,
            place.s3.bucket,
            str(archive),
            archive.name,
        ],
        output,
        directory=ROOT,
        environment={"AWS_ACCESS_KEY_ID": place.s3.access_key, "AWS_SECRET_ACCESS_KEY": place.s3.secret_key},
    )
    # Only the call is measured, without the start of Python: a script that uploads is already running.
    stages = {"dump": sum(one.seconds for one in dumps), "packing": pack.seconds, "upload": float(output.read_text())}
    place.s3.client().delete_object(Bucket=place.s3.bucket, Key=archive.name)
    return Measure(
        total=sum(stages.values()),
        stages=stages,
        archive_bytes=archive.stat().st_size,
        programs=[*(program for one in dumps for program in one.programs), *pack.programs, *upload.programs],
    )


def dump(place: Place, folder: Path) -> list[watch.Watched]:
    """Dump each database into a directory of its name below ``dump`` in *folder*.

    :raises BenchFailed: when MyDumper fails
    """
    defaults = folder / "client.cnf"
    defaults.touch(mode=0o600)
    login = f"[client]\nuser={place.user}\npassword={place.password}\nsocket={place.source.socket}\n"
    more, session = _needs_of_mysql(place)
    defaults.write_text(login + session)
    (folder / "dump").mkdir()
    return [
        watch.run(
            [
                "mydumper",
                f"--defaults-file={defaults}",
                "--threads=4",
                f"--database={database}",
                f"--outputdir={folder / 'dump' / database}",
                *more,
            ],
            folder / f"mydumper-{database}.out",
        )
        for database in place.databases
    ]


def _needs_of_mysql(place: Place) -> tuple[list[str], str]:
    """Return the options, and the lines of the defaults file, without which MyDumper 1.x fails on MySQL 9."""
    if place.source.program != "mysqld" or not mydumper().modern:
        return [], ""
    # It does not recognise Debian's version as MySQL's, and crashes while the server explains queries as trees.
    return (
        [f"--server-version=mysql-{version(place.source)}"],
        "[mydumper_session_variables]\nexplain_format=TRADITIONAL\n",
    )


def seven_zip() -> str:
    """Return the path of 7-Zip's program.

    :raises BenchFailed: when it is not installed
    """
    found = next((found for name in SEVEN_ZIP if (found := shutil.which(name))), None)
    if found is None:
        raise BenchFailed("7-Zip is not installed on this host")
    return found
