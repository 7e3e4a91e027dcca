# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the environment of hooks."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._hooks.environment import (
    PATH,
    VARIABLES,
    Facts,
    environment_of,
)

NONE = Facts(**dict.fromkeys(VARIABLES.values(), ""))


def test_every_fact_has_a_variable() -> None:
    assert {field.name for field in dataclasses.fields(Facts)} == set(VARIABLES.values())


def test_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    found = environment_of(dataclasses.replace(NONE, hostname="db1"), "before_run")
    assert found["VEX_BACKUP_HOSTNAME"] == "db1"
    assert found["VEX_BACKUP_PHASE"] == "before_run"
    assert (found["PATH"], found["LC_ALL"]) == (PATH, "C.UTF-8")
    assert set(found) == {*VARIABLES, "VEX_BACKUP_PHASE", "PATH", "LC_ALL", "HOME", "USER", "LOGNAME"}


def test_absent_path_is_empty(tmp_path: pathlib.Path) -> None:
    facts = dataclasses.replace(NONE, dump_dir=str(tmp_path / "gone"), archive=str(tmp_path))
    found = environment_of(facts, "after_dump")
    assert (found["VEX_BACKUP_DUMP_DIR"], found["VEX_BACKUP_ARCHIVE"]) == ("", str(tmp_path))


def test_value_that_the_system_would_refuse() -> None:
    found = environment_of(dataclasses.replace(NONE, problems="a\0b" + "é" * 200_000), "after_failure")
    assert found["VEX_BACKUP_PROBLEMS"].startswith("a b")
    assert len(os.fsencode(found["VEX_BACKUP_PROBLEMS"])) <= 32 * 1024


def test_account_without_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_entry(_number: int) -> t.NoReturn:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", no_entry)
    found = environment_of(NONE, "before_run")
    assert found["HOME"] == "/"
    assert "USER" not in found
