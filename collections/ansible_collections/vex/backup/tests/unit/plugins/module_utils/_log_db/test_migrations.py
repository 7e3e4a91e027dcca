# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the order, gaps and checksums of migrations."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import MigrationError
from ansible_collections.vex.backup.plugins.module_utils._log_db.migrations import (
    Applied,
    Migration,
    pending,
    read_migrations,
    split_statements,
)

STEPS = [Migration(number, f"{number:04d}_step", f"sum{number}", ("SELECT 1",)) for number in (1, 2, 3)]
DONE = [Applied(step.number, step.title, step.sha256) for step in STEPS]


def write(folder: Path, *names: str) -> str:
    """Write migration files of one statement each; return their folder."""
    for name in names:
        (folder / name).write_text(f"-- {name}\nSELECT 1;\n")
    return str(folder)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_unapplied_steps_are_pending(count: int) -> None:
    assert pending(STEPS, DONE[:count]) == STEPS[count:]


def test_an_edited_step_is_refused_by_name() -> None:
    with pytest.raises(MigrationError, match="0002_step was edited"):
        pending(STEPS, [DONE[0], DONE[1]._replace(sha256="other")])


def test_a_renamed_step_is_refused_by_both_names() -> None:
    with pytest.raises(MigrationError, match=r"0002_step was .* renamed .*0002_old"):
        pending(STEPS, [DONE[0], DONE[1]._replace(title="0002_old")])


def test_a_step_that_the_database_skipped_is_refused() -> None:
    with pytest.raises(MigrationError, match="0003_step but not step 0002"):
        pending(STEPS, [DONE[0], DONE[2]])


def test_a_step_that_this_release_does_not_know_is_refused() -> None:
    with pytest.raises(MigrationError, match=r"0003_step.*does not know.*update"):
        pending(STEPS[:2], DONE)


def test_steps_are_read_in_order_with_their_checksums(tmp_path: Path) -> None:
    write(tmp_path, "0002_b.sql", "0001_a.sql", "notes.txt")
    steps = read_migrations(str(tmp_path))
    assert [(step.number, step.title) for step in steps] == [(1, "0001_a"), (2, "0002_b")]
    assert steps[0].sha256 == hashlib.sha256(b"-- 0001_a.sql\nSELECT 1;\n").hexdigest()
    assert steps[0].statements == ("SELECT 1",)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0002_b.sql"], "0002_b.sql comes where number 0001 should"),
        (["0001_a.sql", "0003_c.sql"], "0003_c.sql comes where number 0002 should"),
        (["0001_a.sql", "0001_b.sql"], "0001_b.sql comes where number 0002 should"),
        (["0001_a.sql", "2_b.sql"], "2_b.sql is not named like"),
        (["0001_A.sql"], "0001_A.sql is not named like"),
        ([], "holds no .sql file"),
    ],
)
def test_a_gap_a_duplicate_or_a_bad_name_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(MigrationError, match=message):
        read_migrations(write(tmp_path, *names))


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match=r"nowhere cannot be read"):
        read_migrations(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (";;\n;", []),
        ("-- only; a comment\n", []),
        ("-- one\n-- two; three\nSELECT 1;\n-- end\n", ["SELECT 1"]),
        ("/* a; b */ SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 'a;b', \"c;d\", `e;f`;", ["SELECT 'a;b', \"c;d\", `e;f`"]),
        (r"SELECT 'it''s; \'; -- x';SELECT 2;", [r"SELECT 'it''s; \'; -- x'", "SELECT 2"]),
        ("SELECT 1 -- why; not\n+ 1;", ["SELECT 1 -- why; not\n+ 1"]),
    ],
)
def test_a_script_is_split_at_its_own_semicolons(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


FOLDER = Path(__file__).parents[5] / "roles" / "log_schema" / "files" / "migrations"
# One change in an ALTER TABLE.
CHANGE = re.compile(r"\b(?:ADD|ALTER COLUMN|CHANGE|DROP|MODIFY|RENAME)\b", re.IGNORECASE)
# Released steps never change.
SEVERAL_CHANGES = {"0015_backup_log_horas", "0023_restauracao_log_identidade"}


def test_every_step_makes_one_change_so_that_an_error_of_already_done_leaves_nothing_out() -> None:
    several = set()
    for step in read_migrations(str(FOLDER)):
        (statement,) = step.statements
        if statement.startswith("ALTER TABLE") and len(CHANGE.findall(re.sub(r"'[^']*'", "", statement))) > 1:
            several.add(step.title)
    assert several == SEVERAL_CHANGES


def test_every_step_is_one_statement_and_names_its_undo() -> None:
    for step in read_migrations(str(FOLDER)):
        assert len(step.statements) == 1, step.title
        assert "\n-- undo: " in (FOLDER / f"{step.title}.sql").read_text(encoding="utf-8"), step.title
