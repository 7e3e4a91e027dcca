"""The app behind the server of ``vex-webstatus serve``, in this process, so that tests can shorten its limits."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import uvicorn

from tests.servers.ports import free_port
from webstatus.app import create_app
from webstatus.cli import server_config
from webstatus.settings import load

# Seconds after which a connection counts as one that never ends.
HANGS = 300


class Served(NamedTuple):
    """A running server, and its port on the loopback address."""

    server: uvicorn.Server
    port: int

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        """Open a connection."""
        made = socket.socket()
        if receive_buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(HANGS)
        made.connect(("127.0.0.1", self.port))
        return made

    def wait_until_idle(self) -> None:
        """Wait until the server has no connection."""
        deadline = time.monotonic() + HANGS
        while self.server.server_state.connections:
            assert time.monotonic() < deadline, "a connection never ends"
            time.sleep(0.02)


@contextlib.contextmanager
def serving(settings: Mapping[str, Any]) -> Iterator[Served]:
    """Run the server in a thread."""
    loaded = load(**{**settings, "port": free_port()})
    server = uvicorn.Server(server_config(loaded, create_app(loaded)))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield Served(server, loaded.port)
    server.should_exit = True
    thread.join(HANGS)
    assert not thread.is_alive()


def everything(connection: socket.socket) -> bytes:
    """Read until the server ends the connection."""
    read = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while chunk := connection.recv(65536):
            read += chunk
    return read
