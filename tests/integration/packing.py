"""Archives packed and unpacked by tests, and a directory to pack."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.pack import PackRequest, pack
from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import PROGRAMS

NAME = "backup_20250720_161523"
PASSWORD = " a b'\"$\\ "
STRANGE = (
    "we ird-é.a b.sql",
    "😀.sql",
    "100%.sql",
    "-t.sql",
    "@list",
    "a*?[b].sql",
    "back`tick'\".sql",
    "new\nline",
    "t\tab",
)
Snapshot = dict[str, bytes | None]


def snapshot(directory: Path) -> Snapshot:
    """Return every path below *directory* and its content."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None for path in directory.rglob("*")
    }


def sevenzip(*arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program(PROGRAMS, ""), *arguments],
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        start_new_session=True,
    )


def archive(source: Path, dest: Path, **options: Any) -> dict[str, Any]:
    unset = dict.fromkeys(("password", "manifest_key", "timeout"))
    defaults = {**unset, "format": "zip", "level": "auto", "remove_source": False, "check_mode": False}
    return pack(request(PackRequest, {**defaults, **options}, source=str(source), dest=str(dest)), RunLog(None))


def refusal(error: type[BackupError], source: Path, dest: Path, **options: Any) -> BackupError:
    """Return the error of an attempt that must change nothing."""
    before = snapshot(source.parent)
    with pytest.raises(error) as caught:
        archive(source, dest, **options)
    assert snapshot(source.parent) == before
    assert caught.value.details["status"] == 3
    assert caught.value.details["pack_finished"] >= caught.value.details["pack_started"]
    return caught.value


def unpacked(dest: Path, password: str = "") -> Snapshot:
    """Unpack the archive by hand and return its content."""
    out = dest.parent / "out"
    done = sevenzip("x", f"-o{out}", str(dest), answer=f"{password}\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in out.iterdir()] == [NAME]
    return snapshot(out / NAME)


def refusal_without_archive(error: type[BackupError], source: Path, dest: Path, **options: Any) -> BackupError:
    """Return the error as :func:`refusal` does, and check that no archive is left."""
    found = refusal(error, source, dest, **options)
    assert not list(dest.parent.glob("*.zip*"))
    return found
