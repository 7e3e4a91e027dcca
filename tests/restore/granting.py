"""Servers with accounts of all kinds, and what they show of them."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

from tests.restore.cells import Product
from tests.restore.dumping import Dumped
from tests.servers.database_server import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.mysql import MySQL

Rows = tuple[tuple[Any, ...], ...]

OWN = ("mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema")
ROOT = "`root`@`localhost`"
OBJECTS = (
    "CREATE DATABASE granted",
    "USE granted",
    "CREATE TABLE t (a INT PRIMARY KEY, b INT)",
    "INSERT INTO t VALUES (1, 2)",
    "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
    "CREATE PROCEDURE p() SELECT 1",
    "CREATE VIEW v_first AS SELECT a, f() AS b FROM t",
)
ACCOUNTS = (
    "CREATE USER ''@'10.9.%' IDENTIFIED BY 'of nobody'",
    "CREATE USER plain@'%' IDENTIFIED BY 'it''s secret'",
    "CREATE USER idle@localhost",
    "CREATE USER `o'brien \\ \"``é`@`10.0.0.0/255.0.0.0` IDENTIFIED BY 'x' REQUIRE X509",
    "CREATE USER tls@'10.%' IDENTIFIED BY 'x' REQUIRE SUBJECT '/C=BR/CN=it''s \\\\' AND ISSUER '/CN=ca' AND CIPHER 'A'",
    "CREATE USER limited@'192.168.1.%' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 10 MAX_USER_CONNECTIONS 3",
    "CREATE USER expired@localhost IDENTIFIED BY 'x' PASSWORD EXPIRE",
    "CREATE USER `of days`@localhost IDENTIFIED BY 'x' PASSWORD EXPIRE INTERVAL 20 DAY",
    "CREATE USER never@localhost IDENTIFIED BY 'x' PASSWORD EXPIRE NEVER",
    "CREATE USER locked@localhost IDENTIFIED BY 'x' ACCOUNT LOCK",
    "CREATE USER manager@localhost IDENTIFIED BY 'x'",
    "CREATE USER `a proxy`@localhost IDENTIFIED BY 'x'",
    "CREATE ROLE reader",
    "CREATE ROLE writer",
    "CREATE ROLE `the role é`",
    "GRANT SELECT ON granted.* TO reader",
    "GRANT SELECT (a), INSERT (a, b), UPDATE ON granted.t TO writer",
    "GRANT reader TO writer",
    # MySQL forgets a grant on a routine to a name outside ASCII when it reads its tables again.
    "GRANT LOCK TABLES, SHOW VIEW ON granted.* TO `the role é`",
    "GRANT EXECUTE ON FUNCTION granted.f TO writer",
    "GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE granted.p TO plain@'%' WITH GRANT OPTION",
    "GRANT SELECT ON granted.v_first TO plain@'%'",
    "GRANT CREATE, DROP ON `gr\\_nt%`.* TO plain@'%'",
    "GRANT writer TO plain@'%' WITH ADMIN OPTION",
    "GRANT reader TO plain@'%'",
    "GRANT `the role é` TO plain@'%'",
    "GRANT ALL PRIVILEGES ON *.* TO manager@localhost WITH GRANT OPTION",
    "GRANT PROXY ON plain@'%' TO `a proxy`@localhost WITH GRANT OPTION",
    "GRANT RELOAD ON *.* TO limited@'192.168.1.%'",
)
OF_MARIADB = (
    "SET DEFAULT ROLE writer FOR plain@'%'",
    "CREATE ROLE headed WITH ADMIN manager@localhost",
    "CREATE USER twofold@localhost IDENTIFIED VIA mysql_native_password USING PASSWORD('x') OR unix_socket",
    "GRANT BINLOG ADMIN, CREATE USER ON *.* TO plain@'%'",
    "ALTER USER `of days`@localhost PASSWORD EXPIRE",
    "GRANT SELECT (b) ON granted.t TO PUBLIC",
)
OF_MYSQL = (
    "SET DEFAULT ROLE writer, `the role é` TO plain@'%'",
    """CREATE USER kept@'%' IDENTIFIED BY 'x'
         PASSWORD HISTORY 5 PASSWORD REUSE INTERVAL 365 DAY PASSWORD REQUIRE CURRENT
         FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED
         ATTRIBUTE '{"name": "it\\'s \\\\"é", "x": " DEFAULT ROLE `a` REQUIRE "}'""",
    "CREATE USER noted@'%' IDENTIFIED BY 'x' COMMENT 'a ''comment'' \\\\ é'",
    "CREATE USER factors@localhost IDENTIFIED BY 'x' AND IDENTIFIED WITH auth_socket",
    "CREATE USER socket@localhost IDENTIFIED WITH auth_socket",
    "GRANT SELECT, INSERT ON *.* TO noted@'%'",
    "REVOKE INSERT ON mysql.* FROM noted@'%'",
    "GRANT BACKUP_ADMIN ON *.* TO noted@'%' WITH GRANT OPTION",
    "GRANT ROLE_ADMIN, SHOW_ROUTINE ON *.* TO noted@'%'",
)


class Accounts:
    """A server with accounts, and one to restore to."""

    def __init__(self, product: Product, source: DatabaseServer, target: DatabaseServer, folder: Path) -> None:
        self.product = product
        self.source = source
        self.target = target
        self.folder = folder

    @property
    def is_mysql(self) -> bool:
        return isinstance(self.source, MySQL)

    def fill(self) -> None:
        """Create the objects and the accounts of the tests."""
        self.source.execute(*OBJECTS, *ACCOUNTS, *(OF_MYSQL if self.is_mysql else OF_MARIADB))

    def dump(self, **options: Any) -> Dumped:
        given = {"accounts": True, "compression": "none", **options}
        return Dumped(self.source, Path(tempfile.mkdtemp(dir=self.folder)), ("granted",), **given)

    def clear(self, server: DatabaseServer) -> None:
        """Drop the database and all accounts but the server's own and root."""
        found = [name for name in names(server) if name != ROOT]
        drops = [f"DROP {'USER' if '@' in name else 'ROLE'} {name}" for name in found if name != "PUBLIC"]
        public = (
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM PUBLIC",
            "DELETE FROM mysql.global_priv WHERE User = 'PUBLIC'",
            "FLUSH PRIVILEGES",
        )
        server.execute("DROP DATABASE IF EXISTS granted", *drops, *(public if "PUBLIC" in found else ()))


def names(server: DatabaseServer) -> list[str]:
    """Return the accounts and roles of a server, but its own, as its statements name them."""
    column = "is_role" if isinstance(server, MariaDB) else "'N'"
    found = []
    for user, host, is_role in server.execute(f"SELECT User, Host, {column} FROM mysql.user ORDER BY User, Host"):
        if user not in OWN:
            quoted = "`" + user.replace("`", "``") + "`"
            found.append(user if user == "PUBLIC" else quoted if is_role == "Y" else f"{quoted}@`{host}`")
    return found


def shown(server: DatabaseServer, *chosen: str) -> dict[str, tuple[Rows, Rows]]:
    """Return what the server shows of accounts: how they log in, and their grants."""
    found = {}
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        if isinstance(server, MySQL):
            cursor.execute("SET print_identified_with_as_hex = ON")
        for name in chosen:
            login: Rows = ()
            if "@" in name:
                cursor.execute(f"SHOW CREATE USER {name}")
                login = tuple(cursor.fetchall())
            cursor.execute(f"SHOW GRANTS FOR {name}")
            found[name] = login, tuple(cursor.fetchall())
    return found


def everything(server: DatabaseServer) -> dict[str, tuple[Rows, Rows]]:
    """Return what the server shows of all accounts but root."""
    return shown(server, *(name for name in names(server) if name != ROOT))
