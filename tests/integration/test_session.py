"""Sessions on a server whose settings would change what they read and write, and sessions on another server."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import SessionRefused, ToolLoginFailed, WrongServer
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import (
    Login,
    connect,
    resolve_login,
    variables_for_tools,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import option_file_text
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import describe
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import ANOTHER_SERVER, LOAD, LOOK
from ansible_collections.vex.backup.plugins.module_utils._tools.login import client_login, mydumper_login, try_login
from tests.integration.certificates import Certificates
from tests.playbook import HANGS
from tests.restore.harmful_settings import HARMFUL
from tests.servers.mariadb import MariaDB

ACCOUNT = {"login_user": "someone", "login_password": "canary"}
ENVIRONMENT = {"CHARSET": "UTF-8", "LC_ALL": "C.UTF-8"}
MYDUMPERS = [
    pytest.param("mydumper", "--no-locks", id="0.10"),
    pytest.param(
        f"{os.environ.get('VEX_MYDUMPER_DIR')}/mydumper",
        "--sync-thread-lock-mode=SAFE_NO_LOCK",
        id="1.x",
        marks=pytest.mark.skipif("VEX_MYDUMPER_DIR" not in os.environ, reason="VEX_MYDUMPER_DIR is not set"),
    ),
]

# For each variable of LOOK and LOAD, a value that would do harm.
HOSTILE = {
    **{name: value for name, value in HARMFUL.items() if name in {*LOOK, *LOAD}},
    "sql_mode": "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,EMPTY_STRING_IS_NULL,STRICT_ALL_TABLES'",
    "sql_auto_is_null": "ON",
    "old_mode": "''",
}
# Variables that have no global value, or that an administrator's session ignores.
BY_INIT_CONNECT = ("sql_auto_is_null", "explicit_defaults_for_timestamp", "autocommit")


@pytest.fixture(scope="module")
def hostile() -> Iterator[MariaDB]:
    """Run a server that would cut off, refuse or alter nearly everything."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name, MariaDB(Path(name)) as server:
        server.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"], "SELECT, BINLOG MONITOR ON *.*")
        rows = ", ".join(f"({number})" for number in range(10))
        server.execute("CREATE DATABASE shop", "CREATE TABLE shop.sold (id INT PRIMARY KEY)")
        server.execute(f"INSERT INTO shop.sold VALUES {rows}")
        present = {name.lower() for name, _value in server.execute("SHOW GLOBAL VARIABLES")} - {*BY_INIT_CONNECT}
        init = ", ".join(f"SESSION {variable} = {HOSTILE[variable]}" for variable in BY_INIT_CONNECT)
        server.execute(
            f"SET GLOBAL init_connect = 'SET NAMES latin1, {init}'",
            *(f"SET GLOBAL {name} = {value}" for name, value in HOSTILE.items() if name in present),
        )
        yield server


def login_to(server: MariaDB, host: str = "127.0.0.1") -> Login:
    return resolve_login({**ACCOUNT, "login_host": host, "login_port": server.port})


def shown(login: Login, purpose: Mapping[str, str]) -> dict[str, str]:
    with contextlib.closing(connect(login, purpose=purpose)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW SESSION VARIABLES")
        values: dict[str, str] = dict(cursor.fetchall())
    return values


@contextlib.contextmanager
def option_file(login: Login, folder: Path) -> Iterator[str]:
    path = folder / "client.cnf"
    path.write_text(option_file_text(login, variables_for_tools(login, LOOK)), encoding="utf-8")
    yield str(path)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
        env={**os.environ, **ENVIRONMENT, **environment},
    )


@pytest.mark.parametrize("purpose", [LOOK, LOAD], ids=["look", "load"])
def test_no_setting_of_the_server_reaches_a_session(hostile: MariaDB, purpose: Mapping[str, str]) -> None:
    # Only an administrator may change these for a session.
    hostile.execute("SET GLOBAL enforce_storage_engine = NULL, GLOBAL binlog_format = ROW")
    login = login_to(hostile)
    before = dict(hostile.execute("SET SESSION sql_big_selects = ON, sql_select_limit = 2000", "SHOW GLOBAL VARIABLES"))
    values = shown(login, purpose)
    checked = [name for name in purpose if name in values]
    assert set(checked) <= set(HOSTILE)
    wanted = {name: "" if purpose[name] in {"NULL", "X''"} else purpose[name].strip("'") for name in checked}
    wanted["sql_mode"] = hostile.execute(f"SET sql_mode = {purpose['sql_mode']}", "SELECT @@sql_mode")[0][0]
    found = {name: values[name].replace(".000000", "") for name in checked}
    assert found == wanted
    assert values["character_set_client"] == values["character_set_results"] == "utf8mb4"
    harmless = [name for name in checked if name not in BY_INIT_CONNECT and before[name] == values[name]]
    assert harmless == ([] if purpose is LOOK else ["enforce_storage_engine", "binlog_format"])


def test_refused_setting_is_named(hostile: MariaDB) -> None:
    hostile.execute("SET GLOBAL enforce_storage_engine = InnoDB")
    with pytest.raises(SessionRefused, match=r"enforce_storage_engine = 'InnoDB' and must have NULL.*SUPER.*GRANT"):
        connect(login_to(hostile), purpose=LOAD)
    connect(login_to(hostile), purpose=LOOK).close()


@pytest.mark.parametrize(("mydumper", "locks"), MYDUMPERS)
def test_tools_read_all_rows(hostile: MariaDB, tmp_path: Path, mydumper: str, locks: str) -> None:
    output = tmp_path / "output"
    with option_file(login_to(hostile), tmp_path) as file:
        query = "SELECT COUNT(*) FROM (SELECT a.id FROM shop.sold a, shop.sold b) c; SELECT id FROM shop.sold"
        client = run("mariadb", f"--defaults-file={file}", "--batch", "--skip-column-names", "-e", query)
        arguments = (f"--defaults-file={file}", "--database=shop", f"--outputdir={output}", locks)
        assert run(mydumper, *arguments).returncode == 0
    assert client.stdout.split() == ["100", *map(str, range(10))], client.stderr
    (rows,) = [path.read_text() for path in output.glob("shop.sold*.sql") if "schema" not in path.name]
    assert rows.count("(") == 10
    assert "`sold`" in rows


def test_localhost_is_not_the_socket(mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    for server in (mariadb, fresh_mariadb):
        server.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"])
    with option_file(login_to(fresh_mariadb, "localhost"), tmp_path) as file:
        argv = ("mariadb", f"--defaults-file={file}", "--batch", "--skip-column-names", "-e", "SELECT @@port")
        done = run(*argv, MYSQL_UNIX_PORT=mariadb.socket)
    assert done.stdout.strip() == str(fresh_mariadb.port), done.stderr


@pytest.mark.parametrize(("mydumper", "locks"), MYDUMPERS)
def test_no_tool_uses_another_server(
    mariadb: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path, mydumper: str, locks: str
) -> None:
    for server in (mariadb, fresh_mariadb):
        server.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"], "SELECT, BINLOG MONITOR ON *.*")
        server.execute("CREATE DATABASE IF NOT EXISTS shop")
    login = login_to(fresh_mariadb)
    with contextlib.closing(connect(login)) as connection:
        checked = login.only(describe(connection).instance)
    elsewhere = login_to(mariadb).only(checked.instance)
    with pytest.raises(WrongServer, match=f"127.0.0.1:{mariadb.port}: {ANOTHER_SERVER}"):
        connect(elsewhere)
    output = tmp_path / "output"
    with option_file(checked, tmp_path) as file:
        commands = [client_login("mariadb", file), mydumper_login(mydumper, file, "shop", str(output), [locks])]
        for command in commands:
            try_login(command, ENVIRONMENT)
        (output / "metadata").unlink()
        output.rmdir()
        text = Path(file).read_text(encoding="utf-8")
        Path(file).write_text(text.replace(f'"{fresh_mariadb.port}"', f'"{mariadb.port}"'), encoding="utf-8")
        for command in commands:
            with pytest.raises(ToolLoginFailed, match=ANOTHER_SERVER):
                try_login(command, ENVIRONMENT)
    assert not list(output.glob("*.sql"))
    mariadb.execute("DROP DATABASE shop")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def encrypted(certificates: Certificates) -> Iterator[MariaDB]:
    """Run a server whose account must show a certificate."""
    options = [f"--ssl-{part}={getattr(certificates, name)}" for part, name in PARTS.items()]
    with tempfile.TemporaryDirectory(prefix="vex-") as name, MariaDB(Path(name), options=options) as server:
        server.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"], "SELECT, BINLOG MONITOR ON *.*")
        server.execute("CREATE DATABASE shop", "ALTER USER someone@'127.0.0.1' REQUIRE X509")
        yield server


PARTS = {"ca": "authority", "cert": "certificate", "key": "key"}


def files(certificates: Certificates) -> dict[str, Any]:
    return {
        "ca_cert": str(certificates.authority),
        "ssl_cert": str(certificates.certificate),
        "ssl_key": str(certificates.key),
    }


@pytest.mark.parametrize(("mydumper", "locks"), MYDUMPERS)
def test_account_with_a_certificate(
    encrypted: MariaDB, certificates: Certificates, tmp_path: Path, mydumper: str, locks: str
) -> None:
    options = {**ACCOUNT, "login_host": "127.0.0.1", "login_port": encrypted.port}
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(host="127.0.0.1", port=encrypted.port, user="someone", password="canary")
    login = resolve_login({**options, **files(certificates)})
    with option_file(login, tmp_path) as file:
        try_login(client_login("mariadb", file))
        try_login(mydumper_login(mydumper, file, "shop", str(tmp_path / "output"), [locks]), ENVIRONMENT)


@pytest.mark.parametrize(("mydumper", "locks"), MYDUMPERS)
@pytest.mark.parametrize("has_tls", [True, False])
def test_every_tool_verifies_the_server(
    encrypted: MariaDB, fresh_mariadb: MariaDB, tmp_path: Path, mydumper: str, locks: str, *, has_tls: bool
) -> None:
    other = Certificates(tmp_path / "other")
    server = encrypted if has_tls else fresh_mariadb
    server.create_account("another", "canary", "SELECT, BINLOG MONITOR ON *.*")
    server.execute("CREATE DATABASE IF NOT EXISTS shop")
    login = resolve_login(
        {
            "login_user": "another",
            "login_password": "canary",
            "login_host": "127.0.0.1",
            "login_port": server.port,
            "ca_cert": str(other.authority),
        }
    )
    file = tmp_path / "client.cnf"
    file.write_text(option_file_text(login, {}), encoding="utf-8")
    with pytest.raises(ToolLoginFailed, match=r"SSL|TLS"):
        try_login(client_login("mariadb", str(file)))
    with pytest.raises(ToolLoginFailed, match=r"SSL|TLS"):
        try_login(mydumper_login(mydumper, str(file), "shop", str(tmp_path / "output"), [locks]), ENVIRONMENT)
