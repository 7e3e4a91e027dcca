# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a dump of a server that answers from memory."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import (
    INSTANCE_DIRECTORY,
    Plan,
    directory_name,
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
    EMPTY,
    MARIADB,
    MYDUMPER_0_10,
    MYDUMPER_1_0,
    MYSQL,
    FakeServer,
    dump_request,
    install_programs,
)

PROGRAMS = [Program("PACKAGE", "k"), Program("PROCEDURE", "p"), Program("TRIGGER", "t"), Program("EVENT", "e")]
SHOP = EMPTY._replace(tables=["orders"], programs=PROGRAMS, data_bytes=10**9)
VERSIONS = {"mydumper": MYDUMPER_0_10, "mariadb-dump": "from 11.8.2-MariaDB", "mysqldump": "9.7"}


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

    def path(self, program: str) -> str:
        return str(self.folder / "bin" / program)


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(tmp_path, monkeypatch)


def test_plan_for_0_10(host: Host) -> None:
    plan = host.plan()
    assert (plan.names, plan.mode, plan.tools, plan.mydumper_path) == (
        ["shop"],
        "individual",
        "MyDumper 0.10.0",
        host.path("mydumper"),
    )
    assert (plan.server_version, plan.session_variables) == ("10.11.18", {})
    (one,) = plan.databases
    assert (one.directory, one.reason, list(one.programs)) == ("shop", "", PROGRAMS)
    assert plan.mysqldump_tool is None


def test_plan_for_1_0(host: Host) -> None:
    host.versions["mydumper"], host.server.version = MYDUMPER_1_0, MYSQL
    host.server.databases["it's"] = EMPTY
    plan = host.plan()
    assert plan.session_variables == {"explain_format": "TRADITIONAL"}
    assert [(one.reason, list(one.programs)) for one in plan.databases] == [("", []), ("", [])]
    assert plan.mysqldump_tool is None


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
    # The manifest lists these.
    assert [program.kind for program in plan.objects.programs] == left


@pytest.mark.parametrize(("version", "preferred"), [(MARIADB, "mariadb-dump"), (MYSQL, "mysqldump")])
def test_mysqldump_of_the_servers_maker_is_preferred(host: Host, version: str, preferred: str) -> None:
    host.server.version = version
    host.server.databases["it's"] = EMPTY
    plan = host.plan()
    assert plan.databases[1].reason == 'the name "it\'s"'
    assert plan.mysqldump_tool is not None
    assert plan.mysqldump_tool.path == host.path(preferred)
    del host.versions["mariadb-dump"]
    other = host.plan().mysqldump_tool
    assert other is not None
    assert other.path == host.path("mysqldump")


def test_missing_mysqldump_is_named_with_its_purpose(host: Host) -> None:
    host.versions = {"mydumper": MYDUMPER_0_10}
    assert host.plan().mysqldump_tool is None
    host.server.databases["it's"] = EMPTY
    with pytest.raises(ProgramMissing, match=r"mariadb-client or mysql-client.*what MyDumper 0.10 cannot dump"):
        host.plan()


def test_mode_instance_is_refused_where_mydumper_cannot_dump_a_database(host: Host) -> None:
    assert host.plan(mode="instance").mode == "instance"
    host.server.databases["it's"] = EMPTY
    with pytest.raises(OptionError, match=r"cannot dump the database \"it's\" because of the name.*mode individual"):
        host.plan(mode="instance")
    host.versions["mydumper"] = MYDUMPER_1_0
    assert host.plan(mode="instance").names == ["shop", "it's"]


def test_path_that_contains_the_name_of_a_chunk_is_refused(host: Host) -> None:
    path = "/backup/d.t.00001.sql/backup_20260101_030000"
    with pytest.raises(OptionError, match=r"contains \.00001\.sql, which MyDumper 0.10 mistakes for a chunk"):
        host.plan(path=path)
    host.versions["mydumper"] = MYDUMPER_1_0
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


def test_directory_has_the_name_of_its_database() -> None:
    assert directory_name("shop") == "shop"
    assert directory_name("we ird/é") == "we%20ird%2F%C3%A9"


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=64), min_size=2, unique=True))
@example(["é" * 64, "é" * 63, f"{'é' * 63}e", "+instance", "..", "."])
def test_two_databases_have_different_directories(names: t.List[str]) -> None:
    folders = [directory_name(name) for name in names]
    assert len(set(folders)) == len(names)
    for folder in folders:
        assert len(folder) <= 255
        assert "/" not in folder
        assert folder not in (".", "..", INSTANCE_DIRECTORY)
