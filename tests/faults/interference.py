"""The end of a module in a sequence of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.module_server import Ended, ModuleServer

Options = dict[str, Any]
Result = Mapping[str, Any]


class Killed(Exception):
    """A module of the sequence was killed at its failpoint, and the sequence ends, as in a power cut."""


class Failed(Exception):
    """A step of a restore or a proof failed, and the role goes to its end."""


class Point(NamedTuple):
    """A failpoint of one step of a sequence: its name, and which visit is meant, the first being 1."""

    step: str
    name: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.step} {self.name}{f' (visit {self.number})' if self.number > 1 else ''}"


class Interference:
    """The end of one module of a sequence at a failpoint, or none.

    :param point: where a module is ended
    :param action: ``kill`` or ``term``
    :param alone: the module dies alone, and the role goes on; else everything dies with it, as in a power cut
    :param log: a file that gets the points that are reached
    """

    def __init__(
        self, point: Point | None = None, action: str = "kill", *, alone: bool = False, log: Path | None = None
    ) -> None:
        self.point = point
        self.action = action
        self._alone = alone
        #: The points that were reached, in their order.
        self.reached: list[Point] = []
        #: The steps that began, and whether one of them failed.
        self.began: list[str] = []
        self.hit = False
        self._log = log

    def run(self, modules: ModuleServer, step: str, module: str, options: Options) -> Ended:
        """Run one module.

        :raises Killed: when it died of this
        """
        self.began.append(step)
        environment = {}
        if self.point and self.point.step == step:
            environment["VEX_FAILPOINT"] = f"{self.point.name}={self.action}:{self.point.number}"
        if self._log:
            self._log.write_text("")
            environment["VEX_FAILPOINT_LOG"] = str(self._log)
        ended = self.call(modules, module, options, environment)
        self.hit = self.hit or ended.failed
        if self._log:
            visits: dict[str, int] = {}
            for name in self._log.read_text().splitlines():
                visits[name] = visits.get(name, 0) + 1
                self.reached.append(Point(step, name, visits[name]))
        if ended.status >= 0:
            return ended
        said = f"{module} died of signal {-ended.status}"
        if not self._alone:
            modules.end_children(but="mariadbd")
            raise Killed(said)
        return ended._replace(result={"failed": True, "msg": said})

    def call(self, modules: ModuleServer, module: str, options: Options, environment: Mapping[str, str]) -> Ended:
        """Call the module."""
        return modules.run(module, options, environment)


def require(ended: Ended, step: str) -> Result:
    """Return the result of a module.

    :raises Failed: when it failed
    """
    if ended.failed:
        raise Failed(f"{step}: {ended.message}")
    return ended.result
