# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a dump, with a replaced server and replaced programs."""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import typing as t

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.process import Completed
from ansible_collections.vex.backup.plugins.module_utils._dump import plan as plan_module
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import INSTANCE_DIRECTORY, directory_name, make_plan
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    MissingGrants,
    NotEnoughSpace,
    OptionError,
    ProgramMissing,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql import server as server_module
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import parse_grants
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Objects, Program

OLD = "mydumper 0.10.0, built against MySQL 10.11.14"
NEW = "mydumper v1.0.1-3, built against MySQL 9.7.4"
ALL = "GRANT ALL PRIVILEGES ON *.* TO `vex`@`%`"
PROGRAMS = [Program("PACKAGE", "k"), Program("PROCEDURE", "p"), Program("TRIGGER", "t"), Program("EVENT", "e")]
SHOP = Objects(["orders"], [], PROGRAMS, [], [], [], 10**9)
QUOTED = Objects(["it's"], [], [], [], [], [], 0)
MARIADB = server_module.Server("mariadb", "10.11.18-MariaDB-log", (10, 11, 18), "'vex'@'%'", "abc", True)
MYSQL = server_module.Server("mysql", "9.7.4-2", (9, 7, 4), "'vex'@'%'", "abc", True)


class World:
    """A server, its programs and its disk."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.databases: t.Dict[str, Objects] = {"shop": SHOP}
        self.grants = [ALL]
        self.version = OLD
        self.programs = ["mydumper", "mariadb-dump", "mysqldump"]
        self.free = 10**12
        self.server = MARIADB
        self.request = DumpRequest(
            login=Login("db", 3306, None, "vex", "", None),
            path=str(folder / "not" / "yet" / "backup_20260101_030000"),
            dump_log=str(folder / "dump.log"),
            run_log=None,
            databases=[],
            exclude_databases=[],
            mode="individual",
            threads=4,
            routines=True,
            triggers=True,
            events=True,
            compression="zstd",
            long_query_guard=60,
            timeout=0,
            space_factor=1.0,
            keep_failed=1,
            run_uuid=None,
            hostname=None,
            check_mode=False,
        )

    def find_program(self, names: t.Sequence[str], remedy: str) -> str:
        for name in names:
            if name in self.programs:
                return f"/bin/{name}"
        raise ProgramMissing(f"none of {', '.join(names)} is on this host: {remedy}")

    def run(self, argv: t.Sequence[str], timeout: float) -> Completed:
        answers = {"/bin/mydumper": self.version, "/bin/mariadb-dump": "from 11.8.2-MariaDB", "/bin/mysqldump": "9.7"}
        return Completed(0, answers[argv[0]], "")

    def plan(self, **options: t.Any) -> plan_module.Plan:
        return make_plan(t.cast("t.Any", None), self.server, dataclasses.replace(self.request, **options))


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setattr(plan_module, "find_program", made.find_program)
    monkeypatch.setattr(plan_module, "run", made.run)
    monkeypatch.setattr(server_module, "choose_databases", lambda _connection, _include, _exclude: list(made.databases))
    monkeypatch.setattr(server_module, "list_objects", lambda _connection, name: made.databases[name])
    monkeypatch.setattr(server_module, "grants", lambda _connection, _server: parse_grants(made.grants))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=made.free))
    return made


def test_plan_for_0_10(world: World) -> None:
    plan = world.plan()
    assert (plan.names, plan.mode, plan.tools, plan.mydumper_path) == (
        ["shop"],
        "individual",
        "MyDumper 0.10.0",
        "/bin/mydumper",
    )
    assert (plan.server_version, plan.session_variables) == ("10.11.18", {})
    (one,) = plan.databases
    assert (one.directory, one.reason, list(one.programs)) == ("shop", "", PROGRAMS)
    assert plan.mysqldump_tool is None


def test_plan_for_1_0(world: World) -> None:
    world.version, world.server = NEW, MYSQL
    world.databases["quoted"] = QUOTED
    plan = world.plan()
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
def test_unwanted_programs_are_left_out(world: World, unwanted: str, left: t.List[str]) -> None:
    plan = world.plan(**{unwanted: False}).databases[0]
    assert [program.kind for program in plan.programs] == left
    # The manifest lists these.
    assert [program.kind for program in plan.objects.programs] == left


@pytest.mark.parametrize(("server", "preferred"), [(MARIADB, "/bin/mariadb-dump"), (MYSQL, "/bin/mysqldump")])
def test_mysqldump_of_the_servers_maker_is_preferred(
    world: World, server: server_module.Server, preferred: str
) -> None:
    world.server = server
    world.databases["quoted"] = QUOTED
    plan = world.plan()
    assert plan.databases[1].reason == 'the name "it\'s"'
    assert plan.mysqldump_tool is not None
    assert plan.mysqldump_tool.path == preferred
    world.programs = ["mydumper", "mysqldump"]
    other = world.plan().mysqldump_tool
    assert other is not None
    assert other.path == "/bin/mysqldump"


def test_missing_mysqldump_is_named_with_its_purpose(world: World) -> None:
    world.programs = ["mydumper"]
    assert world.plan().mysqldump_tool is None
    world.databases["quoted"] = QUOTED
    with pytest.raises(ProgramMissing, match=r"mariadb-client or mysql-client.*what MyDumper 0.10 cannot dump"):
        world.plan()


def test_mode_instance_is_refused_where_mydumper_cannot_dump_a_database(world: World) -> None:
    assert world.plan(mode="instance").mode == "instance"
    world.databases["quoted"] = QUOTED
    with pytest.raises(OptionError, match=r"cannot dump the database 'quoted' because of the name.*mode individual"):
        world.plan(mode="instance")
    world.version = NEW
    assert world.plan(mode="instance").names == ["shop", "quoted"]


def test_path_that_contains_the_name_of_a_chunk_is_refused(world: World) -> None:
    path = "/backup/d.t.00001.sql/backup_20260101_030000"
    with pytest.raises(OptionError, match=r"contains \.00001\.sql, which MyDumper 0.10 takes for a chunk"):
        world.plan(path=path)
    world.version = NEW
    assert world.plan(path=path).version.text == "1.0.1"


def test_account_of_some_databases_must_name_them(world: World) -> None:
    world.grants = [
        "GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO `vex`@`%`",
        "GRANT ALL PRIVILEGES ON `shop`.* TO `vex`@`%`",
        "GRANT SELECT ON `mysql`.`proc` TO `vex`@`%`",
    ]
    assert world.plan(databases=["shop"]).names == ["shop"]
    with pytest.raises(MissingGrants, match=r"'vex'@'%' lacks .*or name the databases"):
        world.plan()


def test_privileges_for_unwanted_programs_are_not_needed(world: World) -> None:
    world.grants = ["GRANT SELECT, LOCK TABLES, SHOW VIEW, RELOAD, PROCESS, BINLOG MONITOR ON *.* TO `vex`@`%`"]
    with pytest.raises(MissingGrants) as caught:
        world.plan()
    assert caught.value.details == {"missing_grants": ["TRIGGER ON `shop`.*", "EVENT ON `shop`.*"]}
    assert world.plan(triggers=False, events=False).names == ["shop"]


def test_too_small_disk_is_named_before_the_dump(world: World, tmp_path: pathlib.Path) -> None:
    world.free = 10**9
    with pytest.raises(NotEnoughSpace, match=rf"^{tmp_path} has 1000 MB free and the dump needs about 1067 MB"):
        world.plan()
    assert world.plan(space_factor=0.9).names == ["shop"]
    world.free = 0
    assert world.plan(space_factor=0).names == ["shop"]


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
