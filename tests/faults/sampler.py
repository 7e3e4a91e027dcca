"""A sampler that repeatedly looks for secrets where others can see them: arguments of processes, and files.

It is a separate program, so that other threads of the tests do not slow it down. It reads a JSON object with
``secrets`` and ``folders`` from standard input, and samples until that closes. Then it writes a JSON object with
``found``, the visible secrets, and ``sweeps``, the number of searches, to standard output.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Sampler:
    """A sampler that runs while the context is open.

    :param secrets: texts that must not be visible
    :param folders: directories whose files are searched if others can read them
    """

    def __init__(self, secrets: Sequence[str], folders: Sequence[Path]) -> None:
        self.found: list[str] = []
        self.sweeps = 0
        self._task = {"secrets": list(secrets), "folders": [str(folder) for folder in folders]}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sampler"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._task) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "sampling\n"
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        output, _ = self._process.communicate(timeout=600)
        result: dict[str, Any] = json.loads(output)
        self.found, self.sweeps = result["found"], result["sweeps"]


def main() -> None:
    """Sample until standard input closes."""
    task = json.loads(sys.stdin.readline())
    secrets = [os.fsencode(secret) for secret in task["secrets"]]
    found: set[str] = set()
    sweeps = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for name, content in (*_arguments(), *_readable(task["folders"])):
            if any(secret in content for secret in secrets):
                found.add(f"{name}: {content[:200]!r}")
        sweeps += 1
        if sweeps == 1:
            sys.stdout.write("sampling\n")
            sys.stdout.flush()
    sys.stdout.write(json.dumps({"found": sorted(found), "sweeps": sweeps}))


def _arguments() -> Iterator[tuple[str, bytes]]:
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            content = _content(f"/proc/{pid}/cmdline")
            yield pid, content.replace(b"\0", b" ")


def _readable(folders: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = f"{parent}/{name}"
                try:
                    private = not os.lstat(path).st_mode & 0o077
                except FileNotFoundError:
                    continue
                if not private:
                    yield path, _content(path)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:  # gone already
        return b""


if __name__ == "__main__":
    main()
