"""The servers of the tests and the demo: they start in any directory, and end only their own processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.playbook import ROOT
from tests.servers.mariadb import MariaDB
from tests.servers.ports import Reservations, free_port, is_free
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


def test_a_port_is_given_once(tmp_path: Path) -> None:
    """To one process, although nobody listens on it yet; when that has ended, to another."""
    port = free_port()
    assert is_free(port)
    assert free_port(port) != port
    asked = f"from tests.servers.ports import free_port; print(free_port({port}), flush=True); input()"
    given = []
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", asked], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            given.append(int(other.stdout.readline()))
            other.communicate("\n")
    assert port not in given


def test_ports_are_reserved_until_their_process_ends(tmp_path: Path) -> None:
    reserve = (
        "import pathlib, sys; from tests.servers.ports import Reservations;"
        " print(Reservations(pathlib.Path(sys.argv[1])).take(12001, 22001), flush=True); input()"
    )
    here = Reservations(tmp_path / "ports")
    with subprocess.Popen(
        [sys.executable, "-c", reserve, str(tmp_path / "ports")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        # The first is free, and is not kept without the second.
        assert not here.take(12002, 22001)
        assert not here.take(12001)
        other.communicate("\n")
    assert here.take(12002, 22001)
    assert not here.take(22001)
    assert here.take(12001)
