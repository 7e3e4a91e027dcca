# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files are read back as a restore would: through the real zstd and gzip."""

from __future__ import annotations

import pathlib
import threading
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import Running, running
from ansible_collections.vex.backup.plugins.module_utils._dump import integrity_test as integrity_test_module
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.integrity_test import Part, read_back
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpFailed

UNBOUND = Deadline(0, "the dump")
CONTENTS = {
    **{f"t{number}.sql": f"row {number}\n".encode() * number * 1000 for number in range(6)},
    "new\nline.sql": b"x\n",
    "-dash.sql": b"y\n",
}


class Keeper:
    """Keeps the text that it gets."""

    def __init__(self) -> None:
        self.text = b""

    def update(self, piece: bytes) -> None:
        self.text += piece


class Breaker(Keeper):
    """Fails when it gets something."""

    def update(self, piece: bytes) -> None:
        raise RuntimeError(f"{len(piece)} bytes too many")


@pytest.fixture(params=["zstd", "gzip", "none"])
def compressor(request: pytest.FixtureRequest) -> t.Optional[Compressor]:
    return None if request.param == "none" else Compressor(request.param)


@pytest.fixture
def sizes(tmp_path: pathlib.Path, compressor: t.Optional[Compressor]) -> t.Dict[str, int]:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    if compressor:
        compressor.compress(str(tmp_path), list(CONTENTS), 60)
    return {name: len(content) for name, content in CONTENTS.items()}


def parts(keeper: t.Callable[[], Keeper] = Keeper) -> t.Tuple[t.List[Part], t.Dict[str, Keeper]]:
    keepers = {name: keeper() for name in CONTENTS if name != "t2.sql"}
    return [Part(name, keepers.get(name)) for name in CONTENTS], keepers


@pytest.mark.parametrize("most", [1, 64])
def test_each_gets_its_own_file(
    tmp_path: pathlib.Path,
    compressor: t.Optional[Compressor],
    sizes: t.Dict[str, int],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(integrity_test_module, "_MOST_FILES", most)
    all_parts, keepers = parts()
    assert read_back(str(tmp_path), all_parts, sizes, compressor, UNBOUND) == []
    assert {name: keeper.text for name, keeper in keepers.items()} == {name: CONTENTS[name] for name in keepers}


def test_small_files_share_a_program(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    sizes = {f"{number}.sql": 10 for number in range(200)}
    compressor = Compressor("zstd")
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
    compressor.compress(str(tmp_path), list(sizes), 60)
    started = []
    unpacking = compressor.unpacking

    def noted(folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        started.append(names)
        return unpacking(folder, names)

    monkeypatch.setattr(compressor, "unpacking", noted)
    assert read_back(str(tmp_path), [Part(name, Keeper()) for name in sizes], sizes, compressor, UNBOUND) == []
    assert len(started) == 8


def test_nothing_to_read_is_fine(tmp_path: pathlib.Path, compressor: t.Optional[Compressor]) -> None:
    assert read_back(str(tmp_path), [], {}, compressor, UNBOUND) == []


@pytest.mark.parametrize("name", ["t2.sql", "t3.sql"], ids=["tested", "counted"])
@pytest.mark.parametrize("damage", ["bit", "more", "end", "gone"])
def test_the_broken_are_named(tmp_path: pathlib.Path, damage: str, name: str) -> None:
    compressor = Compressor("zstd")
    for each, content in CONTENTS.items():
        (tmp_path / each).write_bytes(content)
    compressor.compress(str(tmp_path), list(CONTENTS), 60)
    broken = tmp_path / f"{name}.zst"
    packed = bytearray(broken.read_bytes())
    if damage == "bit":
        packed[len(packed) // 2] ^= 0x40
    if damage == "more":
        packed += b"more"
    broken.write_bytes(packed[:-5] if damage == "end" else packed)
    if damage == "gone":
        broken.unlink()
    sizes = {each: len(content) for each, content in CONTENTS.items()}
    assert read_back(str(tmp_path), parts()[0], sizes, compressor, UNBOUND) == [f"{name}.zst"]


@pytest.mark.parametrize("change", [-1, 1])
def test_what_came_out_longer_or_shorter_is_not_trusted(
    tmp_path: pathlib.Path, compressor: t.Optional[Compressor], sizes: t.Dict[str, int], change: int
) -> None:
    suffix = compressor.suffix if compressor else ""
    sizes["t5.sql"] += change
    part = Part("t5.sql", Keeper())
    assert read_back(str(tmp_path), [part], sizes, compressor, UNBOUND) == [f"t5.sql{suffix}"]


def test_a_failure_within_ends_all(
    tmp_path: pathlib.Path, compressor: t.Optional[Compressor], sizes: t.Dict[str, int]
) -> None:
    with pytest.raises(RuntimeError, match="bytes too many"):
        read_back(str(tmp_path), parts(Breaker)[0], sizes, compressor, UNBOUND)


class Slow(Compressor):
    """Takes its time to test."""

    def testing(self, folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        return running(["sh", "-c", "sleep 3 && touch tested"], cwd=folder)


def test_a_test_is_broken_off(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"x")
    compressor = Slow("zstd")
    compressor.compress(str(tmp_path), ["a.sql"], 60)
    files = [Part("a.sql", Breaker()), Part("b.sql", None)]
    with pytest.raises(RuntimeError, match="bytes too many"):
        read_back(str(tmp_path), files, {"a.sql": 1, "b.sql": 1}, compressor, UNBOUND)
    assert not (tmp_path / "tested").exists()


def test_a_bound_ends_a_test(tmp_path: pathlib.Path) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        read_back(str(tmp_path), [Part("b.sql", None)], {"b.sql": 1}, Slow("zstd"), deadline)
    assert not (tmp_path / "tested").exists()


def test_a_reader_that_is_told_to_stop_does(tmp_path: pathlib.Path) -> None:
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(DumpFailed, match="broken off"):
        integrity_test_module._count([Part("a", None)], {"a": 1}, iter([b"x"]), stopped)
    assert list(tmp_path.iterdir()) == []


def test_a_bound_is_kept(tmp_path: pathlib.Path, compressor: t.Optional[Compressor], sizes: t.Dict[str, int]) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        read_back(str(tmp_path), parts()[0], sizes, compressor, deadline)
