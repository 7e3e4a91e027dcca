# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The spool: complete and private files, one writer at a time, and no failure without a usable folder."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool


def number(content: t.Any) -> int:
    """Return the number in an entry."""
    return int(content["number"])


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return path.stat().st_mode & 0o777


def test_entry_is_read_until_it_is_removed(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool"), "records")
    assert spool.names() == []
    assert spool.read("a", number) is None
    spool.write("b", {"number": 1})
    spool.write("a", {"number": 2})
    spool.write("a", {"number": 3})
    assert spool.names() == ["a", "b"]
    assert spool.read("a", number) == 3
    spool.remove("a")
    spool.remove("a")
    assert spool.names() == ["b"]
    assert spool.warnings == []
    assert str(spool) == str(tmp_path / "spool" / "records")


def test_what_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "records")
    spool.write("a", {"number": 1})
    (tmp_path / "records" / "b.json.partial").write_text('{"num')
    with spool.lock():
        assert [path.name for path in (tmp_path / "records").iterdir()] == ["a.json"]
    assert spool.warnings == []


def test_files_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Spool(str(tmp_path / "spool"), "mails").write("a", {"number": 1})
    finally:
        os.umask(before)
    assert mode(tmp_path / "spool") == 0o700
    assert mode(tmp_path / "spool" / "mails") == 0o700
    assert mode(tmp_path / "spool" / "mails" / "a.json") == 0o600


@pytest.mark.parametrize(
    "content", [b"", b'{"number": 1', b"\xff\xfe", b"[]", b"{}", b"null", b'{"number": "many"}'], ids=repr
)
def test_corrupt_file_is_renamed_and_reported(tmp_path: Path, content: bytes) -> None:
    spool = Spool(str(tmp_path), "records")
    spool.write("good", {"number": 1})
    path = tmp_path / "records" / "bad.json"
    path.write_bytes(content)
    assert spool.read("bad", number) is None
    assert spool.names() == ["good"]
    assert path.with_name("bad.json.corrupt").read_bytes() == content
    (warning,) = spool.unreadable()
    assert f"{path.parent} cannot be read: inspect bad.json.corrupt" in warning
    path.with_name("bad.json.corrupt").unlink()
    assert spool.unreadable() == []


def test_unfinished_write_is_ignored(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "records")
    spool.write("a", {"number": 1})
    (tmp_path / "records" / "a.json.partial").write_text('{"numb')
    assert spool.names() == ["a"]
    spool.write("a", {"number": 2})
    assert spool.read("a", number) == 2
    assert os.listdir(tmp_path / "records") == ["a.json"]


def test_failed_write_keeps_the_old_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(str(tmp_path), "records")
    spool.write("a", {"number": 1})

    def refuse(*_arguments: t.Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            spool.write("a", {"number": 2})
    assert spool.read("a", number) == 1
    assert os.listdir(tmp_path / "records") == ["a.json"]


def test_second_process_waits_for_the_lock(tmp_path: Path) -> None:
    program = (
        "from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool\n"
        f"with Spool({str(tmp_path)!r}, 'records').lock():\n"
        "    print('in', flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with Spool(str(tmp_path), "records").lock():
        other = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
        assert other.stdout is not None
        readable = select.select([other.stdout], [], [], 0.7)[0]
        assert not readable
    output, _errors = other.communicate(timeout=300)
    assert output == "in\n"


def test_unusable_folder_is_only_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spool = Spool(str(tmp_path / "file"), "records")
    with spool.lock():
        assert spool.names() == []
        assert spool.unreadable() == []
        assert spool.read("a", number) is None
        spool.remove("a")
        with pytest.raises(OSError, match=r"exists|Not a directory"):
            spool.write("a", {"number": 1})
    assert spool.warnings == [f"the spool {tmp_path}/file/records cannot be used: File exists"]
