"""Our backup: the whole of playbooks/backup.yml, with its record, its mail and its retention."""

from __future__ import annotations

import configparser
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench import watch
from tests.bench.failure import BenchFailed
from tests.bench.measure import Measure, Task
from tests.bench.place import ROOT, Place

CALLBACKS = Path(__file__).parent / "callbacks"
MANIFEST = ".manifest.json"

# A stage lasts from the first line of the run's log with one text to the last line with the other. The time before and
# after it (starting a module, checking the server, removing packed files) counts as overhead.
BOUNDS = {
    "dump": ("dump: started", "dump: finished"),
    "compression": ("dump: finished", "compression: finished"),
    "packing": ("[INFO] - packing ", "[INFO] - packed into "),
    "upload": ("[INFO] - uploading ", "[INFO] - uploaded "),
}


# The end of a line with the seconds of fingerprints, which are taken during the dump.
FINGERPRINT = re.compile(r"fingerprint: .*?(\d+(?:\.\d+)?) s$")


def bring_schema(place: Place, folder: Path) -> None:
    """Create the log database."""
    host = variables(place, folder / "work")
    hosts = inventory(folder, {"bench": host, "localhost": host})
    watch.run(playbook("schema.yml", hosts), folder / "schema.out", environment=environment())


def run(place: Place, folder: Path) -> Measure:
    """Run our backup in the empty *folder*.

    :raises BenchFailed: when the playbook fails, or its results are missing
    """
    _leave_earlier_run(folder / "work")
    measure = play(
        "backup.yml",
        folder,
        variables(place, folder / "work"),
        logs="work/*.logs/backup_script.log",
        bounds=BOUNDS,
    )
    measure.archive_bytes = _uploaded(place)
    return measure


def play(name: str, folder: Path, host: dict[str, Any], *, logs: str, bounds: Mapping[str, tuple[str, str]]) -> Measure:
    """Run a playbook on one host with these variables, and measure it.

    :param logs: pattern, below *folder*, of the log that shows the stages
    :param bounds: a text in the first line of each stage, and one in its last line
    :raises BenchFailed: when it fails, or the log lacks a stage
    """
    clock = folder / "clock.jsonl"
    watched = watch.run(
        playbook(name, inventory(folder, {"bench": host})),
        folder / "playbook.out",
        directory=folder,
        environment={
            **environment(),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": f"{_callbacks()}, bench_clock",
            "VEX_BENCH_CLOCK": str(clock),
        },
        logs=logs,
    )
    return Measure(
        total=watched.seconds,
        stages={stage: _between(watched.lines, *texts) for stage, texts in bounds.items()},
        archive_bytes=0,
        programs=watched.programs,
        tasks=_tasks(clock, watched),
        log=[(moment - watched.started, line) for moment, line in watched.lines],
        steps=_steps(watched),
        fingerprint=_fingerprint(watched.lines),
    )


def _leave_earlier_run(work: Path) -> None:
    """Create the files of an earlier run, so that retention has its usual work."""
    name = "backup_20200101_000000"
    (work / f"{name}.logs").mkdir(mode=0o700, parents=True)
    (work / f"{name}.logs" / "mydumper_log.log").touch()
    (work / f"{name}.zip").touch()
    (work / f"{name}.zip{MANIFEST}").touch()


def playbook(name: str, inventory: Path) -> list[str]:
    """Return the command that runs one of the playbooks."""
    program = Path(sys.executable).parent / "ansible-playbook"
    return [str(program), "-i", str(inventory), str(ROOT / "playbooks" / name)]


def environment() -> dict[str, str]:
    """Return the variables that the environment of that command needs besides this process's own."""
    return {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
    }


def _callbacks() -> str:
    """Return the callbacks that ansible.cfg enables."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "ansible.cfg", encoding="utf-8")
    return settings["defaults"]["callbacks_enabled"]


def variables(place: Place, work: Path) -> dict[str, Any]:
    """Return the variables of a host on this machine that backs up the place's server into *work*."""
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "vex_backup_login_unix_socket": place.source.socket,
        "vex_backup_login_user": place.user,
        "vex_backup_login_password": place.password,
        "vex_backup_databases": list(place.databases),
        "vex_backup_work_dir": str(work),
        "vex_backup_log_db_unix_socket": place.log.socket,
        "vex_backup_log_db_user": "root",
        "vex_backup_s3_endpoint_url": place.s3.endpoint,
        "vex_backup_s3_bucket": place.s3.bucket,
        "vex_backup_s3_access_key": place.s3.access_key,
        "vex_backup_s3_secret_key": place.s3.secret_key,
        "vex_backup_smtp_host": "127.0.0.1",
        "vex_backup_smtp_port": place.smtp.port,
        "vex_backup_smtp_security": "none",
        "vex_backup_mail_from": "vex-backup@bench.example",
        "vex_backup_mail_to": ["dba@bench.example"],
    }


def inventory(folder: Path, hosts: Mapping[str, dict[str, Any]]) -> Path:
    """Write an inventory of *hosts* and their variables."""
    path = folder / "hosts.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"all": {"hosts": hosts}}))
    return path


def _uploaded(place: Place) -> int:
    """Return the size of the only archive in the bucket, and remove it."""
    client = place.s3.client()
    there: dict[str, int] = {
        item["Key"]: item["Size"] for item in client.list_objects_v2(Bucket=place.s3.bucket).get("Contents", [])
    }
    archives = [key for key in there if f"{key}{MANIFEST}" in there]
    status = place.log.execute("SELECT status_backup FROM vex_backup.backup_log ORDER BY id DESC LIMIT 1")
    if len(archives) != 1 or len(there) != 2 or status != ((1,),):
        raise BenchFailed(f"one archive, its manifest and status 1 were expected, not {sorted(there)} and {status}")
    for key in there:
        client.delete_object(Bucket=place.s3.bucket, Key=key)
    return there[archives[0]]


def _between(lines: list[tuple[float, str]], first: str, last: str) -> float:
    begins = [moment for moment, line in lines if first in line]
    ends = [moment for moment, line in lines if last in line]
    if not begins or not ends:
        raise BenchFailed(f"the run's log has no {first!r} or no {last!r}: {[line for _moment, line in lines]}")
    return ends[-1] - begins[0]


def _fingerprint(lines: list[tuple[float, str]]) -> float | None:
    """Return the seconds of the fingerprint, by the log; ``None`` when it has none."""
    found = [float(match[1]) for _moment, line in lines if (match := FINGERPRINT.search(line))]
    return sum(found) if found else None


def _tasks(clock: Path, watched: watch.Watched) -> list[Task]:
    """Return the tasks, each from its start to the next one's, and Ansible's start and end."""
    events = [json.loads(line) for line in clock.read_text().splitlines()]
    starts = [event for event in events if event["event"] == "start"]
    names = ["(Ansible starts)", *(event["task"].rpartition(" : ")[2] for event in starts), "(Ansible ends)"]
    moments = [watched.started, *(event["at"] for event in starts)]
    moments += [max(event["at"] for event in events), watched.started + watched.seconds]
    return [
        Task(name, end - begin, sum(one.cpu for one in watched.programs if begin <= one.first < end))
        for name, begin, end in zip(names, moments[:-1], moments[1:], strict=True)
    ]


def _steps(watched: watch.Watched) -> dict[str, float]:
    """Return the seconds from the first to the last sighting of each program within the stages."""
    spans: dict[str, tuple[float, float]] = {}
    for program in watched.programs:
        name = _step(program)
        if name:
            first, last = spans.get(name, (program.first, program.last))
            spans[name] = min(first, program.first), max(last, program.last)
    return {name: last - first for name, (first, last) in spans.items()}


def _step(program: watch.Program) -> str:
    name = os.path.basename(program.name)
    if name in ("zstd", "gzip"):
        return f"{name} -t" if " -t " in program.arguments else name
    verb = re.match(r"\S*7z\w* ([a-z]) ", program.arguments)
    if name.startswith("7z") and verb:
        return f"7-Zip {verb[1]}"
    return name if name in ("mydumper", "mariadb", "mysql") else ""
