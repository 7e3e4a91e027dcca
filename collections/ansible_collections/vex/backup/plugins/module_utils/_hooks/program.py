# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program of a hook: its output, of which the end is kept, its time limit, and the end of its process group."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import ProcessGroup
from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout

OUTPUT_BYTES = 16 * 1024
# The capacity of a pipe.
_READ_BYTES = 64 * 1024
# A program that the hook left in the background may keep the output open after the hook's end.
_CHECK_SECONDS = 0.2


class Ended(t.NamedTuple):
    """The end of a program.

    ``problem`` completes a sentence that begins with the program, and is empty for an exit status of 0. ``output`` is
    the end of its output and of its errors, and ``left_out`` the number of bytes before it.
    """

    problem: str
    output: str
    left_out: int


class _Tail:
    """The last bytes of an output."""

    def __init__(self) -> None:
        self.kept = b""
        self.left_out = 0

    def add(self, block: bytes) -> None:
        """Keep *block*, and drop what is too much at the beginning."""
        joined = self.kept + block
        self.kept = joined[-OUTPUT_BYTES:]
        self.left_out += len(joined) - len(self.kept)


def run_program(argv: t.Sequence[str], environment: t.Mapping[str, str], timeout: int) -> Ended:
    """Run a program to its end, or end its process group after *timeout* seconds.

    Its input is empty, its directory is ``/``, and others cannot read the files that it makes.

    :param environment: all variables of the program: it inherits none
    :raises Interrupted: when a signal tells this process to end, within ``ending_children``; the group is ended
    """
    tail = _Tail()
    process: t.Optional[ProcessGroup] = None
    has_ended = False
    reading, writing = os.pipe()
    try:
        with undisturbed():
            try:
                process = _start(argv, environment, writing)
            except OSError as error:
                return Ended(f"could not be started ({error.strerror})", "", 0)
            finally:
                # The program has its own copy. While this one is open, the output never ends.
                os.close(writing)
        has_ended = _read(process, reading, tail, Deadline(timeout, "the hook"))
    finally:
        # A signal that arrives meanwhile must not leave a part of the group.
        with undisturbed():
            if process is not None and not has_ended:
                process.end()
            _drain(reading, tail)
            os.close(reading)
    problem = _problem(process.wait()) if has_ended else f"took longer than {timeout} seconds and was ended"
    # An undecodable byte becomes a replacement character.
    return Ended(problem, tail.kept.decode("utf-8", "replace"), tail.left_out)


def _start(argv: t.Sequence[str], environment: t.Mapping[str, str], output: int) -> ProcessGroup:
    return ProcessGroup(
        argv,
        cwd="/",
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        umask=0o077,
    )


def _read(process: ProcessGroup, reading: int, tail: _Tail, deadline: Deadline) -> bool:
    """Read the output until the program has ended; return ``False`` when its time has passed before."""
    is_open = True
    while not process.ends_within(0):
        try:
            left = t.cast("float", deadline.remaining())
        except CommandTimeout:
            return False
        if not is_open:
            process.ends_within(left)
        elif select.select([reading], [], [], min(left, _CHECK_SECONDS))[0]:
            block = os.read(reading, _READ_BYTES)
            is_open = bool(block)
            tail.add(block)
    return True


def _drain(reading: int, tail: _Tail) -> None:
    """Read what is in the pipe at the program's end."""
    if select.select([reading], [], [], 0)[0]:
        tail.add(os.read(reading, _READ_BYTES))


def _problem(returncode: int) -> str:
    if returncode < 0:
        return f"was ended by signal {-returncode} ({signal.strsignal(-returncode)})"
    return f"ended with exit status {returncode}" if returncode else ""
