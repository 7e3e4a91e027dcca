# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of what a server offers, by its answers. tests/restore/test_targets.py reads it from real servers."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

pytest.importorskip("pymysql")

import pymysql.err

from ansible_collections.vex.backup.plugins.module_utils._errors import ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._restore.offer import Offer, read_offer

MYSQL = Server("mysql", "8.4.1", (8, 4, 1), "'root'@'localhost'", "abc", False)
MARIADB = MYSQL._replace(product="mariadb", numbers=(11, 7, 1))
DENIED = pymysql.err.OperationalError(1227, "Access denied")
LOST = pymysql.err.OperationalError(2013, "Lost connection")
# The answer to each query, by a part of it.
ANSWERS: t.Dict[str, t.Any] = {
    "ENGINES": [("InnoDB",)],
    "APPLICABILITY": [("utf8_bin", "utf8"), ("latin1_bin", "latin1", 7)],
    "PLUGINS": [("partition", "STORAGE ENGINE"), ("ngram", "FTPARSER"), ("uuid", "DATA TYPE")],
    "TABLESPACES_BRIEF": [("ts",)],
    "keyring_component_status": [("Active",)],
    "SRS_ID": [(0,), (4326,)],
    "GLOBAL VARIABLES": [("max_allowed_packet", "1024"), ("disabled_storage_engines", "MyISAM, Archive")],
}


class Connection:
    """A connection to a server with these answers; an error is raised."""

    def __init__(self, answers: t.Mapping[str, t.Any]) -> None:
        self._answers = answers
        self._rows: t.Any = []

    def cursor(self) -> t.ContextManager[Connection]:
        return contextlib.nullcontext(self)

    def execute(self, query: str) -> None:
        (self._rows,) = (rows for part, rows in self._answers.items() if part in query)
        if isinstance(self._rows, Exception):
            raise self._rows

    def fetchall(self) -> t.Any:
        return self._rows


def offered(server: Server = MYSQL, **changed: t.Any) -> Offer:
    return read_offer(t.cast("t.Any", Connection({**ANSWERS, **changed})), server)


def test_a_server_of_mysql() -> None:
    offer = offered()
    assert (offer.engines, offer.parsers, offer.types) == ({"innodb"}, {"ngram"}, {"uuid"})
    assert (offer.tablespaces, offer.reference_systems, offer.has_partitions) == ({"ts"}, {0, 4326}, True)
    assert (offer.lacks_encryption, offer.disabled_engines) == (False, ["myisam", "archive"])
    assert offered(MYSQL._replace(numbers=(9, 0, 0))).types == {"uuid", "vector"}


@pytest.mark.parametrize("name", ["utf8", "utf8mb3", "utf8_bin", "utf8mb3_bin", "Latin1_bin"])
def test_character_sets_with_two_names(name: str) -> None:
    assert offered().knows_characters(name)
    assert not offered().knows_characters(f"{name}x")


def test_a_server_of_mariadb() -> None:
    offer = offered(MARIADB)
    assert (offer.tablespaces, offer.reference_systems, offer.lacks_encryption) == (None, None, True)
    assert offer.types == {"uuid", "vector"}
    assert not offered(MARIADB, PLUGINS=[("file_key_management", "ENCRYPTION")]).has_partitions
    assert not offered(MARIADB, PLUGINS=[("file_key_management", "ENCRYPTION")]).lacks_encryption


@pytest.mark.parametrize(
    ("changed", "lacks_encryption"),
    [
        ({"keyring_component_status": []}, True),
        ({"keyring_component_status": [], "PLUGINS": [("keyring_file", "KEYRING")]}, False),
        ({"keyring_component_status": DENIED}, False),
    ],
)
def test_keyrings(changed: t.Any, lacks_encryption: bool) -> None:
    assert offered(**changed).lacks_encryption is lacks_encryption


def test_what_the_account_must_not_know() -> None:
    offer = offered(TABLESPACES_BRIEF=DENIED, SRS_ID=DENIED)
    assert (offer.tablespaces, offer.reference_systems) == (None, None)


def test_a_server_that_goes_away() -> None:
    with pytest.raises(ServerUnavailable):
        offered(TABLESPACES_BRIEF=LOST)
