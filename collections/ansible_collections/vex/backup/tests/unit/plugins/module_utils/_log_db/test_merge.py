# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the merge of two states of a run."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import State, combine, merge

STATUS = "status_backup"
ROWS = st.dictionaries(
    st.sampled_from([STATUS, "etapa", "observacao", "data_inicio", "data_encerramento"]),
    st.integers(0, 3),
    max_size=5,
)


@pytest.mark.parametrize(
    ("older", "newer", "merged"),
    [
        ({}, {STATUS: 0}, {STATUS: 0}),
        ({STATUS: 0, "etapa": "dump"}, {"etapa": "pack"}, {STATUS: 0, "etapa": "pack"}),
        ({STATUS: 0}, {STATUS: 3, "observacao": "x"}, {STATUS: 3, "observacao": "x"}),
        ({STATUS: 1}, {STATUS: 3}, {STATUS: 3}),
        ({STATUS: 1, "etapa": "mail"}, {STATUS: 0, "etapa": "dump"}, {STATUS: 1, "etapa": "mail"}),
        ({STATUS: 3, "etapa": None}, {STATUS: 0, "etapa": "dump"}, {STATUS: 3, "etapa": "dump"}),
        ({STATUS: 1}, {"etapa": "mail"}, {STATUS: 1, "etapa": "mail"}),
        ({"data_encerramento": "1"}, {"data_encerramento": "2"}, {"data_encerramento": "1"}),
        ({"data_encerramento": None}, {"data_encerramento": "2"}, {"data_encerramento": "2"}),
    ],
)
def test_merge(older: t.Dict[str, t.Any], newer: t.Dict[str, t.Any], merged: t.Dict[str, t.Any]) -> None:
    assert merge(older, newer, STATUS) == merged


@given(ROWS, ROWS)
def test_an_ended_run_is_never_reopened(older: t.Dict[str, int], newer: t.Dict[str, int]) -> None:
    merged = merge(older, newer, STATUS)
    if older.get(STATUS):
        assert merged[STATUS] != 0
    if "data_encerramento" in older:
        assert merged["data_encerramento"] == older["data_encerramento"]


@given(ROWS, ROWS)
def test_the_same_state_twice_changes_nothing(older: t.Dict[str, int], newer: t.Dict[str, int]) -> None:
    once = merge(older, newer, STATUS)
    assert merge(once, newer, STATUS) == once


def test_combine_merges_every_row() -> None:
    older = State("u", {STATUS: 1}, {"s3": {"status_upload": 3, "bucket": "b"}}, {"status": 3, "linhas": 7})
    running = {"status_upload": 0, "bucket": "c"}
    uploads = {"s3": running, "vault": running}
    newer = State("u", {STATUS: 0, "etapa": "mail"}, uploads, {"status": 0, "tabelas": 1})
    assert combine(older, newer) == State(
        "u",
        {STATUS: 1, "etapa": "mail"},
        {"s3": {"status_upload": 3, "bucket": "b"}, "vault": running},
        {"status": 3, "linhas": 7, "tabelas": 1},
    )
    assert combine(older._replace(restore={}), newer).restore == newer.restore
