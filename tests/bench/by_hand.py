"""The backup by hand: MyDumper into a directory, 7-Zip's default zip, one upload."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.bench import watch
from tests.bench.data import DATABASE
from tests.bench.failure import BenchFailed
from tests.bench.measure import Measure
from tests.bench.place import ROOT, Place

SEVEN_ZIP = ("7zz", "7z", "7za")


def run(place: Place, folder: Path) -> Measure:
    """Run the backup by hand in the empty *folder*.

    :raises BenchFailed: when a step fails
    """
    defaults = folder / "client.cnf"
    defaults.touch(mode=0o600)
    defaults.write_text(f"[client]\nuser={place.user}\npassword={place.password}\nsocket={place.source.socket}\n")
    archive = folder / "by-hand.zip"
    arguments = [
        f"--defaults-file={defaults}",
        "--threads=4",
        f"--database={DATABASE}",
        f"--outputdir={folder / 'dump'}",
    ]
    dump = watch.run(["mydumper", *arguments], folder / "mydumper.out")
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
    stages = {"dump": dump.seconds, "packing": pack.seconds, "upload": float(output.read_text())}
    place.s3.client().delete_object(Bucket=place.s3.bucket, Key=archive.name)
    return Measure(
        total=sum(stages.values()),
        stages=stages,
        archive_bytes=archive.stat().st_size,
        programs=[*dump.programs, *pack.programs, *upload.programs],
    )


def seven_zip() -> str:
    """Return the path of 7-Zip's program.

    :raises BenchFailed: when it is not installed
    """
    found = next((found for name in SEVEN_ZIP if (found := shutil.which(name))), None)
    if found is None:
        raise BenchFailed("7-Zip is not installed on this host")
    return found
