# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A MyDumper that waits for itself is ended; one that works, or whose server cannot be asked, is not."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t
from unittest import mock

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.process import running
from ansible_collections.vex.backup.plugins.module_utils._dump import stall_guard as stall_guard_module
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpStalled, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login

LOGIN = Login("127.0.0.1", 3306, None, "vex", "", None)
OWN, IDLE, BUSY = (1, "vex", "", None, "Query"), (2, "vex", "", None, "Sleep"), (3, "vex", "", None, "Query")
OTHER = (4, "shop", "", None, "Query")


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall_guard_module, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(stall_guard_module, "POLL_SECONDS", 0.05)


def answer(monkeypatch: pytest.MonkeyPatch, rows: t.Sequence[t.Tuple[t.Any, ...]]) -> None:
    connection = mock.MagicMock()
    connection.__enter__.return_value = connection
    connection.thread_id.return_value = OWN[0]
    connection.cursor.return_value.__enter__.return_value.fetchall.return_value = rows
    monkeypatch.setattr(stall_guard_module, "connect", lambda _login: connection)


def wait(program: str, log: pathlib.Path) -> None:
    with running(["sh", "-c", program]) as started, stall_guard_module.stall_guard(started, str(log), LOGIN):
        started.wait(30)


@pytest.mark.parametrize("rows", [[], [OWN, IDLE], [OWN, IDLE, OTHER]])
def test_a_stalled_program_is_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, rows: t.List[t.Tuple[t.Any, ...]]
) -> None:
    answer(monkeypatch, rows)
    with pytest.raises(DumpStalled, match="blocked all writers"):
        wait("sleep 60", tmp_path / "log")


def test_a_program_whose_connections_work_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    answer(monkeypatch, [OWN, IDLE, BUSY])
    wait("sleep 1", tmp_path / "log")


def test_a_program_that_writes_its_log_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    # Longer than a busy machine keeps the program from writing.
    monkeypatch.setattr(stall_guard_module, "STALL_SECONDS", 3)
    answer(monkeypatch, [OWN, IDLE])
    log = tmp_path / "log"
    wait(f"for i in $(seq 80); do echo line >>{log}; sleep 0.05; done", log)


def test_a_server_that_does_not_answer_is_no_stall(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(stall_guard_module, "connect", mock.Mock(side_effect=ServerUnavailable("away")))
    wait("sleep 1", tmp_path / "log")


def test_another_error_of_the_block_passes(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    answer(monkeypatch, [OWN, BUSY])
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(running(["true"]))
        with pytest.raises(KeyError), stall_guard_module.stall_guard(program, str(tmp_path / "log"), LOGIN):
            raise KeyError
