"""Logins to a real server by socket, TCP and TLS, and to one that never answers."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql.err
import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect, resolve_login
from tests.integration.certificates import Certificates
from tests.servers.mariadb import MariaDB
from tests.servers.ports import free_port

ACCOUNT = {"login_user": "someone", "login_password": "canary"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def encrypted(certificates: Certificates) -> Iterator[MariaDB]:
    """Start a server with a certificate for 127.0.0.1."""
    options = [f"--ssl-cert={certificates.certificate}", f"--ssl-key={certificates.key}"]
    with tempfile.TemporaryDirectory(prefix="vex-") as name, MariaDB(Path(name), options=options) as server:
        server.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"])
        yield server


def cipher(options: dict[str, Any]) -> str:
    with contextlib.closing(connect(resolve_login(options))) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
        row = cursor.fetchone()
    assert row is not None
    return str(row[1])


def test_ca_cert_means_tls_with_a_verified_server(encrypted: MariaDB, certificates: Certificates) -> None:
    options = {**ACCOUNT, "login_host": "127.0.0.1", "login_port": encrypted.port}
    assert cipher({**options, "ca_cert": str(certificates.authority)}) != ""


def test_certificate_of_another_authority_is_refused(encrypted: MariaDB, tmp_path: Path) -> None:
    other = Certificates(tmp_path / "other")
    options = {**ACCOUNT, "login_host": "127.0.0.1", "login_port": encrypted.port, "ca_cert": str(other.authority)}
    with pytest.raises(ServerUnavailable, match="certificate verify failed"):
        connect(resolve_login(options))


def test_certificate_for_another_address_is_refused(tmp_path: Path) -> None:
    other = Certificates(tmp_path / "other", address="192.0.2.1")
    options = [f"--ssl-cert={other.certificate}", f"--ssl-key={other.key}"]
    with tempfile.TemporaryDirectory(prefix="vex-") as name, MariaDB(Path(name), options=options) as server:
        server.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"])
        login = {**ACCOUNT, "login_host": "127.0.0.1", "login_port": server.port, "ca_cert": str(other.authority)}
        with pytest.raises(ServerUnavailable, match=r"not valid for '127\.0\.0\.1'"):
            connect(resolve_login(login))


def test_ca_cert_refuses_a_server_without_tls(mariadb: MariaDB, certificates: Certificates) -> None:
    mariadb.create_account(ACCOUNT["login_user"], ACCOUNT["login_password"])
    options = {**ACCOUNT, "login_host": "127.0.0.1", "login_port": mariadb.port}
    assert cipher(options) == ""
    with pytest.raises(ServerUnavailable, match=r"TLS|SSL"):
        connect(resolve_login({**options, "ca_cert": str(certificates.authority)}))


def test_socket_needs_no_tls(encrypted: MariaDB, certificates: Certificates) -> None:
    options = {**ACCOUNT, "login_unix_socket": encrypted.socket, "ca_cert": str(certificates.authority)}
    connect(resolve_login(options)).close()


def test_wrong_password_is_reported_and_not_shown(mariadb: MariaDB) -> None:
    mariadb.create_account(ACCOUNT["login_user"], "another")
    with pytest.raises(ServerUnavailable, match="refused the login of someone: check login_user") as failure:
        connect(resolve_login({**ACCOUNT, "login_unix_socket": mariadb.socket}))
    assert "canary" not in str(failure.value)


def test_server_that_accepts_and_never_answers() -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ServerUnavailable, match=f"127.0.0.1:{port} could not be reached"),
    ):
        connect(resolve_login({**ACCOUNT, "login_host": "127.0.0.1", "login_port": port, "connect_timeout": 1}))


def test_statement_timeout(mariadb: MariaDB) -> None:
    options = {"login_user": "root", "login_unix_socket": mariadb.socket}
    with (
        contextlib.closing(connect(resolve_login({**options, "connect_timeout": 3}))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT SLEEP(3.5)")
    with contextlib.closing(connect(resolve_login(options), statement_timeout=1)) as connection:
        cursor = connection.cursor()
        with pytest.raises(pymysql.err.OperationalError, match="timed out"):
            cursor.execute("SELECT SLEEP(60)")
