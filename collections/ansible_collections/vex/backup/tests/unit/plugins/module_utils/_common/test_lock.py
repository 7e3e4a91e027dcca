# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lock of an instance, held until the last process of a dump ends."""

from __future__ import annotations

import os
import pathlib
import stat
import subprocess

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.lock import (
    directory_lock,
    instance_lock,
    reading,
    removing,
    try_instance_lock,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import AlreadyRunning


def test_second_dump_fails_at_once(tmp_path: pathlib.Path) -> None:
    with instance_lock(str(tmp_path), "abc"):
        with pytest.raises(AlreadyRunning, match=r"fuser -v \S+/.dump-abc.lock"), instance_lock(str(tmp_path), "abc"):
            pytest.fail("two dumps hold the lock")
        with instance_lock(str(tmp_path), "another"):
            pass
    with instance_lock(str(tmp_path), "abc"):
        pass


def test_failure_releases_the_lock(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OSError, match="disk"), instance_lock(str(tmp_path), "abc"):
        raise OSError("disk")
    with instance_lock(str(tmp_path), "abc"):
        pass


def test_child_process_that_outlives_the_run_keeps_the_lock(tmp_path: pathlib.Path) -> None:
    with instance_lock(str(tmp_path), "abc") as descriptor:
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[descriptor])
    with pytest.raises(AlreadyRunning), instance_lock(str(tmp_path), "abc"):
        pytest.fail("the child's lock was not seen")
    child.communicate(b"")
    with instance_lock(str(tmp_path), "abc"):
        pass


def test_child_process_without_the_descriptor_does_not_keep_the_lock(tmp_path: pathlib.Path) -> None:
    with instance_lock(str(tmp_path), "abc"):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, close_fds=False)
    with instance_lock(str(tmp_path), "abc"):
        pass
    child.communicate(b"")


def test_lock_file_is_private(tmp_path: pathlib.Path) -> None:
    with instance_lock(str(tmp_path), "abc") as descriptor:
        assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600


def use(tmp_path: pathlib.Path, kind: str) -> str:
    """Make a file, a directory or a link, and return its path."""
    path = tmp_path / "entry"
    if kind == "directory":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "file":
        path.touch()
    return str(path)


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_is_read_is_not_removed(tmp_path: pathlib.Path, kind: str) -> None:
    path, free = use(tmp_path, kind), str(tmp_path)
    with reading(path), reading(path), removing([free, path]) as used:
        assert used == path
    with removing([free, path]) as used:
        assert used is None
        with pytest.raises(AlreadyRunning, match=f"removes or writes {path}: wait"), reading(path):
            pytest.fail("it is being removed")
    with reading(path):
        pass


def test_a_directory_that_is_filled_is_not_removed(tmp_path: pathlib.Path) -> None:
    with directory_lock(str(tmp_path), "no"), removing([str(tmp_path)]) as used:
        assert used == str(tmp_path)


@pytest.mark.parametrize("kind", ["link", "nothing"])
def test_nobody_uses_a_link_or_what_is_gone(tmp_path: pathlib.Path, kind: str) -> None:
    with removing([use(tmp_path, kind)]) as used:
        assert used is None


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_another_account_owns_is_not_removed(tmp_path: pathlib.Path, kind: str) -> None:
    """Its locks cannot be seen."""
    path = use(tmp_path, kind)
    os.chmod(path, 0)
    child = os.fork()
    if not child:
        if os.geteuid() == 0:
            os.setuid(65534)
        with removing([path]) as used:
            os._exit(0 if used == path else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_trial_takes_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    try_instance_lock(str(tmp_path), "abc")
    assert os.listdir(tmp_path) == []
    with instance_lock(str(tmp_path), "abc"):
        with pytest.raises(AlreadyRunning, match=r"fuser -v \S+/.dump-abc.lock"):
            try_instance_lock(str(tmp_path), "abc")
        try_instance_lock(str(tmp_path), "another")
    try_instance_lock(str(tmp_path), "abc")
    with instance_lock(str(tmp_path), "abc"):
        pass
