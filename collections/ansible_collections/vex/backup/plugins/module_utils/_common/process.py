# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only place that starts processes: no secret in their arguments, a deadline, and none left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import tempfile
import time
import typing as t

from ansible.module_utils.common.process import get_bin_path

from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, ProgramMissing

OUTPUT_LIMIT = 256 * 1024
GRACE_SECONDS = 15
# Small enough to stay in a processor's own cache between the two that use it.
PIPE_BYTES = 256 * 1024
# Python 3.9 has no name for it.
_F_SETPIPE_SZ = 1031


class Completed(t.NamedTuple):
    """How a program ended.

    ``returncode`` is negative for death by that signal; ``stdout`` and ``stderr`` hold at most their last
    :data:`OUTPUT_LIMIT` bytes, decoded as UTF-8 (undecodable bytes become surrogate escapes).
    """

    returncode: int
    stdout: str
    stderr: str


def find_program(names: t.Sequence[str], remedy: str) -> str:
    """The path of the first of *names* that this host has.

    :param remedy: what to install, for the error
    :raises ProgramMissing: when it has none of them
    """
    for name in names:
        with contextlib.suppress(ValueError):
            return str(get_bin_path(name))
    raise ProgramMissing(f"none of {', '.join(names)} is on this host: {remedy}")


class Running:
    """A program under way; :func:`running` makes it."""

    def __init__(self, process: subprocess.Popen[bytes], program: str, stdout: t.BinaryIO, stderr: t.BinaryIO) -> None:
        self._process = process
        self._program = program
        self._stdout = stdout
        self._stderr = stderr

    def pieces(self, timeout: t.Optional[float] = None) -> t.Iterator[bytes]:
        """What it writes on standard output, as it comes; only of one that was started with ``piped``.

        :param timeout: seconds from now for all of it; ``None`` for no bound
        :raises CommandTimeout: after *timeout* seconds; the program is to be ended then
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self._stdout], [], [], left)[0]:
                raise self._late(timeout)
            piece = os.read(self._stdout.fileno(), PIPE_BYTES)
            if not piece:
                return
            yield piece

    def has_ended(self, within: float = 0) -> bool:
        """Whether it is over, or will be *within* that many seconds, which are waited for."""
        return _ends_within(self._process, within)

    def end(self) -> None:
        """End it and its group: SIGTERM, then SIGKILL after :data:`GRACE_SECONDS`."""
        _end_group(self._process)

    def wait(self, timeout: t.Optional[float] = None) -> Completed:
        """Wait for its end.

        :param timeout: seconds from now; ``None`` for no bound
        :raises CommandTimeout: after *timeout* seconds; the program is to be ended then
        """
        if not _ends_within(self._process, timeout):
            raise self._late(timeout)
        return Completed(self._process.wait(), _tail(self._stdout), _tail(self._stderr))

    def _late(self, timeout: t.Optional[float]) -> CommandTimeout:
        return CommandTimeout(f"{os.path.basename(self._program)} ran longer than {timeout:.0f} seconds and was ended")


@contextlib.contextmanager
def running(
    argv: t.Sequence[str],
    *,
    cwd: t.Optional[str] = None,
    environment: t.Optional[t.Mapping[str, str]] = None,
    stdin: t.Union[bytes, str] = b"",
    keep_open: t.Sequence[int] = (),
    piped: bool = False,
) -> t.Iterator[Running]:
    """Start a program, in a process group of its own, that runs while the body of the ``with`` does other things.

    Whatever raises in there (a deadline, a signal to this process) ends the whole group first:
    SIGTERM, then SIGKILL after :data:`GRACE_SECONDS`.

    :param argv: program and arguments; never a secret, every user of the host can read them
    :param environment: added to this process's own environment
    :param stdin: what the program reads on standard input: the place for secrets; a text is the path of a file
    :param keep_open: descriptors that the program inherits, so that a lock lives as long as it does
    :param piped: its standard output is read by :meth:`Running.pieces`, and not kept
    :raises Interrupted: when this process is told to end, within :func:`ending_children`
    """
    with contextlib.ExitStack() as files:
        source: t.BinaryIO
        if isinstance(stdin, str):
            source = files.enter_context(open(stdin, "rb"))
        else:
            source = t.cast("t.BinaryIO", files.enter_context(tempfile.TemporaryFile()))
            source.write(stdin)
            source.seek(0)
        stdout, output = _pipe(files) if piped else [files.enter_context(tempfile.TemporaryFile())] * 2
        stderr = files.enter_context(tempfile.TemporaryFile())
        process: t.Optional[subprocess.Popen[bytes]] = None
        has_ended = False
        try:
            with undisturbed():
                process = subprocess.Popen(
                    list(argv),
                    cwd=cwd,
                    env={**os.environ, **(environment or {})},
                    stdin=source,
                    stdout=output,
                    stderr=stderr,
                    pass_fds=list(keep_open),
                    start_new_session=True,
                )
            if piped:
                # The program has the other one: this would keep its end from being seen.
                output.close()
            yield Running(process, argv[0], stdout, stderr)
            process.wait()
            has_ended = True
        finally:
            if process is not None and not has_ended:
                _end_group(process)


def run(
    argv: t.Sequence[str],
    *,
    cwd: t.Optional[str] = None,
    environment: t.Optional[t.Mapping[str, str]] = None,
    stdin: t.Union[bytes, str] = b"",
    timeout: t.Optional[float] = None,
    keep_open: t.Sequence[int] = (),
) -> Completed:
    """Run a program to its end, as :func:`running` does.

    :param timeout: seconds the program may run; ``None`` for no bound
    :raises CommandTimeout: after *timeout* seconds
    :raises Interrupted: when this process is told to end, within :func:`ending_children`
    """
    with running(argv, cwd=cwd, environment=environment, stdin=stdin, keep_open=keep_open) as program:
        return program.wait(timeout)


def start_server(argv: t.Sequence[str], log: str) -> int:
    """Start a program that goes on when this process has ended; the caller ends it by its process id.

    :param argv: program and arguments; never a secret
    :param log: file that takes what it writes; made with mode 0600 when absent
    :returns: its process id, which is its group's too
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        process = subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    # Nobody waits for it here: this process has ended by then.
    process.returncode = 0
    return process.pid


def _ends_within(process: subprocess.Popen[bytes], seconds: t.Optional[float]) -> bool:
    """Whether a program ends within *seconds* (``None``: for ever), known at once when it does.

    Python's own waiting with a bound looks every twentieth of a second.
    """
    if process.poll() is not None:
        return True
    # Linux before 5.3 has no descriptors of processes.
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(process.pid)
        try:
            has_ended = bool(select.select([descriptor], [], [], seconds)[0])
        finally:
            os.close(descriptor)
        # One that is traced can be told to have ended before it can be waited for.
        return has_ended and _is_waited_for(process, None if seconds is None else GRACE_SECONDS)
    return _is_waited_for(process, seconds)


def _is_waited_for(process: subprocess.Popen[bytes], seconds: t.Optional[float]) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    # The group may hold helpers (a compressor) that outlive its leader, so it is the group that is waited out.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _pipe(files: contextlib.ExitStack) -> t.List[t.BinaryIO]:
    """The two ends of a pipe: to read from, to write to."""
    reading, writing = os.pipe()
    # Each piece wakes two programs. The bound on what all pipes of a user may hold can make it a smaller one.
    with contextlib.suppress(OSError):
        fcntl.fcntl(reading, _F_SETPIPE_SZ, PIPE_BYTES)
    ends: t.List[t.Any] = [os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)]
    for end in ends:
        files.enter_context(end)
    return ends


def _tail(stream: t.BinaryIO) -> str:
    if not stream.seekable():
        return ""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - OUTPUT_LIMIT))
    return stream.read().decode("utf-8", "surrogateescape")
