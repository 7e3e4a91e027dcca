"""Each fault of the suite: the run does what is expected, says it, hangs not, and the next run leaves nothing behind.

``make test`` has a few of them, ``make test-faults`` all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults import outcomes
from tests.faults.conftest import NewHost
from tests.faults.ending import ALL
from tests.faults.faults import Fault
from tests.faults.module_server import ModuleServer
from tests.faults.scene import Scene
from tests.servers.mariadb import MariaDB


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleServer]:
    """Return the modules."""
    with ModuleServer(tmp_path_factory.mktemp("modules")) as served:
        yield served


@pytest.fixture(scope="module")
def scenes(
    new_host: NewHost, small_source: MariaDB, modules: ModuleServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scenes]:
    """Return the scene of the tests of this file."""
    made = Scenes(lambda: Scene(lambda: new_host(small_source), modules, tmp_path_factory.mktemp("scene")))
    yield made
    made.close()


class Scenes:
    """One scene for all faults: each run shows that the one before it has left nothing behind."""

    def __init__(self, make: Callable[[], Scene]) -> None:
        self._make = make
        self._scene: Scene | None = None

    def get(self) -> Scene:
        """Return the scene."""
        if self._scene is None:
            self._scene = self._make()
            self._scene.host.backup()
        return self._scene

    def close(self) -> None:
        """Let the next test have a new scene."""
        if self._scene is not None:
            self._scene.close()
        self._scene = None


@pytest.mark.parametrize("fault", [one for one in outcomes.ALL_FAULTS if ALL or one.is_quick], ids=outcomes.title)
def test_a_fault(scenes: Scenes, fault: Fault) -> None:
    scene = scenes.get()
    try:
        with fault.cause(scene) as changes:
            seen, said = scene.backup(changes)
        assert seen == fault.expected.value, said
        assert [words for words in fault.words if words not in said] == [], said
        scene.recover()
    except BaseException:
        scenes.close()
        raise
    outcomes.require(fault, seen)
