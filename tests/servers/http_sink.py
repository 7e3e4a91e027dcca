"""An HTTP server that keeps the requests that it accepts, as a chat, a webhook and a dead-man switch would."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple, Self

from tests.servers.ports import LOOPBACK, free_port

Mode = Literal["normal", "refuse", "drop", "hang"]


class Received(NamedTuple):
    """A request that was answered with success, or, while ``mode`` is ``drop``, not answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class HttpSink:
    """A server on a free port.

    ``mode`` may be set at any time: ``refuse`` answers ``status``, ``drop`` keeps the request and closes the connection
    without an answer, ``hang`` answers when the sink stops. ``start`` and ``stop`` take it away and bring it back.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.mode: Mode = "normal"
        self.status = 503
        #: Requests that were refused.
        self.refused = 0
        self._received: list[Received] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def received(self) -> list[Received]:
        """The requests so far, in their order."""
        with self._lock:
            return list(self._received)

    def start(self) -> None:
        """Listen, also after :meth:`stop`."""
        self._ended.clear()
        self._server = ThreadingHTTPServer((LOOPBACK, self.port), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._ended.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
        self._server = self._thread = None

    def _keep(self, request: Received) -> None:
        with self._lock:
            self._received.append(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                received = Received(self.command, self.path, dict(self.headers.items()), body)
                if sink.mode == "hang":
                    sink._ended.wait()
                    return
                if sink.mode == "refuse":
                    sink.refused += 1
                    self._answer(sink.status)
                    return
                sink._keep(received)
                if sink.mode == "normal":
                    self._answer(200)

            def do_POST(self) -> None:
                self.do_GET()

            def _answer(self, status: int) -> None:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"http://{sink.address}/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of http.server
                """Write nothing to the tests' output."""

        return Handler
