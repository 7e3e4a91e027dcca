# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands with which each tool logs in, and their outcome."""

from __future__ import annotations

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import ToolLoginFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.login import client_login, mydumper_login, try_login


def test_commands() -> None:
    assert client_login("/bin/mysql", "/p/c.cnf") == [
        "/bin/mysql",
        "--defaults-file=/p/c.cnf",
        "--batch",
        "--execute=DO 0",
    ]
    assert mydumper_login("/bin/mydumper", "/p/c.cnf", "shop", "/p/out", ["--no-locks"]) == [
        "/bin/mydumper",
        "--defaults-file=/p/c.cnf",
        "--outputdir=/p/out",
        "--database=shop",
        "--no-data",
        "--no-schemas",
        "--threads=1",
        "--no-locks",
    ]


def test_login_that_succeeds() -> None:
    try_login(["sh", "-c", 'test "$A" = b'], {"A": "b"})


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'ERROR 1045:\n denied' >&2; exit 1", "ERROR 1045: denied"),
        ("echo lost; exit 1", "lost"),
        ("exit 3", "exit status 3"),
    ],
)
def test_login_that_fails(script: str, reason: str) -> None:
    with pytest.raises(ToolLoginFailed) as caught:
        try_login(["/bin/sh", "-c", script])
    assert str(caught.value) == f"sh cannot log in to the server that this host reaches: {reason}"
