# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stored programs that cannot be written, and delimiters in their texts."""

from __future__ import annotations

import pathlib
import typing as t
from unittest import mock

import pytest

pytest.importorskip("pymysql")

import pymysql.err

from ansible_collections.vex.backup.plugins.module_utils._dump.stored_programs import write_programs
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Program

COLUMNS = ["Procedure", "sql_mode", "Create Procedure", "character_set_client", "collation_connection"]
TEXT = b"CREATE PROCEDURE p() SELECT ';;', ';;;'"


def connection_with(text: t.Optional[bytes], error: t.Optional[Exception] = None) -> mock.MagicMock:
    """Return a connection whose server shows one procedure with *text*, or refuses with *error*."""
    made = mock.MagicMock()
    cursor = made.cursor.return_value.__enter__.return_value
    cursor.description = [(name,) for name in [*COLUMNS, "Database Collation"]]
    row = (b"p", b"ANSI", text, b"utf8mb4", b"utf8mb4_general_ci", b"utf8mb4_bin")
    cursor.fetchone.side_effect = [(b"utf8mb4_bin",), row]

    def execute(statement: str, *_values: t.Any) -> None:
        if error and statement.startswith("SHOW CREATE"):
            raise error

    cursor.execute.side_effect = execute
    return made


def write(connection: mock.MagicMock, folder: pathlib.Path) -> bytes:
    write_programs(connection, "d", [Program("PROCEDURE", "p")], str(folder / "programs.sql"))
    return (folder / "programs.sql").read_bytes()


def test_the_delimiter_is_not_in_the_text(tmp_path: pathlib.Path) -> None:
    assert b"DELIMITER ;;;;\n" + TEXT + b";;;;\n" in write(connection_with(TEXT), tmp_path)


def test_a_dropped_program_is_left_out(tmp_path: pathlib.Path) -> None:
    dropped = pymysql.err.OperationalError(1305, "PROCEDURE d.p does not exist")
    assert b"CREATE" not in write(connection_with(TEXT, dropped), tmp_path)


def test_another_refusal_is_named(tmp_path: pathlib.Path) -> None:
    lost = pymysql.err.OperationalError(2013, "Lost connection")
    with pytest.raises(ServerUnavailable, match="Lost connection"):
        write(connection_with(TEXT, lost), tmp_path)


def test_a_hidden_text_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DumpFailed, match="SHOW_ROUTINE"):
        write(connection_with(None), tmp_path)
