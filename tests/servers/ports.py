"""Free TCP ports, each given to one process only."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path

# Below the ports of Linux's outgoing connections, also with SeaweedFS's distance added.
FIRST, LAST = 12000, 22000

LOOPBACK = "127.0.0.1"


class Reservations:
    """Ports that belong to this process until it ends, also between the moments when a server listens on them.

    A port is a byte of a file that all processes of the user lock, so any number of ports takes one descriptor. The
    kernel gives up the locks when the process ends, however it ends. Children inherit none of them: they use the ports
    that they are given.

    :param path: the file, which is created
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given: set[int] = set()
        self._threads = threading.Lock()
        self._file: int | None = None

    def take(self, *ports: int) -> bool:
        """Reserve all of *ports*; return ``False`` when one belongs to another caller or process."""
        with self._threads:
            if self._given & set(ports):
                return False
            taken: list[int] = []
            for port in ports:
                try:
                    fcntl.lockf(self._descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
                except BlockingIOError:
                    for one in taken:
                        fcntl.lockf(self._descriptor(), fcntl.LOCK_UN, 1, one)
                    return False
                taken.append(port)
            self._given.update(taken)
            return True

    def _descriptor(self) -> int:
        # A second descriptor would, when it is closed, give up every lock of the process: it has one, never closed.
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        return self._file


_reservations = Reservations(Path(tempfile.gettempdir()) / f"vex-ports-{os.getuid()}")


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Return whether a server can listen on *port* of *address* now."""
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(preferred: int | None = None, distance: int = 0, address: str = LOOPBACK) -> int:
    """Return a free port that no other call and no other process gets while this process runs.

    :param preferred: returned if it is free
    :param distance: the port that many numbers above must be free too
    """
    candidates = [] if preferred is None else [preferred]
    candidates += random.SystemRandom().sample(range(FIRST, LAST), 200)
    for port in candidates:
        ports = {port, port + distance}
        if all(is_free(one, address) for one in ports) and _reservations.take(*ports):
            return port
    raise RuntimeError(f"no free TCP port was found between {FIRST} and {LAST} on {address}")
