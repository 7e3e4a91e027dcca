"""Sequences of modules that are ended at a failpoint, and the points that they reach."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.faults.interference import Failed, Interference, Killed, Point
from tests.faults.steps import Host

ALL = bool(os.environ.get("VEX_ALL_FAULTS"))
# SIGKILL with everything else that runs, as in a power cut; SIGTERM to the module alone.
ACTIONS = ("kill", "term")
# Where the run before is killed, so that a run has an upload to end.
UPLOADING = Point("upload", "store:upload_part:after")


class Short:
    """Commands that ask or change one thing: a hold that is set and released, and an upload in check mode."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._name = host.installation.observe().backups[-1]["nome_arquivo"].removesuffix(".zip")

    def run(self, interference: Interference) -> None:
        """Run the commands in their order."""
        store, hostname = self._host.store, self._host.hostname
        for step, state in (("hold", "present"), ("release", "absent")):
            options = {**self._host.destined, "hostname": hostname, "name": self._name, "state": state}
            interference.run(self._host.modules, step, "backup_hold", options)
        archive = str(self._host.folder / "absent.zip")
        options = {**store, "src": archive, "manifest": f"{archive}.manifest.json", "key": f"{hostname}/absent.zip"}
        interference.run(self._host.modules, "check", "s3_upload", {**options, "_ansible_check_mode": True})


def ended_at(point: Point, action: str) -> Interference:
    """Return the interference that ends a module at a point."""
    return Interference(point, action, alone=action == "term")


def interfere(work: Callable[[Interference], object], interference: Interference) -> bool:
    """Run a sequence; return whether it ended early."""
    try:
        work(interference)
    except (Killed, Failed):
        return True
    return False


def begin_upload(host: Host) -> Host:
    """Make a backup, and one that is killed while it uploads."""
    host.backup()
    assert interfere(host.backup, Interference(UPLOADING))
    return host


def record(host: Host, target: str, log: Path) -> dict[str, list[Point]]:
    """Run each kind of sequence, and return the points that it reaches.

    :param target: the socket of a server to restore into
    """

    def reached(work: Callable[[Interference], object]) -> list[Point]:
        interference = Interference(log=log)
        work(interference)
        return interference.reached

    begin_upload(host)
    after_kill = reached(host.backup)
    return {
        "later": [point for point in after_kill if point.step == "earlier"],
        "backup": reached(host.backup),
        "short": reached(Short(host).run),
        "restore": reached(lambda interference: host.restore(target, interference)),
        "proof": reached(host.prove),
    }


def selected(reached: list[Point], count: int) -> list[Point]:
    """Return the points to end at: the first and last visit of each, or *count* of them, spread evenly."""
    last = {(point.step, point.name): point for point in reached}
    points = sorted({*(point._replace(number=1) for point in reached), *last.values()}, key=reached.index)
    if ALL:
        return points
    return [points[len(points) * (2 * place + 1) // (2 * count)] for place in range(count)]
