"""mysql_account on a real server."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._errors import AccountRefused, OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.account import AccountRequest, ensure_account
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import resolve_login
from tests.integration.log_db import run_module
from tests.servers.mariadb import MariaDB

EVERYTHING = "BINLOG MONITOR, EVENT, LOCK TABLES, PROCESS, RELOAD, SELECT, SHOW VIEW, TRIGGER ON *.*"


class Administrator:
    """An administrator of *server* who manages one account."""

    def __init__(self, server: MariaDB) -> None:
        self.server = server
        self.name = f"backup-{secrets.token_hex(4)}"
        self.password = secrets.token_hex(8)

    def __call__(self, *, check_mode: bool = False, **changes: Any) -> dict[str, Any]:
        options = {**self.options, **changes}
        return ensure_account(request(AccountRequest, options, login=resolve_login(options), check_mode=check_mode))

    @property
    def options(self) -> dict[str, Any]:
        login = dict.fromkeys(("login_host", "login_port", "login_password", "config_file", "ca_cert"))
        programs = dict.fromkeys(("routines", "triggers", "events"), True)
        return {
            **login,
            **programs,
            "accounts": False,
            "login_unix_socket": self.server.socket,
            "login_user": "root",
            "name": self.name,
            "host": "localhost",
            "password": self.password,
            "state": "present",
            "databases": [],
            "connect_timeout": 10,
        }

    def grants(self) -> str:
        rows = self.server.execute(f"SHOW GRANTS FOR '{self.name}'@'localhost'")
        return "\n".join(row[0] for row in rows)


@pytest.fixture
def account(mariadb: MariaDB) -> Iterator[Administrator]:
    administrator = Administrator(mariadb)
    yield administrator
    mariadb.execute(f"DROP USER IF EXISTS '{administrator.name}'@'localhost'")


def test_account_is_created_once(account: Administrator) -> None:
    foreseen = account(check_mode=True)
    assert foreseen["changed"]
    assert not account.server.execute(f"SELECT 1 FROM mysql.user WHERE user = '{account.name}'")
    made = account()
    assert made["changed"]
    assert made["grants"] == foreseen["grants"] == [EVERYTHING]
    assert made["server_version"].startswith("MariaDB ")
    account.server.connect(account.name, account.password).close()
    before = account.grants()
    assert not account()["changed"]
    assert account.grants() == before


def test_new_password_is_set(account: Administrator) -> None:
    account()
    account.password = "it's % another"
    changed = account()
    assert changed["changed"]
    assert account.password not in str(changed)
    account.server.connect(account.name, account.password).close()
    assert not account()["changed"]


def test_other_privileges_are_revoked(account: Administrator) -> None:
    account()
    account.server.execute(
        f"GRANT ALL PRIVILEGES ON *.* TO '{account.name}'@'localhost'",
        f"GRANT INSERT ON mysql.* TO '{account.name}'@'localhost'",
    )
    assert account()["changed"]
    assert "ALL PRIVILEGES" not in account.grants()
    assert "INSERT" not in account.grants()
    assert not account()["changed"]


def test_account_for_some_databases(account: Administrator) -> None:
    account()
    some: dict[str, Any] = {"databases": ["a_b", "c%`d"]}
    assert account(**some)["changed"]
    assert not account(**some)["changed"]
    account.server.execute("CREATE DATABASE a_b", "CREATE DATABASE axb")
    try:
        with contextlib.closing(account.server.connect(account.name, account.password)) as connection:
            connection.select_db("a_b")
            with pytest.raises(pymysql.err.OperationalError, match="denied"):
                connection.select_db("axb")
    finally:
        account.server.execute("DROP DATABASE a_b", "DROP DATABASE axb")


def test_account_without_a_password_logs_in_by_the_socket(account: Administrator) -> None:
    socket: dict[str, Any] = {"password": None}
    if not _has_plugin(account.server):
        account.server.execute("INSTALL SONAME 'auth_socket'")
    assert account(**socket)["changed"]
    assert "unix_socket" in account.grants()
    assert not account(**socket)["changed"]
    assert account()["changed"]
    assert not account()["changed"]


def test_account_is_dropped_once(account: Administrator) -> None:
    account()
    assert account(state="absent", check_mode=True)["changed"]
    account.server.connect(account.name, account.password).close()
    assert account(state="absent")["changed"]
    assert not account(state="absent")["changed"]


@pytest.mark.parametrize("name", ["root", "mariadb.sys", "mysql.sys"])
def test_accounts_of_the_server_itself_are_refused(account: Administrator, name: str) -> None:
    with pytest.raises(OptionError, match="account of the server itself"):
        account(name=name)


def test_account_of_the_login_is_refused(account: Administrator) -> None:
    account()
    with pytest.raises(OptionError, match="this module logs in with"):
        account(login_user=account.name, login_password=account.password)


def test_login_without_the_privilege_to_create_users(account: Administrator) -> None:
    account()
    with pytest.raises(AccountRefused, match="Remedy: log in with an account that may create users"):
        account(name="another", login_user=account.name, login_password=account.password)


def test_check_mode_of_the_module(account: Administrator) -> None:
    options = {name: value for name, value in account.options.items() if value is not None}
    found = run_module("mysql_account", options, check=True)
    assert found["changed"]
    assert found["account"] == f"'{account.name}'@'localhost'"


def _has_plugin(server: MariaDB) -> bool:
    return bool(server.execute("SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'unix_socket'"))
