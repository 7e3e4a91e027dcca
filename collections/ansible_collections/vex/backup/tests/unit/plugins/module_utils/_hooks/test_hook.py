# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the form of hooks."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._hooks.hook import PHASES, read_hooks


def options(command: t.Any, **more: t.Any) -> t.Dict[str, t.Any]:
    """Return the options of one hook of the phase ``after_dump``."""
    return {"after_dump": [{"command": command, "timeout": 300, "on_failure": "warn", **more}]}


def test_hooks_by_phase() -> None:
    found = read_hooks(options(["/bin/copy", "secret", 5, 1.5], on_failure="stop"))
    assert list(found) == list(PHASES)
    (hook,) = found["after_dump"]
    assert (hook.argv, hook.timeout, hook.stops) == (("/bin/copy", "secret", "5", "1.5"), 300, True)
    assert hook.name == "after_dump 1 (/bin/copy)"
    assert [found[phase] for phase in PHASES if phase != "after_dump"] == [[], [], []]


def test_text_is_a_command_of_the_shell() -> None:
    (hook,) = read_hooks({"before_run": None, **options("echo $HOME | cat")})["after_dump"]
    assert hook.argv == ("/bin/sh", "-c", "echo $HOME | cat")
    assert not hook.stops


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("  ", "the command of hook 1 of after_dump is empty"),
        ("a\0b", "has a NUL character"),
        ([], "must be a list of a program and its arguments, or a text"),
        ({"a": 1}, "must be a list of a program and its arguments, or a text"),
        (None, "must be a list of a program and its arguments, or a text"),
        (["/bin/true", True], "must be a list of texts"),
        (["/bin/true", None], "must be a list of texts"),
        (["/bin/true", ["x"]], "must be a list of texts"),
        (["/bin/true", "a\0"], "has a NUL character"),
        (["./copy"], "must be an absolute path, or a name that is found on PATH"),
        (["  "], "must be an absolute path, or a name that is found on PATH"),
    ],
)
def test_command_is_refused(command: t.Any, message: str) -> None:
    with pytest.raises(OptionError, match=message) as refused:
        read_hooks(options(command))
    assert "hook 1 of after_dump" in str(refused.value)


def test_timeout_is_refused() -> None:
    with pytest.raises(OptionError, match="the timeout of hook 1 of after_dump is 0: set it to 1 second or more"):
        read_hooks(options(["true"], timeout=0))
