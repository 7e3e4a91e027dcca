"""Settings that no session can change for itself: a dump or a restore names them before it writes anything."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    ServerUnavailable,
    SessionRefused,
    TargetUnfit,
)
from tests.restore.cells import Product, use_tools
from tests.restore.dumping import Dumped
from tests.restore.harmful_settings import INIT_CONNECT
from tests.servers.database_server import DatabaseServer

PASSWORD = "canary"
LOADS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE,"
    " ALTER ROUTINE, EXECUTE, EVENT, TRIGGER, LOCK TABLES"
)
CONTENTS = (
    "CREATE DATABASE small",
    "CREATE TABLE small.fine (id INT PRIMARY KEY, d DATETIME)",
    "INSERT INTO small.fine VALUES (1, '2024-01-01 00:00:00'), (2, NULL)",
    "CREATE TABLE small.no_key (a INT)",
    "CREATE TABLE small.isam (a INT) ENGINE = MyISAM",
    "CREATE TABLE small.compressed (id INT PRIMARY KEY) ROW_FORMAT = COMPRESSED",
    "CREATE TABLE small.long_key (id INT PRIMARY KEY, k VARCHAR(700) CHARACTER SET utf8mb4, KEY (k))",
)
CONTENTS_OF_MARIADB = (
    """CREATE TABLE small.past (id INT PRIMARY KEY, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6)
         GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING""",
    # The name says what the table is not.
    "CREATE TABLE small.`ENGINE=InnoDB ROW_FORMAT=COMPRESSED` (id INT PRIMARY KEY)",
)
# By option: the reason against a server.
OF_ANY = {
    "innodb-read-only=ON": "its innodb_read_only is ON: start it without",
    "innodb-file-per-table=OFF": "SET GLOBAL innodb_file_per_table = ON (table small.compressed)",
}
OF_MARIADB = {
    **OF_ANY,
    "innodb-force-primary-key=ON": "SET GLOBAL innodb_force_primary_key = OFF (table small.no_key)",
    "innodb-read-only-compressed=ON": "SET GLOBAL innodb_read_only_compressed = OFF (table small.compressed)",
    "mysql56-temporal-format=OFF": "SET GLOBAL mysql56_temporal_format = ON (table small.past)",
    "secure-timestamp=YES": "its secure_timestamp is YES: start it with NO (table small.past)",
}
OF_MYSQL = {
    **OF_ANY,
    "super-read-only=ON": "SET GLOBAL super_read_only = OFF",
    "disabled-storage-engines=FEDERATED,MyISAM": "names MyISAM: start it without (table small.isam)",
}


class Small:
    """A server with a small database, an account that dumps it, and the dump."""

    def __init__(self, product: Product, server: DatabaseServer, folder: Path) -> None:
        self.product = product
        self.server = server
        self.folder = folder
        self.is_mariadb = product.name.startswith("MariaDB")
        server.execute(*CONTENTS, *(CONTENTS_OF_MARIADB if self.is_mariadb else ()))
        server.create_account("backup", PASSWORD, product.grants)
        self.dumped = self.dump(login_user="root", login_password="")

    def dump(self, **options: Any) -> Dumped:
        given = {"login_user": "backup", "login_password": PASSWORD, **options}
        return Dumped(self.server, Path(tempfile.mkdtemp(dir=self.folder)), ("small",), **given)

    def refuses_to_dump(self, error: type[BackupError], message: str) -> None:
        with pytest.raises(error, match=message):
            self.dump()


@pytest.fixture(scope="module")
def small(product: Product) -> Iterator[Small]:
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        product.server(Path(folder) / "source") as server,
    ):
        use_tools(monkeypatch, product, "0.10")
        yield Small(product, server, Path(folder))


@pytest.fixture(scope="module")
def target(small: Small) -> Iterator[DatabaseServer]:
    """Run a server with an account that restores, whose sessions begin with ``init_connect``."""
    with small.product.server(small.folder / "target") as server:
        more = ", SESSION_VARIABLES_ADMIN" if not small.is_mariadb else ", DELETE HISTORY, BINLOG ADMIN"
        server.create_account("loader", PASSWORD, f"{LOADS}{more} ON *.*")
        yield server


LOADER = {"login_user": "loader", "login_password": PASSWORD}


def is_empty(server: DatabaseServer) -> bool:
    return not server.execute("SHOW DATABASES LIKE 'small'")


def rows(server: DatabaseServer) -> tuple[tuple[Any, ...], ...]:
    return server.execute("SELECT * FROM small.fine ORDER BY id")


def test_settings_of_a_target_are_named_before_anything_is_written(small: Small) -> None:
    settings = OF_MARIADB if small.is_mariadb else OF_MYSQL
    options = [f"--{option}" for option in settings]
    with small.product.server(small.folder / "unusual", options=options) as server:
        message = str(small.dumped.refusal(TargetUnfit, server))
        assert is_empty(server)
    assert [text for text in settings.values() if text not in message] == [], message
    assert "small.fine" not in message
    assert "small.ENGINE" not in message


def test_too_few_sessions_are_named_before_anything_is_written(small: Small, target: DatabaseServer) -> None:
    few, any_number = ("ALTER USER {} WITH MAX_USER_CONNECTIONS " + number for number in ("2", "0"))
    for server, name in ((small.server, "backup"), (target, "loader")):
        server.execute(few.format(f"{name}@localhost"))
    try:
        message = "allows loader no more sessions: raise the limit, or lower threads"
        assert message in str(small.dumped.refusal(ServerUnavailable, target, **LOADER))
        assert is_empty(target)
        # A program or a session may be the one too many.
        small.refuses_to_dump(BackupError, "max_user_connections")
    finally:
        for server, name in ((small.server, "backup"), (target, "loader")):
            server.execute(any_number.format(f"{name}@localhost"))


def test_failing_init_connect_is_named(small: Small, target: DatabaseServer) -> None:
    for server in (small.server, target):
        server.execute("SET GLOBAL init_connect = 'no statement'")
    try:
        message = "ended the session of {}, because its init_connect fails for this account: correct init_connect"
        small.refuses_to_dump(ServerUnavailable, message.format("backup"))
        assert message.format("loader") in str(small.dumped.refusal(ServerUnavailable, target, **LOADER))
        assert is_empty(target)
    finally:
        for server in (small.server, target):
            server.execute("SET GLOBAL init_connect = ''")


def test_init_connect_changes_no_load(small: Small, target: DatabaseServer) -> None:
    target.execute(f'SET GLOBAL init_connect = "{INIT_CONNECT}"')
    try:
        assert small.dumped.run(target, **LOADER)["restore_warnings"] == []
        assert rows(target) == rows(small.server)
    finally:
        target.execute("SET GLOBAL init_connect = ''", "DROP DATABASE small")


def test_missing_warnings_of_views_are_named(small: Small) -> None:
    if small.is_mariadb:
        pytest.skip("any account of MariaDB may set max_error_count")
    small.server.execute("SET GLOBAL max_error_count = 0")
    try:
        small.refuses_to_dump(SessionRefused, "max_error_count = '0' and must have 1024.*GRANT")
    finally:
        small.server.execute("SET GLOBAL max_error_count = 1")
    assert small.dump().warnings == []
    small.server.execute("SET GLOBAL max_error_count = DEFAULT")


def test_old_format_of_times_is_no_difference(small: Small, target: DatabaseServer) -> None:
    if not small.is_mariadb:
        pytest.skip("MySQL has no times of the old format")
    small.server.execute(
        "SET GLOBAL mysql56_temporal_format = OFF",
        "CREATE TABLE small.old (id INT PRIMARY KEY, t TIMESTAMP(3) NULL COMMENT ' /* mariadb-5.3 */', d TIME(2))",
        "INSERT INTO small.old VALUES (1, '2024-01-01 00:00:00.123', '10:00:00.12')",
        "SET GLOBAL mysql56_temporal_format = ON",
    )
    try:
        assert small.dump().run(target)["restore_warnings"] == []
        query = "SELECT id, CAST(t AS CHAR), CAST(d AS CHAR) FROM small.old"
        assert target.execute(query) == small.server.execute(query)
        comment = "SELECT COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_NAME = 'old' AND COLUMN_NAME = 't'"
        assert target.execute(comment) == ((" /* mariadb-5.3 */",),)
    finally:
        small.server.execute("DROP TABLE small.old")
        target.execute("DROP DATABASE IF EXISTS small")


def test_disabled_events(small: Small, target: DatabaseServer) -> None:
    """MariaDB shows no events then."""
    small.server.execute("CREATE DATABASE timed", "CREATE EVENT timed.daily ON SCHEDULE EVERY 1 DAY DO SELECT 1")
    small.server.stop()
    small.server.options.append("--event-scheduler=DISABLED")
    small.server.start()
    assert small.dump().run(target)["restore_warnings"] == []
    target.execute("DROP DATABASE small")
    if small.is_mariadb:
        dumped = Dumped(small.server, Path(tempfile.mkdtemp(dir=small.folder)), ("timed",), is_whole=False)
        (error,) = dumped.errors
        assert "timed: the server cannot show event daily: " in error
        assert "event scheduler is disabled" in error
    with small.product.server(small.folder / "disabled", options=["--event-scheduler=DISABLED"]) as server:
        assert small.dumped.run(server)["restore_warnings"] == []
        assert rows(server) == rows(small.server)
