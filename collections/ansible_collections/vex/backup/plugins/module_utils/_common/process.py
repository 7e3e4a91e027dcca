# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Child processes: no secret in their arguments, a time limit, and none left running.

``AnsibleModule.run_command`` ends no process group, has no time limit and returns output only at the end.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
import typing as t

from ansible.module_utils.common.process import get_bin_path

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout, ProgramMissing

OUTPUT_LIMIT = 256 * 1024
GRACE_SECONDS = 15
_READ_BYTES = 64 * 1024
# How long a stopped deadline may be unnoticed.
_CHECK_SECONDS = 0.5


class Completed(t.NamedTuple):
    """The end of a program.

    ``returncode`` is negative for death by that signal; ``stdout`` and ``stderr`` hold at most their last
    :data:`OUTPUT_LIMIT` bytes, decoded as UTF-8 (undecodable bytes become surrogate escapes).
    """

    returncode: int
    stdout: str
    stderr: str


def find_program(names: t.Sequence[str], remedy: str) -> str:
    """Return the path of the first of *names* that this host has.

    :param remedy: the package to install, for the error
    :raises ProgramMissing: when the host has none of them
    """
    for name in names:
        with contextlib.suppress(ValueError):
            return str(get_bin_path(name))
    raise ProgramMissing(f"none of {', '.join(names)} is on this host: {remedy}")


class ProcessGroup(subprocess.Popen[bytes]):
    """A process that leads a process group. Other programs of the group (a compressor) may outlive it.

    :param argv: program and arguments
    :param options: of :class:`subprocess.Popen`
    """

    def __init__(self, argv: t.Sequence[str], **options: t.Any) -> None:
        super().__init__(list(argv), start_new_session=True, **options)

    def ends_within(self, seconds: t.Optional[float]) -> bool:
        """Wait up to *seconds* (``None`` for no limit) for the leader's end; return whether it has ended.

        Python's own wait with a timeout polls every twentieth of a second; this one notices the end at once.
        """
        if self.poll() is not None:
            return True
        # Linux before 5.3 has no process descriptors.
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(self.pid)
            try:
                has_ended = bool(select.select([descriptor], [], [], seconds)[0])
            finally:
                os.close(descriptor)
            # The descriptor of a traced program can become ready before wait() returns its status.
            return has_ended and self._wait_up_to(None if seconds is None else GRACE_SECONDS)
        return self._wait_up_to(seconds)

    def end(self) -> None:
        """End the whole group: SIGTERM, then SIGKILL after :data:`GRACE_SECONDS`."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def _wait_up_to(self, seconds: t.Optional[float]) -> bool:
        try:
            self.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


class Running:
    """A running program, started by :func:`running`."""

    def __init__(
        self,
        process: ProcessGroup,
        program: str,
        stdin: t.Optional[t.BinaryIO],
        stdout: t.BinaryIO,
        stderr: t.BinaryIO,
    ) -> None:
        self._process = process
        self._program = program
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr

    def feed(self, block: bytes, deadline: Deadline) -> bool:
        """Write to the standard input of a program that was started without *stdin*; return whether it reads on.

        :raises BackupError: when *deadline* has passed or is stopped; the program still runs
        """
        stdin = t.cast("t.BinaryIO", self._stdin)
        rest = memoryview(block)
        while rest:
            deadline.check()
            if select.select([], [stdin], [], _CHECK_SECONDS)[1]:
                try:
                    rest = rest[os.write(stdin.fileno(), rest) :]
                except BrokenPipeError:
                    return False
        return True

    def finish(self, deadline: Deadline) -> Completed:
        """End the standard input of a program that :meth:`feed` writes to, and wait for the program's end.

        :raises BackupError: when *deadline* has passed or is stopped; the program still runs
        """
        t.cast("t.BinaryIO", self._stdin).close()
        while not self.has_ended(_CHECK_SECONDS):
            deadline.check()
        return self.wait()

    def output(self, timeout: t.Optional[float] = None) -> t.Iterator[bytes]:
        """Read the standard output, block by block, of a program that was started with ``piped``.

        :param timeout: seconds from now until the end of the output; ``None`` for no limit
        :raises CommandTimeout: after *timeout* seconds; the program still runs
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([self._stdout], [], [], left)[0]:
                raise self._late(timeout)
            block = os.read(self._stdout.fileno(), _READ_BYTES)
            if not block:
                return
            yield block

    def has_ended(self, within: float = 0) -> bool:
        """Wait up to *within* seconds for the program's end; return whether it has ended."""
        return self._process.ends_within(within)

    def open_files(self) -> t.Set[str]:
        """Return the paths of the files that the processes of the program's group have open.

        The program may be a script that starts the one that was meant.

        :raises OSError: when it has ended, or the system does not show them
        """
        found = _open_files(self._process.pid)
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            # Ended meanwhile.
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if pid != self._process.pid and os.getpgid(pid) == self._process.pid:
                    found |= _open_files(pid)
        return found

    def end(self) -> None:
        """End the program and its process group: SIGTERM, then SIGKILL after :data:`GRACE_SECONDS`."""
        self._process.end()

    def wait(self, timeout: t.Optional[float] = None) -> Completed:
        """Wait for the program's end.

        :param timeout: seconds from now; ``None`` for no limit
        :raises CommandTimeout: after *timeout* seconds; the program still runs
        """
        if not self._process.ends_within(timeout):
            raise self._late(timeout)
        return Completed(self._process.wait(), _tail(self._stdout), _tail(self._stderr))

    def _late(self, timeout: t.Optional[float]) -> CommandTimeout:
        return CommandTimeout(f"{os.path.basename(self._program)} ran longer than {timeout:.0f} seconds and was ended")


def _open_files(pid: int) -> t.Set[str]:
    folder = f"/proc/{pid}/fd"
    found = set()
    for name in os.listdir(folder):
        # Closed meanwhile.
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(os.path.join(folder, name)))
    return found


@contextlib.contextmanager
def running(
    argv: t.Sequence[str],
    *,
    cwd: t.Optional[str] = None,
    environment: t.Optional[t.Mapping[str, str]] = None,
    stdin: t.Optional[bytes] = b"",
    keep_open: t.Sequence[int] = (),
    piped: bool = False,
) -> t.Iterator[Running]:
    """Start a program in its own process group; it runs during the block.

    An exception in the block (a deadline, a signal to this process) ends the whole group: SIGTERM, then SIGKILL after
    :data:`GRACE_SECONDS`.

    :param argv: program and arguments; never a secret, because every user of the host can read them
    :param environment: variables in addition to this process's own
    :param stdin: bytes for the program's standard input, also secrets; ``None`` for :meth:`Running.feed`
    :param keep_open: descriptors that the program inherits, so that a lock lasts as long as the program
    :param piped: whether :meth:`Running.output` reads the standard output, which is not kept then
    :raises Interrupted: when a signal tells this process to end, within :func:`ending_children`
    """
    with contextlib.ExitStack() as files:
        source, feeding = _pipe(files) if stdin is None else (files.enter_context(_source(stdin)), None)
        stdout, output = _pipe(files) if piped else [files.enter_context(tempfile.TemporaryFile())] * 2
        stderr = files.enter_context(tempfile.TemporaryFile())
        process: t.Optional[ProcessGroup] = None
        has_ended = False
        try:
            with undisturbed():
                process = ProcessGroup(
                    argv,
                    cwd=cwd,
                    env={**os.environ, **(environment or {})},
                    stdin=source,
                    stdout=output,
                    stderr=stderr,
                    pass_fds=list(keep_open),
                )
            if piped:
                # The program has its own copy. While this one is open, the output never ends.
                output.close()
            if feeding:
                # The same for its input: while this copy is open, writing does not fail after the program's end.
                source.close()
                os.set_blocking(feeding.fileno(), False)
            yield Running(process, argv[0], feeding, stdout, stderr)
            process.wait()
            has_ended = True
        finally:
            if process is not None and not has_ended:
                process.end()


def run(
    argv: t.Sequence[str],
    *,
    cwd: t.Optional[str] = None,
    environment: t.Optional[t.Mapping[str, str]] = None,
    stdin: bytes = b"",
    timeout: t.Optional[float] = None,
    keep_open: t.Sequence[int] = (),
) -> Completed:
    """Run a program to its end, as :func:`running` does.

    :param timeout: seconds that the program may run; ``None`` for no limit
    :raises CommandTimeout: after *timeout* seconds
    :raises Interrupted: when a signal tells this process to end, within :func:`ending_children`
    """
    with running(argv, cwd=cwd, environment=environment, stdin=stdin, keep_open=keep_open) as program:
        return program.wait(timeout)


def start_server(argv: t.Sequence[str], log: str) -> int:
    """Start a program that continues after the end of this process; the caller ends it by its process id.

    :param argv: program and arguments; never a secret
    :param log: file for its output; created with mode 0600 when absent
    :returns: its process id, which is also the id of its group
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        process = ProcessGroup(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    # This process ends before the program, so Python must not warn that nobody waits for it.
    process.returncode = 0
    return process.pid


def _pipe(files: contextlib.ExitStack) -> t.List[t.BinaryIO]:
    """Create a pipe; return its reading and its writing end."""
    reading, writing = os.pipe()
    ends: t.List[t.Any] = [os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb", buffering=0)]
    for end in ends:
        files.enter_context(end)
    return ends


@contextlib.contextmanager
def _source(content: bytes) -> t.Iterator[t.BinaryIO]:
    """Provide a standard input that holds *content*."""
    with tempfile.TemporaryFile() as stream:
        stream.write(content)
        stream.seek(0)
        yield t.cast("t.BinaryIO", stream)


def _tail(stream: t.BinaryIO) -> str:
    if not stream.seekable():
        return ""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - OUTPUT_LIMIT))
    return stream.read().decode("utf-8", "surrogateescape")
