# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of servers that cannot hold a backup. tests/restore/test_targets.py has those on real servers."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("pymysql")

from ansible_collections.vex.backup.plugins.module_utils._errors import TargetUnfit
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server
from ansible_collections.vex.backup.plugins.module_utils._restore import refused
from ansible_collections.vex.backup.plugins.module_utils._restore.definers import SCRATCH_NEEDS
from ansible_collections.vex.backup.plugins.module_utils._restore.offer import Offer
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import (
    DatabaseRestore,
    RestorePlan,
    Source,
    TableRestore,
)

SERVER = Server("mysql", "9.7.4", (9, 7, 4), "'root'@'localhost'", "abc", False)
OFFER = Offer(
    server=SERVER,
    settings={"max_allowed_packet": "1048576"},
    engines={"innodb"},
    characters={"utf8mb3", "utf8mb3_bin", "utf8mb4"},
    types=set(),
    parsers=set(),
    has_partitions=True,
    lacks_encryption=True,
    tablespaces={"ts"},
    reference_systems={0, 4326},
)


def planned(name: str, needs: t.Mapping[t.Tuple[str, str], t.Any], *views: str, longest: int = 0) -> DatabaseRestore:
    tables = {
        key[1]: TableRestore("InnoDB", 0, [], is_exact=False, fingerprint={}, longest=longest)
        for key in needs
        if key[0] == "TABLE"
    }
    return DatabaseRestore(name, name, f"dump/{name}", "x", None, tables, views, [], {}, needs=needs)


def message(
    monkeypatch: pytest.MonkeyPatch, *databases: DatabaseRestore, offer: Offer = OFFER, **options: t.Any
) -> str:
    """Return the reasons against a server, empty for none."""
    monkeypatch.setattr(refused, "read_offer", lambda *_arguments: offer)
    plan = RestorePlan(databases, Source("mysql", "9.7.4", 0), "none", 0, [])
    try:
        refused.refuse_unfit(t.cast("t.Any", None), offer.server, plan, **options)
    except TargetUnfit as error:
        return str(error).partition(" cannot hold the backup: ")[2].partition(". Nothing was changed")[0]
    return ""


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ({"engine": ["InnoDB"], "characters": ["utf8mb4", "utf8_bin", "utf8"], "later": ["x"]}, ""),
        ({"tablespace": ["ts"], "srid": ["4326"], "page": ["16384"], "row_format": ["dynamic"]}, ""),
        ({"own_file": ["yes"], "keyless": ["yes"], "compressed_rows": ["yes"], "partitions": ["yes"]}, ""),
        ({"tablespace": ["other"]}, "it has no tablespace other: CREATE TABLESPACE `other`"),
        ({"encryption": ["7"]}, "it has no keys to encrypt tables: load its keyring or encryption plugin"),
        ({"parser": ["ngram"]}, "it has no full-text parser ngram: install its plugin"),
        ({"type": ["uuid"]}, "it has no type UUID"),
        ({"history": ["yes"], "named_history": ["yes"]}, "it keeps no history of rows"),
    ],
)
def test_reasons(monkeypatch: pytest.MonkeyPatch, needs: t.Mapping[str, t.Sequence[str]], reason: str) -> None:
    found = message(monkeypatch, planned("d", {("TABLE", "t"): needs}))
    assert found == (f"{reason} (table d.t)" if reason else "")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"super_read_only": "OFF", "innodb_read_only": "OFF"}, ""),
        ({"super_read_only": "ON"}, "its super_read_only is ON: SET GLOBAL super_read_only = OFF"),
        ({"innodb_read_only": "ON"}, "its innodb_read_only is ON: start it without"),
        ({"secure_timestamp": "SUPER", "mysql56_temporal_format": "ON"}, ""),
        ({"secure_timestamp": "YES"}, "its secure_timestamp is YES: start it with NO (table d.t)"),
        (
            {"mysql56_temporal_format": "OFF"},
            "its mysql56_temporal_format is OFF: SET GLOBAL mysql56_temporal_format = ON (table d.t)",
        ),
    ],
)
def test_states(monkeypatch: pytest.MonkeyPatch, settings: t.Mapping[str, str], reason: str) -> None:
    one = planned("d", {("TABLE", "t"): {"history": ["yes"], "named_history": ["yes"]}})
    offer = OFFER._replace(server=SERVER._replace(product="mariadb"), settings={**OFFER.settings, **settings})
    assert message(monkeypatch, one, offer=offer) == reason


def test_what_an_account_must_not_know_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    one = planned("d", {("TABLE", "t"): {"tablespace": ["a"], "srid": ["7"], "encryption": ["yes"]}})
    unknown = OFFER._replace(tablespaces=None, reference_systems=None, lacks_encryption=False)
    assert message(monkeypatch, one, offer=unknown) == ""


def test_what_costs_a_proof_one_table_is_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    one = planned("d", {("TABLE", "t"): {"tablespace": ["a"], "packet": ["2000000"]}})
    assert message(monkeypatch, one, except_for=SCRATCH_NEEDS) == ""


def test_a_table_without_rows_of_its_own_costs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert message(monkeypatch, planned("d", {("TABLE", "t"): {"engine": ["FEDERATED"]}})) == ""


def test_objects_with_one_reason_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {
        ("TABLE", "b"): {"engine": ["X"]},
        ("TABLE", "a"): {"engine": ["X"]},
        ("SEQUENCE", "s"): {},
        ("DATABASE", "d"): {"characters": ["y"]},
    }
    assert message(monkeypatch, planned("d", needs)) == (
        "it has no engine X: install its plugin (table d.a, table d.b); it has no objects of this kind (sequence d.s); "
        "it has no collation y (database d)"
    )


@pytest.mark.parametrize(
    ("longest", "reason"),
    [
        (1048574, ""),
        (1048575, "its max_allowed_packet is 1048576 and must be 1049600: SET GLOBAL max_allowed_packet = 1049600"),
        # No server takes it, and a restore brings back the rest.
        (1024**3, ""),
    ],
)
def test_long_statements(monkeypatch: pytest.MonkeyPatch, longest: int, reason: str) -> None:
    """A server accepts a statement that is two bytes shorter than its limit, and no longer one."""
    found = message(
        monkeypatch, planned("d", {("TABLE", "t"): {}, ("VIEW", "v"): {"packet": ["70000"]}}, longest=longest)
    )
    assert found == (f"{reason} (table d.t)" if reason else "")


def test_a_definition_that_is_longer_than_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    one = planned("d", {("TABLE", "t"): {"packet": ["2000000"]}}, longest=1500000)
    assert "must be 2000896: " in message(monkeypatch, one)


def test_names_that_are_the_same_without_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    needs: t.Dict[t.Tuple[str, str], t.Any] = {("TABLE", "A"): {}, ("TABLE", "b"): {}}
    databases = [planned("d", needs, "a"), planned("D", {("TABLE", "c"): {}}), planned("e", needs)]
    assert message(monkeypatch, *databases) == ""
    offer = OFFER._replace(server=SERVER._replace(lower_case_table_names=1))
    assert message(monkeypatch, *databases, offer=offer) == (
        "its lower_case_table_names is 1, so that these have the same name"
        " (database D, database d, table d.A, view d.a)"
    )
    assert message(monkeypatch, databases[2], offer=offer) == ""
