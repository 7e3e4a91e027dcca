# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The definitions of a dump, and the list of its files."""

from __future__ import annotations

import hashlib
import pathlib
import subprocess
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._dump.compression import Compressor
from ansible_collections.vex.backup.plugins.module_utils._dump.definition_files import (
    ACCOUNTS,
    directory_of,
    write_definitions,
    write_script,
)
from ansible_collections.vex.backup.plugins.module_utils._dump.finish_files import finish_files
from ansible_collections.vex.backup.plugins.module_utils._dump.plan import DatabasePlan
from ansible_collections.vex.backup.plugins.module_utils._dump.tool_types import DatabaseDump
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition, parse_blocks

UNLIMITED = Deadline(0, "the dump")
KINDS = {
    "database.sql": ["DATABASE"],
    "tables.sql": ["SEQUENCE", "TABLE"],
    "routines.sql": ["FUNCTION", "PACKAGE", "PACKAGE BODY", "PROCEDURE"],
    "views.sql": ["VIEW"],
    "triggers.sql": ["TRIGGER"],
    "events.sql": ["EVENT"],
}


def made(kind: str) -> Definition:
    return Definition(kind, f"a {kind}", [], [f"CREATE {kind} é".encode()], [])


def dump(name: str, *kinds: str) -> DatabaseDump:
    plan = DatabasePlan(name, name, [], [], [])
    return DatabaseDump(plan, {}, "utf8mb4_bin", [made(kind) for kind in kinds], {}, None)


def test_each_kind_has_its_file(tmp_path: pathlib.Path) -> None:
    definitions = [made(kind) for kinds in KINDS.values() for kind in kinds]
    assert write_definitions(str(tmp_path), definitions) == list(KINDS)
    for name, kinds in KINDS.items():
        path = tmp_path / name
        assert path.stat().st_mode & 0o777 == 0o600
        assert parse_blocks(path.read_bytes()) == [made(kind) for kind in kinds]


def test_file_without_objects_is_left_out(tmp_path: pathlib.Path) -> None:
    assert write_definitions(str(tmp_path), [made("DATABASE"), made("VIEW")]) == ["database.sql", "views.sql"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["database.sql", "views.sql"]


def test_no_directory_is_the_file_of_the_accounts(tmp_path: pathlib.Path) -> None:
    assert write_script(str(tmp_path), ACCOUNTS, []) == []
    assert write_script(str(tmp_path), ACCOUNTS, [made("ROLE")]) == ["accounts.sql"]
    assert directory_of("server_objects.sql") == "server_objects%2Esql"
    names = ["accounts.sql", "accounts.sql.zst", "accounts%2Esql", "accounts"]
    directories = ["accounts%2Esql", "accounts%2Esql%2Ezst", "accounts%252Esql", "accounts"]
    assert [directory_of(name) for name in names] == directories


@pytest.mark.parametrize(("compression", "suffix"), [("zstd", ".zst"), ("gzip", ".gz"), ("none", "")])
def test_every_file_is_listed_in_its_final_form(tmp_path: pathlib.Path, compression: str, suffix: str) -> None:
    tables = tmp_path / "dump" / "we ird" / "tables"
    tables.mkdir(parents=True)
    # It was compressed during the dump.
    (tables / f"a.sql{suffix}").write_bytes(b"rows\n" * 1000)
    compressor = Compressor(compression) if suffix else None
    files = finish_files(
        str(tmp_path),
        [dump("we ird", "DATABASE", "TABLE"), dump("empty", "DATABASE")],
        {"accounts.sql": [made("ROLE"), made("ACCOUNT")], "server_objects.sql": []},
        compressor,
        UNLIMITED,
    )
    assert [file["path"] for file in files] == [
        f"dump/accounts.sql{suffix}",
        f"dump/empty/database.sql{suffix}",
        f"dump/we ird/database.sql{suffix}",
        f"dump/we ird/tables.sql{suffix}",
        f"dump/we ird/tables/a.sql{suffix}",
    ]
    for file in files:
        content = (tmp_path / file["path"]).read_bytes()
        assert file["size"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_definitions_that_compression_damaged_are_named(tmp_path: pathlib.Path) -> None:
    class Spoiler(Compressor):
        def compress(self, folder: str, names: t.Sequence[str], timeout: t.Optional[float]) -> None:
            subprocess.run(["sh", "-c", "for f in */*.sql; do mv $f $f.zst; done"], cwd=folder, check=True)

    (tmp_path / "dump").mkdir()
    with pytest.raises(DumpFailed, match=r"^d/database\.sql\.zst fails its integrity test after compression"):
        finish_files(str(tmp_path), [dump("d", "DATABASE")], {}, Spoiler("zstd"), UNLIMITED)


def test_time_limit(tmp_path: pathlib.Path) -> None:
    (tmp_path / "dump").mkdir()
    deadline = Deadline(1, "the dump")
    deadline._end = 0
    with pytest.raises(CommandTimeout, match="the dump took longer"):
        finish_files(str(tmp_path), [], {}, None, deadline)
