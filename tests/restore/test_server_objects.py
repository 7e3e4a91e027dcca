"""The objects of a server that belong to no database: they are in the dump, and come back by hand."""

from __future__ import annotations

import json
import subprocess

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import describe
from ansible_collections.vex.backup.plugins.module_utils._mysql.server_objects import read_server_objects
from tests.restore.odd import Odd
from tests.servers.database_server import DatabaseServer
from tests.servers.mysql import MySQL

PASSWORD = "canary of another server"
OWN_SYSTEM = (
    'GEOGCS["own",DATUM["d",SPHEROID["s",6378137,298.257223563]],PRIMEM["Greenwich",0],'
    'UNIT["degree",0.017453292519943278],AXIS["Lat",NORTH],AXIS["Lon",EAST]]'
)
OF_ANY = {
    "server it's": (
        "CREATE SERVER `it's` FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h''x', DATABASE 'd', USER 'u',"
        f" PASSWORD '{PASSWORD}', PORT 3307, SOCKET '/s', OWNER 'o')"
    ),
    "server few": "CREATE SERVER few FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.1', DATABASE 'd')",
}
OF_MYSQL = {
    "tablespace plain": "CREATE TABLESPACE plain ADD DATAFILE 'plain.ibd'",
    "tablespace small": "CREATE TABLESPACE small ADD DATAFILE 'small.ibd' FILE_BLOCK_SIZE = 8192",
    "resource group busy": "CREATE RESOURCE GROUP busy TYPE = USER VCPU = 0-1 THREAD_PRIORITY = 0 DISABLE",
    "spatial reference system 4000000": (
        f"CREATE SPATIAL REFERENCE SYSTEM 4000000 NAME 'own' DEFINITION '{OWN_SYSTEM}'"
        " ORGANIZATION 'me' IDENTIFIED BY 7 DESCRIPTION 'it''s'"
    ),
    "spatial reference system 4000001": (
        f"CREATE SPATIAL REFERENCE SYSTEM 4000001 NAME 'other' DEFINITION '{OWN_SYSTEM}'"
    ),
}
# The servers' own tables, without what a dump leaves out.
CONTENTS = (
    "SELECT Server_name, Host, Db, Username, Port, Socket, Wrapper, Owner FROM mysql.servers ORDER BY 1",
    "SELECT NAME, ZIP_PAGE_SIZE FROM information_schema.INNODB_TABLESPACES WHERE NAME IN ('plain', 'small') ORDER BY 1",
    "SELECT * FROM information_schema.RESOURCE_GROUPS ORDER BY 1",
    "SELECT * FROM information_schema.ST_SPATIAL_REFERENCE_SYSTEMS WHERE SRS_ID IN (4000000, 4000001) ORDER BY SRS_ID",
)


def contents(server: DatabaseServer) -> list[object]:
    return [server.execute(query) for query in (CONTENTS if isinstance(server, MySQL) else CONTENTS[:1])]


def drop(server: DatabaseServer, labels: dict[str, str]) -> None:
    for label in labels:
        kind, _space, name = label.rpartition(" ")
        server.execute(f"DROP {kind} {name if name.isdigit() else f'`{name}`'}")


@pytest.fixture
def created(odd: Odd) -> dict[str, str]:
    return {**OF_ANY, **(OF_MYSQL if isinstance(odd.source, MySQL) else {})}


def test_they_come_back_by_hand(odd: Odd, created: dict[str, str]) -> None:
    odd.source.execute(*created.values())
    expected = contents(odd.source)
    try:
        dumped = odd.dump(compression="none")
        manifest = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))
        assert sorted(manifest["server_objects"]) == sorted(created)
        script = (dumped.path / "dump" / "server_objects.sql").read_text(encoding="utf-8")
        assert PASSWORD not in script
        (command,) = (line for line in manifest["restore"] if "server_objects.sql" in line)
        result = dumped.run(odd.target)
        assert sorted(result["server_objects"]) == sorted(created)
        assert result["restore_warnings"] == []
        login = dumped.path.parent / "login.cnf"
        login.write_text(f"[client]\nsocket={odd.target.socket}\nuser=root\n", encoding="utf-8")
        # The command is one for the folder of the archive.
        by_hand = command.removeprefix("# ").replace("LOGIN.cnf", str(login))
        subprocess.run(["sh", "-ec", by_hand], cwd=dumped.path.parent, check=True)
        assert contents(odd.target) == expected
        drop(odd.target, created)
    finally:
        drop(odd.source, created)


def test_what_the_account_may_not_read_is_named(odd: Odd) -> None:
    odd.source.create_account("short_sighted", "p", "SELECT ON test.*")
    try:
        with connect(Login("", 0, odd.source.socket, "short_sighted", "p", None)) as connection:
            found = read_server_objects(connection, describe(connection))
        assert found.definitions == []
        assert set(found.unread) >= {"server", "loadable function"}
        assert ("tablespace" in found.unread) == isinstance(odd.source, MySQL)
    finally:
        odd.source.execute(*(f"DROP USER short_sighted@'{host}'" for host in odd.source.client_hosts))


def test_loadable_functions(odd: Odd) -> None:
    """No package of the tests has one, so the server's table gets a row."""
    if isinstance(odd.source, MySQL):
        pytest.skip("MySQL protects the table, and no package of it has such a function")
    odd.source.execute(
        "INSERT INTO mysql.func VALUES ('total', 1, 'udf_x.so', 'aggregate'), ('plain', 0, 'udf_x.so', 'function')"
    )
    try:
        with connect(Login("", 0, odd.source.socket, "root", "", None)) as connection:
            found = read_server_objects(connection, describe(connection))
        assert [one.texts[0].decode() for one in found.definitions] == [
            "CREATE FUNCTION `plain` RETURNS STRING SONAME 'udf_x.so'",
            "CREATE AGGREGATE FUNCTION `total` RETURNS REAL SONAME 'udf_x.so'",
        ]
    finally:
        odd.source.execute("DELETE FROM mysql.func")
