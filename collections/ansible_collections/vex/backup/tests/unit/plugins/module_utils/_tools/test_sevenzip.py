# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What 7-Zip is told, and what is made of its answers."""

from __future__ import annotations

import contextlib
import pathlib
import time
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.pack import (
    Request,
    Tree,
    _check,
    resolve_level,
    survey,
)
from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveFailed,
    CommandTimeout,
    NotEnoughSpace,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._tools import sevenzip as sevenzip_module

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
    """Stands in for the program: notes how it is called and answers as told."""

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
def test_an_output_without_its_summary_is_never_taken_for_one(left_out: str) -> None:
    lines = [line for line in SUMMARY.splitlines() if not line.startswith(f"{left_out}:")]
    with pytest.raises(ArchiveFailed, match="not understood"):
        sevenzip_module.contents_of("\n".join(lines))


@pytest.mark.parametrize(("form", "switch"), [("zip", "-mem=AES256"), ("7z", "-mhe=on")])
def test_the_password_goes_to_standard_input_alone(runs: Runs, form: str, switch: str) -> None:
    runs.answers = [Completed(0, SUMMARY, ""), Completed(0, SUMMARY, "")]
    program = sevenzip_module.SevenZip(form, "s3crét word", None)
    program.add("/work/-name", f"/work/x.{form}.partial", 0)
    read(program.reading(f"/work/x.{form}.partial"))
    (packing, packing_options), (_reading, reading_options) = runs.calls
    assert packing[1:4] == ["a", "-bd", "-spd"]
    assert packing[4:] == [f"-t{form}", "-mx=0", switch, "-p", "--", f"/work/x.{form}.partial", "-name"]
    assert packing_options["cwd"] == "/work"
    assert packing_options["stdin"] == reading_options["stdin"] == "s3crét word\ns3crét word\n".encode()
    assert "s3cr" not in str([argv for argv, _options in runs.calls])
    assert program.version == "7-Zip 26.02"


def test_without_a_password_nothing_is_encrypted_and_nothing_to_be_read(runs: Runs) -> None:
    runs.answers = [Completed(0, "", "")]
    program = sevenzip_module.SevenZip("zip", None, None)
    program.add("/work/name", "/work/name.zip.partial", 5)
    assert runs.calls[0][0][4:] == ["-tzip", "-mx=5", "--", "/work/name.zip.partial", "name"]
    assert runs.calls[0][1]["stdin"] == b""
    assert program.version == ""


@pytest.mark.parametrize("status", [1, 2, 7, 8, 255, -9])
def test_every_exit_status_but_zero_is_a_failure(runs: Runs, status: int) -> None:
    program = sevenzip_module.SevenZip("zip", None, None)
    for action in (
        lambda: program.add("/w/n", "/w/n.zip.partial", 0),
        lambda: read(program.reading("/w/n.zip")),
        lambda: read(program.reading_directory("/w/n")),
        lambda: program.describe("/w/n.zip"),
    ):
        runs.answers = [Completed(status, SUMMARY, "WARNING: errno=13 : Permission denied\nn/x")]
        with pytest.raises(ArchiveFailed, match=rf"exit status {status}\).*Permission denied n/x"):
            action()


def test_a_full_disk_has_a_name_of_its_own(runs: Runs) -> None:
    runs.answers = [Completed(2, "", "System ERROR:\nerrno=28 : No space left on device")]
    with pytest.raises(NotEnoughSpace, match="the disk of /w is full"):
        sevenzip_module.SevenZip("zip", None, None).add("/w/n", "/w/n.zip.partial", 0)


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
    assert sevenzip_module.SevenZip("7z", None, None).describe("/w/n.7z") == described


def test_the_deadline_is_for_all_runs_together(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    program = sevenzip_module.SevenZip("zip", None, 10)
    runs.answers = [Completed(0, SUMMARY, "")] * 2
    read(program.reading("/w/n.zip"))
    now[0] += 7
    read(program.reading("/w/n.zip"))
    assert runs.timeouts == [10, 3]
    now[0] += 3
    with pytest.raises(CommandTimeout, match="longer than 10 seconds"):
        read(program.reading("/w/n.zip"))
    assert len(runs.calls) == 2


@pytest.mark.parametrize(
    ("level", "size", "compressed", "expected"),
    [("auto", 100, 51, 0), ("auto", 100, 50, 5), ("auto", 0, 0, 5), ("9", 100, 100, 9), ("0", 100, 0, 0)],
)
def test_resolve_level(level: str, size: int, compressed: int, expected: int) -> None:
    assert resolve_level(level, Tree(1, 1, size, compressed)) == expected


def test_survey(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "t.sql.zst").write_bytes(b"12345")
    (tmp_path / "a" / "t.sql").write_bytes(b"123")
    (tmp_path / "empty").write_bytes(b"")
    assert survey(str(tmp_path)) == Tree(folders=3, files=3, size=8, compressed=5)


def check(tmp_path: pathlib.Path, **options: t.Any) -> None:
    (tmp_path / "s").mkdir(exist_ok=True)
    _check(Request(**{"source": str(tmp_path / "s"), "dest": str(tmp_path / "s.zip"), **options}))


@pytest.mark.parametrize("password", ["", "a\nb", "a\rb", "tab\t", "nul\0"])
@pytest.mark.parametrize("form", ["zip", "7z"])
def test_passwords_that_7zip_would_mistake(tmp_path: pathlib.Path, password: str, form: str) -> None:
    with pytest.raises(OptionError, match="password must not be empty"):
        check(tmp_path, password=password, format=form, dest=str(tmp_path / f"s.{form}"))


@pytest.mark.parametrize("password", ["é", "a" * 100])
def test_passwords_that_a_zip_does_not_take(tmp_path: pathlib.Path, password: str) -> None:
    with pytest.raises(OptionError, match="99 ASCII characters"):
        check(tmp_path, password=password)
    check(tmp_path, password=password, format="7z", dest=str(tmp_path / "s.7z"))


def test_options_that_cannot_work(tmp_path: pathlib.Path) -> None:
    check(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("s")
    (tmp_path / "d.zip").mkdir()
    for options, message in (
        ({"dest": str(tmp_path / "s.7z")}, "must end with .zip"),
        ({"dest": str(tmp_path / "d.zip")}, "dest is not a regular file"),
        ({"dest": str(tmp_path / "none" / "s.zip")}, "directory of dest does not exist"),
        ({"source": str(tmp_path / "file")}, "source is not a directory"),
        ({"source": str(tmp_path / "link")}, "source is not a directory"),
        ({"dest": str(tmp_path / "s" / "s.zip")}, "within source"),
    ):
        with pytest.raises(OptionError, match=message):
            check(tmp_path, **options)
    check(tmp_path, dest=str(tmp_path / "none" / "s.zip"), check_mode=True)
