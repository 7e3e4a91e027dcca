# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real child processes: their input, their output, and their end."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import signal
import sys
import threading
import time
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import process as process_module
from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run, running
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, Interrupted, ProgramMissing

# A group leader and its child, which write their process ids to a file.
FAMILY = """
import os, pathlib, signal, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
(folder / "pids.new").write_text(f"{os.getpid()} {child.pid}")
(folder / "pids.new").rename(folder / "pids")
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "GRACE_SECONDS", 2)


def family(folder: pathlib.Path, *options: str) -> t.List[str]:
    return [sys.executable, "-c", FAMILY, str(folder), *options]


def wait_for(condition: t.Callable[[], bool]) -> bool:
    end = time.monotonic() + 300
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def is_gone(pid: int) -> bool:
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    # It has ended, but its new parent has not reaped it yet.
    return state in "ZX"


def assert_family_is_gone(folder: pathlib.Path) -> None:
    pids = [int(pid) for pid in (folder / "pids").read_text(encoding="ascii").split()]
    assert len(pids) == 2
    assert wait_for(lambda: all(map(is_gone, pids)))


@pytest.fixture
def signals() -> t.Iterator[t.Callable[[pathlib.Path, t.Sequence[int]], None]]:
    """Send signals to this process as soon as the family runs."""
    threads = []

    def send(folder: pathlib.Path, numbers: t.Sequence[int]) -> None:
        def work() -> None:
            wait_for((folder / "pids").exists)
            for number in numbers:
                os.kill(os.getpid(), number)
                time.sleep(0.5)

        thread = threading.Thread(target=work)
        thread.start()
        threads.append(thread)

    yield send
    for thread in threads:
        thread.join()


def test_output_of_a_program() -> None:
    script = "cat; echo out; printf 'bad\\377' >&2; echo $WORD; pwd; exit 3"
    done = run(["sh", "-c", script], cwd="/", environment={"WORD": "ação"}, stdin=b"in\n")
    assert done == (3, "in\nout\nação\n/\n", "bad\udcff")


def test_long_output_keeps_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "OUTPUT_LIMIT", 6)
    assert run(["sh", "-c", "echo 123456789; echo 12345 >&2"]) == (0, "56789\n", "12345\n")


def test_death_by_a_signal_is_a_negative_status() -> None:
    assert run(["sh", "-c", "kill -KILL $$"]).returncode == -signal.SIGKILL


def test_secret_is_only_on_standard_input() -> None:
    script = "read secret; tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$$/environ; echo; echo got $secret"
    done = run(["sh", "-c", script], stdin=b"c4nary\n")
    before, _got, after = done.stdout.rpartition("got ")
    assert after == "c4nary\n"
    assert "c4nary" not in before


def test_program_without_input() -> None:
    assert run(["cat"], timeout=300) == (0, "", "")


def test_lock_lasts_as_long_as_the_program(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        script = "import fcntl, sys; fcntl.flock(int(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        argv = [sys.executable, "-c", script, str(stream.fileno())]
        assert run(argv, keep_open=[stream.fileno()]).returncode == 0
        assert run(argv).returncode == 1


@pytest.mark.parametrize("options", [(), ("deaf",)], ids=["listening", "deaf"])
def test_timeout_ends_the_whole_group(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, options: t.Tuple[str, ...]
) -> None:
    start = process_module.ProcessGroup

    def started(*arguments: t.Any, **given: t.Any) -> t.Any:
        process = start(*arguments, **given)
        assert wait_for((tmp_path / "pids").exists)
        return process

    monkeypatch.setattr(process_module, "ProcessGroup", started)
    with pytest.raises(CommandTimeout, match="ran longer than 1 seconds and was ended"):
        run(family(tmp_path, *options), timeout=1)
    assert_family_is_gone(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_ends_the_whole_group(
    tmp_path: pathlib.Path, signals: t.Callable[[pathlib.Path, t.Sequence[int]], None], number: signal.Signals
) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    signals(tmp_path, [number])
    with pytest.raises(Interrupted, match=f"interrupted by {number.name}"), ending_children():
        run(family(tmp_path), timeout=300)
    assert_family_is_gone(tmp_path)
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before


def test_signal_while_the_program_starts_ends_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = process_module.ProcessGroup

    def interrupted(*arguments: t.Any, **options: t.Any) -> t.Any:
        process = start(*arguments, **options)
        assert wait_for((tmp_path / "pids").exists)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    monkeypatch.setattr(process_module, "ProcessGroup", interrupted)
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
        run(family(tmp_path), timeout=300)
    assert_family_is_gone(tmp_path)


def test_second_signal_does_not_stop_the_clean_up(
    tmp_path: pathlib.Path,
    signals: t.Callable[[pathlib.Path, t.Sequence[int]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # After it, a signal would end the tests.
    monkeypatch.setattr(process_module, "GRACE_SECONDS", 8)
    signals(tmp_path, [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
        run(family(tmp_path, "deaf"), timeout=300)
    assert_family_is_gone(tmp_path)


def test_group_that_has_ended_is_no_error() -> None:
    process = process_module.ProcessGroup(["true"])
    process.wait()
    process.end()
    assert process.returncode == 0


def test_first_program_on_the_host_is_found() -> None:
    assert find_program(["no-such-program-1", "sh", "cat"], "install sh").endswith("/sh")
    with pytest.raises(
        ProgramMissing, match="none of no-such-program-1, no-such-program-2 is on this host: install it"
    ):
        find_program(["no-such-program-1", "no-such-program-2"], "install it")


def test_open_files(tmp_path: pathlib.Path) -> None:
    script = f"exec 3>{tmp_path}/open 4>{tmp_path}/closed; exec 4>&-; touch {tmp_path}/ready; read line"
    with running(["sh", "-c", script], stdin=None) as program:
        assert wait_for((tmp_path / "ready").exists)
        # The program that made the third file may have it open still.
        known = {f"{tmp_path}/open", f"{tmp_path}/closed"}
        assert known.intersection(program.open_files()) == {f"{tmp_path}/open"}
        program.finish(Deadline(0, "the program"))
        with pytest.raises(FileNotFoundError):
            program.open_files()


def test_output_is_read_while_the_program_runs() -> None:
    script = "head -c 3000000 /dev/zero; echo done >&2; exit 3"
    with running(["sh", "-c", script], piped=True) as program:
        assert sum(len(block) for block in program.output(60)) == 3000000
        done = program.wait(60)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "done\n")


def test_a_program_is_fed_while_it_runs() -> None:
    count = "import sys; print(len(sys.stdin.buffer.read()))"
    deadline = Deadline(300, "the test")
    with running([sys.executable, "-c", count], stdin=None) as program:
        assert all(program.feed(b"x" * 1_000_000, deadline) for _time in range(3))
        assert program.finish(deadline).stdout == "3000000\n"


def test_feeding_a_program_that_has_ended() -> None:
    deadline = Deadline(300, "the test")
    with running([sys.executable, "-c", "import sys; sys.exit(3)"], stdin=None) as program:
        assert wait_for(lambda: not program.feed(b"x" * 1_000_000, deadline))
        assert program.finish(deadline).returncode == 3


def test_a_stopped_deadline_ends_a_program_that_does_not_read() -> None:
    deadline = Deadline(None, "the test")
    threading.Timer(0.2, deadline.stop).start()
    with pytest.raises(CommandTimeout, match="the test was stopped"), running(["sleep", "600"], stdin=None) as program:
        program.feed(b"x" * 1_000_000, deadline)
    deadline = Deadline(0.5, "the test")
    with pytest.raises(CommandTimeout, match="took longer"), running(["sleep", "600"], stdin=None) as program:
        program.finish(deadline)


def test_timeout_ends_the_reading() -> None:
    with (
        pytest.raises(CommandTimeout, match="sleep ran longer than 0 seconds and was ended"),
        running(["sleep", "600"], piped=True) as program,
    ):
        list(program.output(0.1))
    assert is_gone(program._process.pid)


@pytest.mark.parametrize("kernel", ["new", "old"])
def test_end_is_noticed(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_process: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    if kernel == "old":
        monkeypatch.setattr(os, "pidfd_open", refuse)
    with running(["sleep", "60"]) as program:
        assert not program.has_ended(within=0.05)
        os.kill(program._process.pid, signal.SIGKILL)
        assert program.has_ended(within=60)
        assert program.has_ended()
        assert program.wait(60).returncode == -signal.SIGKILL


def test_end_of_a_traced_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The descriptor of a traced program is ready before wait() returns its status."""
    with running([sys.executable, "-c", "pass"]) as program:
        monkeypatch.setattr(program._process, "poll", lambda: None)
        assert program.wait().returncode == 0
