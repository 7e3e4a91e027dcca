# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The directories in the definitions of tables."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._mysql.directories import directories_of, without_directories

OWN = b"CREATE TABLE `a` (\n  `i` int COMMENT ' DATA DIRECTORY=''/c/'''\n) ENGINE=InnoDB%s COMMENT='x'"
PARTS = b"(PARTITION p VALUES LESS THAN (5)%s ENGINE = InnoDB,\n PARTITION ` DATA DIRECTORY = '/n/'` ENGINE = InnoDB)"


@pytest.mark.parametrize(
    ("text", "clauses", "found"),
    [
        (OWN, b"", []),
        (OWN, b" DATA DIRECTORY='/fast disk/'", ["/fast disk/"]),
        (OWN, b" DATA DIRECTORY='/a/' INDEX DIRECTORY='/b/'", ["/a/", "/b/"]),
        (PARTS, b" DATA DIRECTORY = '/a' INDEX DIRECTORY = '/a'", ["/a"]),
    ],
)
def test_only_clauses_are_found(text: bytes, clauses: bytes, found: t.List[str]) -> None:
    assert directories_of(text % clauses) == found
    assert without_directories(text % clauses) == text % b""
