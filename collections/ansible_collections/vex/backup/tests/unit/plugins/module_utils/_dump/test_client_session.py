# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A session with a program that stands for the server's client: each of its ends is reported, and none hangs."""

from __future__ import annotations

import pathlib
import signal
import threading
import time
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._dump.client_session import ClientSession, client_session
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.client import Client

# Prints the texts of SELECT, as the client does, and obeys some words.
CLIENT = r"""#!/usr/bin/env python3
import os, signal, sys, time
for line in sys.stdin:
    words = line.split()
    if words[0] == "SELECT":
        print(line.split("'")[1], flush=True)
    elif words[0] == "ROWS":
        for number in range(int(words[1])):
            print("x" * int(words[2]) + str(number))
    elif words[0] == "SPLIT":
        sys.stdout.write("a\n-- end of"); sys.stdout.flush(); time.sleep(0.2); print(" 7\nb")
    elif words[0] == "FAIL":
        print("--------------\\nSELECT 1\\n--------------\\n", file=sys.stderr)
        print("ERROR 1146 (42S02) at line 3: Table 'd.t'\n doesn't exist", file=sys.stderr)
        sys.exit(1)
    elif words[0] == "EXIT":
        sys.exit(int(words[1]))
    elif words[0] == "SLEEP":
        time.sleep(60)
    elif words[0] == "DIE":
        os.kill(os.getpid(), signal.SIGKILL)
    elif words[0] == "ARGUMENTS":
        print(*sys.argv[1:], sep="\n")
        print(*(f"{name}={os.environ.get(name)}" for name in ("LC_ALL", "CHARSET")), sep="\n")
"""


@pytest.fixture
def client(tmp_path: pathlib.Path) -> Client:
    program = tmp_path / "mysql"
    program.write_text(CLIENT, encoding="ascii")
    program.chmod(0o755)
    return Client(str(program), "mysql  Ver 1.2")


def opened(client: Client, seconds: int = 60) -> t.ContextManager[ClientSession]:
    # Any open descriptor does in place of a lock.
    return client_session(client, "/p/client.cnf", 2, Deadline(seconds, "the dump"))


def test_output_of_statements(client: Client) -> None:
    with opened(client) as session:
        session.begin_snapshot()
        assert b"".join(session.output("")) == b""
        lines = b"".join(session.output("ROWS 3 1\n"))
        assert lines == b"x0\nx1\nx2\n"
        assert b"".join(session.output("SPLIT\n")) == b"a\n-- end of 7\nb\n"


@pytest.mark.parametrize("length", [1, 1000, 70_000, 1_000_000])
def test_blocks_are_whole_lines(client: Client, length: int) -> None:
    with opened(client) as session:
        blocks = list(session.output(f"ROWS 20 {length}\n"))
    assert all(block.endswith(b"\n") for block in blocks if block)
    assert b"".join(blocks) == b"".join(b"x" * length + b"%d\n" % number for number in range(20))


def test_very_long_line_takes_little_time(client: Client) -> None:
    with opened(client) as session:
        started = time.process_time()
        size = sum(map(len, session.output("ROWS 1 100000000\n")))
        assert time.process_time() - started < 5
    assert size == 100_000_002


def test_arguments(client: Client) -> None:
    with opened(client) as session:
        lines = b"".join(session.output("ARGUMENTS\n")).decode().splitlines()
    assert lines[0] == "--defaults-file=/p/client.cnf"
    assert {"--raw", "--skip-column-names", "--quick", "--skip-reconnect"} <= set(lines)
    assert lines[-2:] == ["LC_ALL=C.UTF-8", "CHARSET=UTF-8"]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("FAIL", "ERROR 1146 (42S02) at line 3: Table 'd.t' doesn't exist"),
        ("ROWS 5 100000\nFAIL", "ERROR 1146 (42S02) at line 3: Table 'd.t' doesn't exist"),
        ("EXIT 0", "it exited with 0"),
        ("EXIT 7", "it exited with 7"),
        ("DIE", "it exited with -9"),
    ],
)
def test_end_of_the_client_is_a_failure(client: Client, statement: str, reason: str) -> None:
    with pytest.raises(DumpFailed) as caught, opened(client) as session:
        list(session.output(f"{statement}\n"))
    assert str(caught.value) == f"the program mysql stopped before the end of its rows: {reason}"


def test_client_that_ended_between_two_statements(client: Client) -> None:
    with opened(client) as session:
        list(session.output(""))
        session._program.feed(b"EXIT 3\n", Deadline(0, "the dump"))
        assert session._program.has_ended(within=60)
        with pytest.raises(DumpFailed, match="stopped before the end of its rows: it exited with 3"):
            list(session.output(""))


def test_time_limit_while_the_client_works(client: Client) -> None:
    with pytest.raises(CommandTimeout), opened(client, seconds=1) as session:
        list(session.output("SLEEP\n"))


def test_time_limit_while_the_client_ends(client: Client) -> None:
    with pytest.raises(CommandTimeout, match="the dump took longer than 1 seconds"), opened(client, seconds=1) as one:
        # It does not read the end of its input.
        assert one._program.feed(b"SLEEP\n", Deadline(0, "the dump"))


def test_end_by_another_thread(client: Client) -> None:
    with opened(client) as session:
        threading.Timer(0.5, session.end).start()
        with pytest.raises(DumpFailed, match=f"it exited with -{signal.SIGTERM.value}"):
            list(session.output("SLEEP\n"))


def test_names_that_are_not_utf_8(client: Client) -> None:
    with opened(client) as session:
        assert b"".join(session.output("SELECT 'bad\udcff';\n")) == b"bad\xff\n"
