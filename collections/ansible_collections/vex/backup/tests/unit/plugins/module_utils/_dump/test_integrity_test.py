# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The integrity test, with the real zstd and gzip."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import Running, running
from ansible_collections.vex.backup.plugins.module_utils._dump import integrity_test as integrity_test_module
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.integrity_test import IntegrityResult, IntegrityTest
from ansible_collections.vex.backup.plugins.module_utils._dump.row_count import Count
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpFailed

UNBOUND = Deadline(0, "the dump")
CONTENTS = {
    **{f"t{number}.sql": f"row {number}\n".encode() * number * 1000 for number in range(6)},
    "new\nline.sql": b"x\n",
    "-dash.sql": b"y\n",
}


class Keeper:
    """A counter that keeps the text."""

    def __init__(self) -> None:
        self.text = b""

    def update(self, block: bytes) -> None:
        self.text += block

    def count(self, _table: str, /) -> Count:
        return Count(len(self.text), "")


class Breaker(Keeper):
    """A counter that fails."""

    def update(self, block: bytes) -> None:
        raise RuntimeError(f"{len(block)} bytes too many")


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


# All files but one are counted.
COUNTED = [name for name in CONTENTS if name != "t2.sql"]


def check(
    folder: pathlib.Path,
    sizes: t.Mapping[str, int],
    compressor: t.Optional[Compressor],
    counted: t.Sequence[str] = COUNTED,
    counter: t.Callable[[], Keeper] = Keeper,
    deadline: Deadline = UNBOUND,
) -> IntegrityResult:
    return IntegrityTest(str(folder), sizes, compressor, deadline).run(dict.fromkeys(counted, counter))


@pytest.mark.parametrize("most", [1, 64])
def test_each_counter_gets_its_own_file(
    tmp_path: pathlib.Path,
    compressor: t.Optional[Compressor],
    sizes: t.Dict[str, int],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(integrity_test_module, "_MOST_FILES", most)
    result = check(tmp_path, sizes, compressor)
    assert result.damaged == []
    texts = {name: t.cast("Keeper", counter).text for name, counter in result.counters.items()}
    assert texts == {name: CONTENTS[name] for name in COUNTED}


def test_small_files_share_a_program(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    sizes = {f"{number}.sql": 10 for number in range(200)}
    compressor = Compressor("zstd")
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b"x" * size)
    compressor.compress(str(tmp_path), list(sizes), 60)
    started = []
    start = compressor.start_decompression

    def start_and_note(folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        started.append(names)
        return start(folder, names)

    monkeypatch.setattr(compressor, "start_decompression", start_and_note)
    assert check(tmp_path, sizes, compressor, list(sizes)).damaged == []
    assert len(started) == 8


def test_no_files(tmp_path: pathlib.Path, compressor: t.Optional[Compressor]) -> None:
    assert check(tmp_path, {}, compressor, []) == ([], {})


@pytest.mark.parametrize("name", ["t2.sql", "t3.sql"], ids=["tested", "counted"])
@pytest.mark.parametrize("damage", ["bit", "more", "end", "gone"])
def test_damaged_files_are_named(tmp_path: pathlib.Path, damage: str, name: str) -> None:
    compressor = Compressor("zstd")
    for each, content in CONTENTS.items():
        (tmp_path / each).write_bytes(content)
    compressor.compress(str(tmp_path), list(CONTENTS), 60)
    damaged = tmp_path / f"{name}.zst"
    packed = bytearray(damaged.read_bytes())
    if damage == "bit":
        packed[len(packed) // 2] ^= 0x40
    if damage == "more":
        packed += b"more"
    damaged.write_bytes(packed[:-5] if damage == "end" else packed)
    if damage == "gone":
        damaged.unlink()
    sizes = {each: len(content) for each, content in CONTENTS.items()}
    assert check(tmp_path, sizes, compressor).damaged == [f"{name}.zst"]


@pytest.mark.parametrize("change", [-1, 1])
def test_file_of_another_length_is_damaged(
    tmp_path: pathlib.Path, compressor: t.Optional[Compressor], sizes: t.Dict[str, int], change: int
) -> None:
    suffix = compressor.suffix if compressor else ""
    one = {"t5.sql": sizes["t5.sql"] + change}
    assert check(tmp_path, one, compressor).damaged == [f"t5.sql{suffix}"]


def test_failure_of_a_counter_ends_the_test(
    tmp_path: pathlib.Path, compressor: t.Optional[Compressor], sizes: t.Dict[str, int]
) -> None:
    with pytest.raises(RuntimeError, match="bytes too many"):
        check(tmp_path, sizes, compressor, counter=Breaker)


class Slow(Compressor):
    """A compressor whose test takes three seconds."""

    def start_test(self, folder: str, names: t.Sequence[str]) -> t.ContextManager[Running]:
        return running(["sh", "-c", "sleep 3 && touch tested"], cwd=folder)


def test_failure_ends_a_running_program(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"x")
    compressor = Slow("zstd")
    compressor.compress(str(tmp_path), ["a.sql"], 60)
    with pytest.raises(RuntimeError, match="bytes too many"):
        check(tmp_path, {"a.sql": 1, "b.sql": 1}, compressor, ["a.sql"], Breaker)
    assert not (tmp_path / "tested").exists()


def test_deadline_ends_a_running_program(tmp_path: pathlib.Path) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        check(tmp_path, {"b.sql": 1}, Slow("zstd"), [], deadline=deadline)
    assert not (tmp_path / "tested").exists()


def test_stopped_reader_ends(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.sql").write_bytes(b"x")
    test = IntegrityTest(str(tmp_path), {"a.sql": 1}, None, UNBOUND)
    test._stopped.set()
    with pytest.raises(DumpFailed, match="the integrity test was stopped"):
        test.run({})


def test_deadline_ends_the_test(
    tmp_path: pathlib.Path, compressor: t.Optional[Compressor], sizes: t.Dict[str, int]
) -> None:
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        check(tmp_path, sizes, compressor, deadline=deadline)
