# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A session of the server's client that prints the rows of tables, all from one snapshot."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.process import Running, running
from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._tools.client import ARGUMENTS, QUERY_ARGUMENTS, Client
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import environment

_SNAPSHOT = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nSTART TRANSACTION WITH CONSISTENT SNAPSHOT;\n"


class ClientSession:
    """A client that waits for statements."""

    def __init__(self, program: Running, name: str, deadline: Deadline) -> None:
        self._program = program
        self._name = name
        self._deadline = deadline
        self._statements = 0

    def begin_snapshot(self) -> None:
        """Begin a consistent snapshot.

        :raises DumpFailed: when the client or the server refuses
        """
        self.execute(_SNAPSHOT)

    def execute(self, statements: str) -> None:
        """Execute statements without a result.

        :raises DumpFailed: when the client or the server refuses
        """
        for _rows in self.output(statements):
            pass

    def output(self, statements: str) -> t.Iterator[bytes]:
        """Execute statements; return their output, block by block, each of whole lines.

        :raises DumpFailed: when the client ends before, with the number of the server's error
        :raises CommandTimeout: when the deadline passes
        """
        self._statements += 1
        mark = f"-- end of {self._statements}\n"
        # The client ends at the first error, so it prints the mark only after all of the output.
        text = f"{statements}SELECT '{mark.rstrip()}';\n".encode("utf-8", "surrogateescape")
        if not self._program.feed(text, self._deadline):
            raise self._failure()
        # A row may be longer than many blocks, so each is copied once.
        rest: t.List[bytes] = []
        for block in self._program.output(self._deadline.remaining()):
            end, line_end, start = block.rpartition(b"\n")
            if not line_end:
                rest.append(block)
                continue
            lines = b"".join([*rest, end, line_end])
            rest = [start]
            if lines.endswith(mark.encode()):
                yield lines[: -len(mark)]
                return
            yield lines
        raise self._failure()

    def end(self) -> None:
        """End the client, also while another thread reads its output."""
        self._program.end()

    def _failure(self) -> DumpFailed:
        done = self._program.wait(self._deadline.remaining())
        # The client prints the statement first.
        reason = " ".join(done.stderr[max(0, done.stderr.rfind("ERROR ")) :].split())
        refusal = re.match(r"ERROR (\d+) ", reason)
        reason = reason[-1000:] or f"it exited with {done.returncode}"
        failure = DumpFailed(f"the program {self._name} stopped before the end of its rows: {reason}")
        failure.number = int(refusal[1]) if refusal else 0
        return failure


@contextlib.contextmanager
def client_session(client: Client, option_file: str, lock: int, deadline: Deadline) -> t.Iterator[ClientSession]:
    """Start a client; it ends with the block.

    :param option_file: path of the file with the login and the settings of its session
    :param lock: descriptor of the instance's lock, which the client inherits
    """
    argv = [client.path, f"--defaults-file={option_file}", *ARGUMENTS, *QUERY_ARGUMENTS]
    with running(argv, environment=environment(), stdin=None, keep_open=[lock], piped=True) as program:
        yield ClientSession(program, os.path.basename(client.path), deadline)
        program.finish(deadline)
