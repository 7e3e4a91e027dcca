"""A server that goes away again and again."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import Self

# Long enough for several attempts.
SECONDS = 2.0
BLOCK = 65536


class RecurringOutage:
    """A Unix socket in front of a server's, which is away for some seconds before each connection that it lets through.

    :param path: of the socket
    :param upstream: the server's socket
    """

    def __init__(self, path: Path, upstream: str) -> None:
        self.path = str(path)
        #: How many connections were closed at once, and how many were let through.
        self.refused = self.accepted = 0
        self._upstream = upstream
        self._away_since: float | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                with client:
                    self._meet(client)

    def _meet(self, client: socket.socket) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
        if now - self._away_since < SECONDS:
            self.refused += 1
            return
        self.accepted += 1
        self._away_since = None
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(self._upstream)
            answers = threading.Thread(target=_copy, args=(server, client))
            answers.start()
            _copy(client, server)
            answers.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(BLOCK):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
