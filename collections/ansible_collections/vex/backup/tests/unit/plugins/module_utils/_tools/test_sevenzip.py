# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The arguments and the output of 7-Zip."""

from __future__ import annotations

import contextlib
import time
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveFailed,
    CommandTimeout,
    NotEnoughSpace,
)
from ansible_collections.vex.backup.plugins.module_utils._tools import sevenzip as sevenzip_module

NO_LIMIT = Deadline(None, "7-Zip")

SUMMARY = """
7-Zip (z) 26.02 (x64) : Copyright (c) 1999-2026 Igor Pavlov : 2026-06-25
Everything is Ok

Folders: 4
Files: 18
Size:       300017
Compressed: 303815

CRC32  for data:              9EFF3933-00000003
CRC32  for data and names:    7C7744E3-00000008

"""


class Runs:
    """A replacement for the program that records its calls and returns prepared answers."""

    def __init__(self, *answers: Completed) -> None:
        self.answers = list(answers)
        self.calls: t.List[t.Tuple[t.List[str], t.Dict[str, t.Any]]] = []
        self.timeouts: t.List[t.Optional[float]] = []

    @contextlib.contextmanager
    def __call__(self, argv: t.List[str], **options: t.Any) -> t.Iterator[Runs]:
        self.calls.append((argv, options))
        yield self

    def wait(self, timeout: t.Optional[float]) -> Completed:
        self.timeouts.append(timeout)
        return self.answers.pop(0)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr(sevenzip_module, "running", made)
    monkeypatch.setattr(sevenzip_module, "find_program", lambda *_: "/usr/bin/7zz")
    return made


def read(reading: t.ContextManager[t.Callable[[], sevenzip_module.Contents]]) -> sevenzip_module.Contents:
    with reading as contents:
        return contents()


def test_a_summary_is_read() -> None:
    assert sevenzip_module.contents_of(SUMMARY) == sevenzip_module.Contents(4, 18, 300017, "7C7744E3-00000008")


@pytest.mark.parametrize("left_out", ["Folders", "Files", "Size", "CRC32  for data and names"])
def test_an_incomplete_summary_is_an_error(left_out: str) -> None:
    lines = [line for line in SUMMARY.splitlines() if not line.startswith(f"{left_out}:")]
    with pytest.raises(ArchiveFailed, match="not understood"):
        sevenzip_module.contents_of("\n".join(lines))


@pytest.mark.parametrize(("form", "switch"), [("zip", "-mem=AES256"), ("7z", "-mhe=on")])
def test_the_password_is_passed_on_standard_input_only(runs: Runs, form: str, switch: str) -> None:
    runs.answers = [Completed(0, SUMMARY, ""), Completed(0, SUMMARY, "")]
    program = sevenzip_module.SevenZip(form, "s3crét word", NO_LIMIT)
    program.add("/work/-name", f"/work/x.{form}.partial", 0)
    read(program.reading(f"/work/x.{form}.partial"))
    (packing, packing_options), (_reading, reading_options) = runs.calls
    assert packing[1:4] == ["a", "-bd", "-spd"]
    assert packing[4:] == [f"-t{form}", "-mx=0", switch, "-p", "--", f"/work/x.{form}.partial", "-name"]
    assert packing_options["cwd"] == "/work"
    assert packing_options["stdin"] == reading_options["stdin"] == "s3crét word\ns3crét word\n".encode()
    assert "s3cr" not in str([argv for argv, _options in runs.calls])
    assert program.version == "7-Zip 26.02"


def test_without_a_password_nothing_is_encrypted(runs: Runs) -> None:
    runs.answers = [Completed(0, "", "")]
    program = sevenzip_module.SevenZip("zip", None, NO_LIMIT)
    program.add("/work/name", "/work/name.zip.partial", 5)
    assert runs.calls[0][0][4:] == ["-tzip", "-mx=5", "--", "/work/name.zip.partial", "name"]
    assert runs.calls[0][1]["stdin"] == b""
    assert program.version == ""


@pytest.mark.parametrize("status", [1, 2, 7, 8, 255, -9])
def test_every_exit_status_except_zero_is_a_failure(runs: Runs, status: int) -> None:
    program = sevenzip_module.SevenZip("zip", None, NO_LIMIT)
    for action in (
        lambda: program.add("/w/n", "/w/n.zip.partial", 0),
        lambda: read(program.reading("/w/n.zip")),
        lambda: read(program.reading_directory("/w/n")),
        lambda: program.describe("/w/n.zip"),
    ):
        runs.answers = [Completed(status, SUMMARY, "WARNING: errno=13 : Permission denied\nn/x")]
        with pytest.raises(ArchiveFailed, match=rf"exit status {status}\).*Permission denied n/x"):
            action()


def test_a_full_disk_has_its_own_error(runs: Runs) -> None:
    runs.answers = [Completed(2, "", "System ERROR:\nerrno=28 : No space left on device")]
    with pytest.raises(NotEnoughSpace, match="the disk of /w is full"):
        sevenzip_module.SevenZip("zip", None, NO_LIMIT).add("/w/n", "/w/n.zip.partial", 0)


@pytest.mark.parametrize(
    ("output", "described"),
    [
        (
            "Path = n\nEncrypted = -\nMethod = Store\n\nPath = n/f\nEncrypted = +\nMethod = AES-256 Store\n",
            (True, True),
        ),
        ("Path = n\nEncrypted = -\nMethod = Deflate\n", (False, False)),
        ("Path = n\nEncrypted = +\nMethod = LZMA2:24 7zAES:19\n", (True, False)),
        ("Path = n\nEncrypted = +\nMethod = Copy 7zAES:19\n", (True, True)),
        ("Path = n\nEncrypted = -\nMethod = \n", (False, True)),
    ],
)
def test_describe(runs: Runs, output: str, described: t.Tuple[bool, bool]) -> None:
    runs.answers = [Completed(0, output, "")]
    assert sevenzip_module.SevenZip("7z", None, NO_LIMIT).describe("/w/n.7z") == described


def test_the_deadline_limits_all_runs_together(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    program = sevenzip_module.SevenZip("zip", None, Deadline(10, "7-Zip"))
    runs.answers = [Completed(0, SUMMARY, "")] * 2
    read(program.reading("/w/n.zip"))
    now[0] += 7
    read(program.reading("/w/n.zip"))
    assert runs.timeouts == [10, 3]
    now[0] += 3
    with pytest.raises(CommandTimeout, match="longer than 10 seconds"):
        read(program.reading("/w/n.zip"))
    assert len(runs.calls) == 2
