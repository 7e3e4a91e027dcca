# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of hooks: their output, their time limit, and the end of all their processes."""

from __future__ import annotations

import errno
import os
import pathlib
import signal
import threading
import time
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common import process as process_module
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import Interrupted
from ansible_collections.vex.backup.plugins.module_utils._hooks.program import OUTPUT_BYTES, Ended, run_program

# Seconds that a slow machine may take. A hook ends long before.
PATIENT = 120


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "GRACE_SECONDS", 1)


def shell(script: str, timeout: int = PATIENT, **environment: str) -> Ended:
    """Run a shell script."""
    return run_program(["/bin/sh", "-c", script], {"PATH": os.environ["PATH"], **environment}, timeout)


def is_gone(pid: int) -> bool:
    """Wait until a process has ended; return whether it has."""
    for _attempt in range(PATIENT * 10):
        try:
            os.kill(pid, 0)
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def read_when_there(path: pathlib.Path) -> str:
    """Return the content of a file as soon as it is there."""
    for _attempt in range(PATIENT * 10):
        if path.exists():
            return path.read_text()
        time.sleep(0.1)
    raise AssertionError(f"{path} was not written")


def test_output_and_errors_in_their_order() -> None:
    assert shell("echo one; echo two >&2; echo three") == Ended("", "one\ntwo\nthree\n", 0)


def test_environment_input_directory_and_mask(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "secret")
    made = tmp_path / "made"
    ended = shell(f'cat; pwd; echo "$FACT/$CANARY"; : >{made}', FACT="yes")
    assert ended == Ended("", "/\nyes/\n", 0)
    assert made.stat().st_mode & 0o777 == 0o600


def test_the_end_of_a_long_output_is_kept() -> None:
    ended = shell("head -c 3000000 /dev/zero | tr '\\0' a; echo; echo end")
    assert ended.output.endswith("a\nend\n")
    assert (len(ended.output), ended.left_out) == (OUTPUT_BYTES, 3_000_005 - OUTPUT_BYTES)


def test_output_that_is_no_text() -> None:
    assert shell(r"printf 'a\377b\000c'").output == "a\ufffdb\0c"


@pytest.mark.parametrize(
    ("script", "problem"),
    [("exit 3", "ended with exit status 3"), ("kill -9 $$", "was ended by signal 9 (Killed)")],
)
def test_failure(script: str, problem: str) -> None:
    assert shell(f"echo last; {script}") == Ended(problem, "last\n", 0)


def test_program_cannot_start(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "no program"
    assert run_program([str(script)], {}, PATIENT).problem == f"could not be started ({os.strerror(errno.ENOENT)})"
    script.write_text("no first line")
    assert run_program([str(script)], {}, PATIENT).problem == f"could not be started ({os.strerror(errno.EACCES)})"
    script.chmod(0o700)
    assert run_program([str(script)], {}, PATIENT).problem == f"could not be started ({os.strerror(errno.ENOEXEC)})"


def test_output_that_is_closed_early(tmp_path: pathlib.Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    opener = threading.Thread(target=gate.write_text, args=("go\n",))
    opener.start()
    assert shell(f"echo bye; exec >&- 2>&-; read word <{gate}; exit 4") == Ended("ended with exit status 4", "bye\n", 0)
    opener.join()


def test_background_program_does_not_delay_the_end(tmp_path: pathlib.Path) -> None:
    """The program keeps the output open, and lives on."""
    ended = shell(f"sleep 600 & echo $! >{tmp_path}/pid; echo done")
    assert ended == Ended("", "done\n", 0)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGKILL)


def test_timeout_ends_grandchildren(tmp_path: pathlib.Path) -> None:
    """The hook and its grandchild ignore SIGTERM."""
    ended = shell(f"trap '' TERM; sh -c 'sleep 600 & echo $! >{tmp_path}/pid; wait' & echo begun; sleep 600", 2)
    assert ended == Ended("took longer than 2 seconds and was ended", "begun\n", 0)
    assert is_gone(int(read_when_there(tmp_path / "pid")))


def test_signal_ends_the_group(tmp_path: pathlib.Path) -> None:
    def interrupt() -> None:
        read_when_there(tmp_path / "pid")
        os.kill(os.getpid(), signal.SIGTERM)

    sender = threading.Thread(target=interrupt)
    script = f"sleep 600 & echo $! >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait"
    sender.start()
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
        shell(script)
    sender.join()
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_no_descriptor_is_left() -> None:
    def descriptors() -> t.List[str]:
        return sorted(os.listdir("/proc/self/fd"))

    before = descriptors()
    shell("exit 1")
    run_program(["/nowhere"], {}, PATIENT)
    assert descriptors() == before


def test_signal_at_the_timeout_leaves_no_process(tmp_path: pathlib.Path) -> None:
    """The group ignores SIGTERM, and this process gets a signal while it ends the group."""

    def interrupt() -> None:
        read_when_there(tmp_path / "told")
        os.kill(os.getpid(), signal.SIGTERM)

    script = f"sh -c 'trap \"\" TERM; sleep 600 & echo $! >{tmp_path}/pid; wait' & "
    script += f"trap 'touch {tmp_path}/told; while :; do wait; done' TERM; while :; do sleep 1; done"
    sender = threading.Thread(target=interrupt)
    sender.start()
    with pytest.raises(Interrupted, match="SIGTERM"), ending_children():
        shell(script, 2)
    sender.join()
    assert is_gone(int(read_when_there(tmp_path / "pid")))
