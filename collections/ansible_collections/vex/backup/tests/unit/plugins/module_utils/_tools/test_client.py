# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server's client on this host."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._tools.client import Client, find_client

SHOWN = {
    "mysql": "mysql  Ver 9.7.4 for Linux on x86_64 (Debian)",
    "mariadb": "mariadb from 11.8.2-MariaDB, client 15.2 for debian-linux-gnu",
    "bare": "no version",
}


def install(folder: pathlib.Path, names: t.Iterable[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names:
        (folder / name).write_text(f"#!/bin/sh\necho '{SHOWN[name]}'\n", encoding="ascii")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.parametrize(
    ("product", "present", "chosen"),
    [
        ("mariadb", ["mariadb", "mysql"], "mariadb"),
        ("mysql", ["mariadb", "mysql"], "mysql"),
        ("mysql", ["mariadb"], "mariadb"),
        ("mariadb", ["mysql"], "mysql"),
    ],
)
def test_client_of_the_servers_maker_is_preferred(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, product: str, present: t.List[str], chosen: str
) -> None:
    install(tmp_path, present, monkeypatch)
    version = {"mysql": "9.7.4", "mariadb": "11.8.2"}[chosen]
    assert find_client(product) == Client(str(tmp_path / chosen), f"{chosen} {version}")


def test_missing_client_is_named(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, [], monkeypatch)
    with pytest.raises(ProgramMissing, match="mysql, mariadb is on this host: install the package mariadb-client or"):
        find_client("mysql")
