"""The servers of the tests and the demo: they start in any directory, and end only their own processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.servers.mariadb import MariaDB
from tests.servers.process import Process, ServerFailed


def test_a_server_starts_in_a_directory_too_deep_for_a_socket(tmp_path: Path) -> None:
    with MariaDB(tmp_path / ("deep" * 30)) as server:
        assert server.execute("SELECT 1") == ((1,),)
        socket = Path(server.socket)
    assert not socket.exists()
    assert not socket.parent.exists()


def test_a_process_with_the_id_of_an_ended_server_is_not_ended(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        server = Process("server", tmp_path)
        server.pid_file.write_text(f"{stranger.pid} 1\n")
        assert server.pid is None
        server.stop()
        assert stranger.poll() is None
        stranger.kill()


def test_another_program_finds_the_server_by_its_pid_file(tmp_path: Path) -> None:
    started = Process("server", tmp_path)
    started.start(["sleep", "60"], lambda: True)
    found = Process("server", tmp_path)
    assert found.pid == started.pid
    found.stop()
    assert started.pid is None


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    server = Process("server", tmp_path)
    with pytest.raises(ServerFailed, match=r"(?s)exit status 3.*no such table"):
        server.start(["sh", "-c", "echo no such table; exit 3"], lambda: False)


def test_a_server_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    server = Process("server", tmp_path)
    with pytest.raises(ServerFailed, match="not ready after 1 seconds"):
        server.start(["sleep", "60"], lambda: False, timeout=1)
    assert server.pid is None
