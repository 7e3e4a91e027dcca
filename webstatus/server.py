"""The HTTP server's protocol: a client that sends or reads too slowly loses its connection.

Uvicorn bounds only the time between two requests. A client that never ends its request, or never reads the response,
would keep a connection for ever. A proxy in front may do the same, but not everybody has one.
"""

from __future__ import annotations

import asyncio
import socket

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds from the connection, or from the first byte of a later request, to the end of the request with its body.
REQUEST_TIMEOUT = 20
# Seconds within which a client must accept more of a response.
READ_TIMEOUT = 60


class BoundedProtocol(H11Protocol):
    """Uvicorn's protocol with bounds on the time that a client takes."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as there
        """Start the time of the first request."""
        super().connection_made(transport)
        # The kernel ends connections whose client does not acknowledge or read. Linux only.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            client = transport.get_extra_info("socket")
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, READ_TIMEOUT * 1000)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on. Start the time when they are a part of a request, stop it when the request is complete."""
        super().data_received(data)
        if self.conn.their_state in {h11.IDLE, h11.SEND_BODY}:
            self._start()
        else:
            self._stop()

    def on_response_complete(self) -> None:
        """Go on to a request that came before the response was complete. Start its time when its body is to come."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop()
        super().connection_lost(exc)

    def _start(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_TIMEOUT, self.transport.abort)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
