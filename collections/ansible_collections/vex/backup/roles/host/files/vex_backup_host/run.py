# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup run``: one backup. It prints nothing unless the backup fails."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sys
import textwrap
import time
import typing as t

import yaml

from .places import Places
from .playbook import play
from .statuses import DONE, FAILED, MISCONFIGURED, InProgress, Misconfigured

# Exit statuses of ansible-playbook: a task failed; a task failed and another host was unreachable.
TASK_FAILED = (2, 3)
TASK = re.compile(r"^(?:PLAY|TASK|NO MORE HOSTS|RUNNING HANDLER)\b.*$", re.MULTILINE)


def run(places: Places, *, verbose: bool) -> int:
    """Back up the server.

    :param verbose: print Ansible's output instead of writing it to the log
    :returns: the command's exit status
    :raises InProgress: when another run of this server is in progress
    """
    with only_run(places), in_use(places.release):
        if verbose:
            return _status(play(places, "backup", output=sys.stdout.fileno()).status)
        started = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        ended = play(places, "backup")
    status = _status(ended.status)
    with open(places.log, "a", encoding="utf-8") as log:
        log.write(f"== {started}: exit status {status}\n{ended.output}\n")
    if status != DONE:
        sys.stderr.write(
            f"vex-backup: the backup that started at {started} failed; its whole output is in {places.log}\n"
            f"{last_failure(ended.output)}\n"
        )
    return status


def last_failure(output: str) -> str:
    """Return the last failure in Ansible's output: the message of a task, else the text, else all of the output."""
    begin = max(output.rfind("\nfatal: "), output.rfind("\n[ERROR]: "), output.rfind("\nERROR! "))
    failure = output[begin + 1 :]
    end = TASK.search(failure)
    failure = failure[: end.start()].strip() if begin >= 0 and end else failure.strip()
    return _message(failure) or failure


def _message(failure: str) -> str:
    """Return the message in the result of a task, empty when the result has another form.

    The result of a module that ended without one is shown whole: its text is in other keys.
    """
    with contextlib.suppress(yaml.YAMLError):
        result = yaml.safe_load(textwrap.dedent(failure.partition("=>")[2].lstrip("\n").rstrip()))
        if isinstance(result, dict) and "msg" in result and not result.keys() & {"exception", "module_stderr"}:
            return str(result["msg"])
    return ""


def _status(ansible: int) -> int:
    if ansible == 0:
        return DONE
    return FAILED if ansible in TASK_FAILED else MISCONFIGURED


@contextlib.contextmanager
def only_run(places: Places) -> t.Iterator[None]:
    """Hold the lock of the server's runs. The kernel frees it when this process ends.

    :raises InProgress: at once, when another process holds it
    """
    try:
        descriptor = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Misconfigured(
            f"{places.lock} cannot be opened ({error.strerror}): run playbooks/deploy.yml from the control node"
        ) from None
    with open(descriptor, "r+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InProgress(
                f"a run is in progress, process {lock.read().strip() or 'unknown'}: nothing was done. "
                "Wait for its end, or leave more time between runs in the schedule"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@contextlib.contextmanager
def in_use(release: str) -> t.Iterator[None]:
    """Hold the lock of a release, so that no deployment removes it while it runs."""
    descriptor = os.open(os.path.join(release, "complete"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)
