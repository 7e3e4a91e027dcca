# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a dump of a server that answers from memory."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import (
    Plan,
    make_plan,
)
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    MissingGrants,
    NotEnoughSpace,
    OptionError,
    ProgramMissing,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program, describe
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._dump.fake_server import (
    MARIADB,
    MARIADB_CLIENT,
    MYDUMPER_0_10,
    MYDUMPER_1,
    MYSQL,
    MYSQL_CLIENT,
    Contents,
    FakeServer,
    dump_request,
    install_programs,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.made_tables import (
    ID,
    make_column,
    make_table,
)

PROGRAMS = [Program("PACKAGE", "k"), Program("PROCEDURE", "p"), Program("TRIGGER", "t"), Program("EVENT", "e")]
ORDERS = make_table("orders")._replace(data_bytes=10**9)
SHOP = Contents([ORDERS], ["v"], PROGRAMS)
VERSIONS = {"mydumper": MYDUMPER_0_10, "mariadb": MARIADB_CLIENT, "mysql": MYSQL_CLIENT}


class Host:
    """A host whose server, programs and free disk space a test changes before it makes a plan."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.server = FakeServer({"shop": SHOP})
        self.versions = dict(VERSIONS)
        self.free = 10**12
        self._monkeypatch = monkeypatch
        usage = shutil.disk_usage(folder)
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=self.free))

    def plan(self, **options: t.Any) -> Plan:
        install_programs(self.folder / "bin", self.versions, self._monkeypatch)
        request = dump_request(self.folder / "not" / "yet" / "backup_20260101_030000")
        connection = t.cast("t.Any", self.server)
        return make_plan(connection, describe(connection), dataclasses.replace(request, **options))

    def reasons(self, **options: t.Any) -> t.Dict[t.Tuple[str, str], str]:
        """Return why the client dumps tables, by database and table."""
        plan = self.plan(**options)
        return {(one.name, table.table.name): table.reason for one in plan.databases for table in one.tables}

    def path(self, program: str) -> str:
        return str(self.folder / "bin" / program)


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_plan(host: Host) -> None:
    plan = host.plan()
    assert (plan.names, plan.mode, plan.tools, plan.mydumper_path) == (
        ["shop"],
        "individual",
        "MyDumper 0.10.1",
        host.path("mydumper"),
    )
    assert (plan.server_version, plan.client) == ("10.11.18", (host.path("mariadb"), "mariadb 10.11.18"))
    (one,) = plan.databases
    assert (one.directory, list(one.views), list(one.programs)) == ("shop", ["v"], PROGRAMS)
    assert ([table.name for table in one.mydumper_tables], one.client_tables, one.data_bytes) == (["orders"], [], 10**9)


@pytest.mark.parametrize(
    ("unwanted", "left"),
    [
        ("routines", ["TRIGGER", "EVENT"]),
        ("triggers", ["PACKAGE", "PROCEDURE", "EVENT"]),
        ("events", ["PACKAGE", "PROCEDURE", "TRIGGER"]),
    ],
)
def test_unwanted_programs_are_left_out(host: Host, unwanted: str, left: t.List[str]) -> None:
    plan = host.plan(**{unwanted: False}).databases[0]
    assert [program.kind for program in plan.programs] == left


@pytest.mark.parametrize(("version", "preferred"), [(MARIADB, "mariadb"), (MYSQL, "mysql")])
def test_client_of_the_servers_maker_is_preferred(host: Host, version: str, preferred: str) -> None:
    host.server.version = version
    assert host.plan().client.path == host.path(preferred)
    del host.versions[preferred]
    assert host.plan().client.path != host.path(preferred)


@pytest.mark.parametrize("missing", [["mydumper"], ["mariadb", "mysql"]])
def test_missing_program_is_named(host: Host, missing: t.List[str]) -> None:
    for name in missing:
        del host.versions[name]
    with pytest.raises(ProgramMissing, match=f"none of {', '.join(missing)} is on this host"):
        host.plan()


def test_tables_that_mydumper_cannot_dump_exactly_are_for_the_client(host: Host) -> None:
    tables = [
        make_table("plain"),
        make_table("it's"),
        make_table("isam", engine="MyISAM"),
        make_table("rough", ID, make_column("x", "float")),
        make_table("unseen", ID, make_column("y", "int", extra="INVISIBLE")),
    ]
    host.server.databases = {"shop": Contents(tables), "é": Contents([make_table("plain")])}
    everywhere = {
        ("shop", "plain"): "",
        ("shop", "it's"): 'the name "it\'s"',
        ("shop", "isam"): "the engine MyISAM",
        ("shop", "rough"): "the FLOAT column 'x'",
        ("é", "plain"): "the name 'é'",
    }
    assert host.reasons() == {**everywhere, ("shop", "unseen"): "the invisible column 'y'"}
    host.versions["mydumper"] = MYDUMPER_1
    assert host.reasons() == {**everywhere, ("shop", "unseen"): ""}


def test_odd_name_on_mysql_is_a_reason_for_an_instance(host: Host) -> None:
    host.server.version = MYSQL
    host.server.databases["é"] = Contents()
    table = ("shop", "orders")
    assert host.reasons()[table] == ""
    # It fails at the name also when the database is not dumped.
    options = {"mode": "instance", "exclude_databases": ["é"]}
    assert host.reasons(**options) == {table: "the name of the database 'é'"}
    host.versions["mydumper"] = MYDUMPER_1
    assert host.reasons(**options)[table] == ""


def test_path_that_contains_the_name_of_a_chunk_is_refused(host: Host) -> None:
    path = "/backup/d.t.00001.sql/backup_20260101_030000"
    with pytest.raises(OptionError, match=r"contains \.00001\.sql, which MyDumper 0.10 mistakes for a chunk"):
        host.plan(path=path)
    host.versions["mydumper"] = MYDUMPER_1
    assert host.plan(path=path).version.text == "1.0.1"


def test_account_of_some_databases_must_name_them(host: Host) -> None:
    host.server.grants = [
        "GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO `vex`@`%`",
        "GRANT ALL PRIVILEGES ON `shop`.* TO `vex`@`%`",
        "GRANT SELECT ON `mysql`.`proc` TO `vex`@`%`",
    ]
    assert host.plan(databases=["shop"]).names == ["shop"]
    with pytest.raises(MissingGrants, match=r"'vex'@'%' lacks .*or name the databases"):
        host.plan()


def test_privileges_for_unwanted_programs_are_not_needed(host: Host) -> None:
    host.server.grants = ["GRANT SELECT, LOCK TABLES, SHOW VIEW, RELOAD, PROCESS, BINLOG MONITOR ON *.* TO `vex`@`%`"]
    with pytest.raises(MissingGrants) as caught:
        host.plan()
    assert caught.value.details == {"missing_grants": ["TRIGGER ON `shop`.*", "EVENT ON `shop`.*"]}
    assert host.plan(triggers=False, events=False).names == ["shop"]


def test_too_small_disk_is_named_before_the_dump(host: Host, tmp_path: pathlib.Path) -> None:
    host.free = 10**9
    with pytest.raises(NotEnoughSpace, match=rf"^{tmp_path} has 1000 MB free and the dump needs about 1067 MB"):
        host.plan()
    assert host.plan(space_factor=0.9).names == ["shop"]
    host.free = 0
    assert host.plan(space_factor=0).names == ["shop"]
