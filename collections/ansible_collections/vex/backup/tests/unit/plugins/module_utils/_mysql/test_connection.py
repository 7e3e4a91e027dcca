# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options and an option file combined into a login."""

from __future__ import annotations

import getpass
import typing as t
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql import connection as connection_module
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import (
    Login,
    connect,
    read_client_section,
    resolve_login,
)


@pytest.fixture(autouse=True)
def no_default_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the default socket of a server on this host."""
    monkeypatch.setattr(connection_module, "DEFAULT_SOCKETS", ("/nowhere.sock",))


def write(folder: Path, text: str) -> str:
    """Write an option file, and return its path."""
    path = folder / "my.cnf"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_default_is_the_server_on_this_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve_login({}) == Login("127.0.0.1", 3306, None, getpass.getuser(), "", None)
    socket = tmp_path / "mysql.sock"
    socket.touch()
    monkeypatch.setattr(connection_module, "DEFAULT_SOCKETS", ("/nowhere.sock", str(socket)))
    assert resolve_login({}).unix_socket == str(socket)
    assert resolve_login({"login_host": "localhost"}).unix_socket is None
    assert resolve_login({"login_port": 3307}).unix_socket is None
    assert resolve_login({}).address == str(socket)
    assert resolve_login({"login_host": "db", "login_port": 1}).address == "db:1"


def test_options_take_precedence_over_the_file(tmp_path: Path) -> None:
    text = "[client]\nhost=file\nport=1\nuser=file\npassword=file\nsocket=/file\nssl-ca=" + str(tmp_path) + "\n"
    config_file = write(tmp_path, text)
    assert resolve_login({"config_file": config_file}) == Login("file", 1, None, "file", "file", str(tmp_path))
    options: t.Dict[str, t.Any] = {
        "config_file": config_file,
        "login_host": "option",
        "login_port": 2,
        "login_user": "option",
        "login_password": "",
        "ca_cert": __file__,
    }
    assert resolve_login(options) == Login("option", 2, None, "option", "", __file__)


@pytest.mark.parametrize(
    ("host", "socket"), [("", "/file"), ("host=\n", "/file"), ("host=localhost\n", "/file"), ("host=db\n", None)]
)
def test_socket_in_the_file_is_used_for_this_host_only(tmp_path: Path, host: str, socket: t.Optional[str]) -> None:
    config_file = write(tmp_path, f"[client]\n{host}socket=/file\n")
    assert resolve_login({"config_file": config_file}).unix_socket == socket
    assert resolve_login({"config_file": config_file, "login_unix_socket": "/option"}).unix_socket == "/option"


def test_client_section_is_read_as_the_clients_do(tmp_path: Path) -> None:
    config_file = write(
        tmp_path,
        "!includedir /etc/mysql\n[mysqld]\nport=1\n# note\n[client]\n; note\n!include x\nskip-reconnect\n"
        "user = some one \n"
        "password = \"a#b'\\\\c\\s\" # note\nhost='h' \nssl_ca=/ca # note\nodd=a\\qb\n[mysql]\nuser=x\n",
    )
    assert read_client_section(config_file) == {
        "user": "some one",
        "password": "a#b'\\c ",
        "host": "h",
        "ssl-ca": "/ca",
        "odd": "a\\qb",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config_file": "/nowhere.cnf"}, "config_file /nowhere.cnf cannot be read: No such file"),
        ({"ssl_cert": "/nowhere.pem"}, "ssl_cert /nowhere.pem cannot be read"),
        ({"ssl_cert": __file__, "ssl_key": __file__}, "ssl_cert, ssl_key and ca_cert belong together"),
        ({"ca_cert": __file__, "ssl_key": __file__}, "ssl_cert, ssl_key and ca_cert belong together"),
        ({"ca_cert": "/nowhere.pem"}, "ca_cert /nowhere.pem cannot be read"),
    ],
)
def test_unreadable_files_are_named(options: t.Dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        resolve_login(options)


def test_port_that_is_no_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="port 'x' is not a number"):
        resolve_login({"config_file": write(tmp_path, "[client]\nport=x\n")})


def test_unreachable_server_is_named_with_its_options() -> None:
    with pytest.raises(
        ServerUnavailable, match=r"127\.0\.0\.1:1 could not be reached: check login_host and login_port"
    ):
        connect(
            resolve_login({"login_host": "127.0.0.1", "login_port": 1, "login_user": "u", "login_password": "canary"})
        )
    with pytest.raises(ServerUnavailable, match=r"/nowhere.sock could not be reached: check login_unix_socket"):
        connect(resolve_login({"login_unix_socket": "/nowhere.sock"}))
