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
    instance_lock,
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
