"""A proxy in front of an object store that fails on purpose."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from tests.servers.ports import free_port

CHUNK = 256 * 1024
# Long enough for several attempts.
AWAY_SECONDS = 2.0
# These headers are about one connection, and the proxy has two.
NOT_FORWARDED = {"connection", "expect", "keep-alive", "transfer-encoding"}

UNAVAILABLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>ServiceUnavailable</Code><Message>Please reduce your request rate.</Message></Error>"""


REFUSED = """<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>{}</Code><Message>The proxy refuses it.</Message></Error>"""
# Parameters of a query that change the operation, and the operations by method.
OPERATIONS = {
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "uploads"): "ListMultipartUploads",
    ("GET", "uploadId"): "ListParts",
    ("POST", "uploads"): "CreateMultipartUpload",
    ("POST", "uploadId"): "CompleteMultipartUpload",
    ("PUT", "partNumber"): "UploadPart",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("DELETE", "versionId"): "DeleteObjectVersion",
}
PLAIN = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}


def operation_of(method: str, path: str) -> str | None:
    """Return S3's name for a request on objects, with a name of its own for the deletion of a version."""
    query = parse_qs(urlsplit(path).query, keep_blank_values=True)
    return next((OPERATIONS[method, name] for name in query if (method, name) in OPERATIONS), PLAIN.get(method))


class S3Proxy:
    """A proxy that forwards requests to *upstream*, except for those that a test lets fail.

    Signatures stay valid, since the signed ``Host`` header is forwarded unchanged.

    :param upstream: the store's address, ``http://host:port``
    """

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        #: (method, path with query) of every request so far, with those that failed
        self.requests: list[tuple[str, str]] = []
        self._fault: Literal["refuse", "drop", "cut"] | None = None
        self._times: int | None = 0
        self._method: str | None = None
        self._every = 1
        self._counted = 0
        #: code of the refusal by operation
        self.denied: dict[str, str] = {}
        self._actions: dict[tuple[str, int], Callable[[], None]] = {}
        # An action at a request may set a fault.
        self._lock = threading.RLock()
        self._returning: list[threading.Thread] = []
        self._away = threading.Event()
        self._ended = threading.Event()
        self._server = self._listen()

    def __enter__(self) -> Self:
        self._serve()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        for thread in self._returning:
            thread.join()
        self._server.shutdown()
        self._server.server_close()

    def go_away(self, seconds: float = AWAY_SECONDS) -> None:
        """Refuse connections for some time, and drop those that there are."""
        self._away.set()
        self._server.shutdown()
        self._server.server_close()
        self._returning.append(threading.Thread(target=self._come_back, args=[seconds]))
        self._returning[-1].start()

    def _come_back(self, seconds: float) -> None:
        self._ended.wait(seconds)
        self._server = self._listen()
        self._away.clear()
        self._serve()

    def _listen(self) -> _Server:
        made = _Server(("127.0.0.1", self.port), _Handler)
        made.proxy = self
        return made

    def _serve(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def refuse(self, times: int | None = None, method: str | None = None) -> None:
        """Answer 503 to the next *times* requests (all later ones when ``None``), of one *method* or of all."""
        self._fail("refuse", times, method)

    def refuse_every_second(self) -> None:
        """Answer 503 to every second request."""
        self._fail("refuse", None, None, every=2)

    def call_at(self, kind: str, number: int, action: Callable[[], None]) -> None:
        """Call *action* before a request is forwarded.

        :param kind: a method, or an operation such as ``UploadPart``
        :param number: of the request among those of this kind, the first being 1
        """
        with self._lock:
            self._actions[kind, number] = action

    def drop(self, times: int | None = None, method: str | None = None) -> None:
        """Close the connection without an answer, for the next *times* requests (all later ones when ``None``)."""
        self._fail("drop", times, method)

    def cut(self, times: int | None = None) -> None:
        """Close the connection within a large answer, for the next *times* (all later ones when ``None``)."""
        self._fail("cut", times, "GET")

    def pass_through(self) -> None:
        """Let no request fail any more, and forget the requests so far."""
        with self._lock:
            self._fault = None
            self.requests.clear()

    def fault_for(self, method: str, path: str) -> Literal["refuse", "drop", "cut"] | None:
        """Record one request, and return how it is to fail."""
        with self._lock:
            self.requests.append((method, path))
            for kind in (method, operation_of(method, path)):
                number = sum(1 for one in self.requests if kind in (one[0], operation_of(*one)))
                if action := self._actions.pop((kind or "", number), None):
                    action()
            if self._away.is_set():
                return "drop"
            self._counted += 1
            if self._counted % self._every:
                return None
            if self._fault is None or self._times == 0 or self._method not in (None, method):
                return None
            if self._times is not None:
                self._times -= 1
            return self._fault

    def _fail(
        self, fault: Literal["refuse", "drop", "cut"], times: int | None, method: str | None, every: int = 1
    ) -> None:
        with self._lock:
            self._fault, self._times, self._method, self._every = fault, times, method, every


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: S3Proxy

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect during a request: tests do it on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        fault = self.server.proxy.fault_for(self.command, self.path)
        if fault == "drop":
            self.close_connection = True
        elif fault == "refuse":
            self._refuse(503, UNAVAILABLE)
        elif (code := self.server.proxy.denied.get(operation_of(self.command, self.path) or "")) is not None:
            self._refuse(403, REFUSED.format(code).encode())
        else:
            self._forward(cut=fault == "cut")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

    def _refuse(self, status: int, body: bytes) -> None:
        for _ in self._body():  # the client reads the answer only after it has sent all of its request
            pass
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _forward(self, *, cut: bool) -> None:
        connection = http.client.HTTPConnection(self.server.proxy.upstream, timeout=300)
        with contextlib.closing(connection) as upstream:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in NOT_FORWARDED:
                    upstream.putheader(name, value)
            chunked = self._is_chunked()
            if chunked:
                upstream.putheader("Transfer-Encoding", "chunked")
            upstream.endheaders()
            for block in self._body():
                upstream.send(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
            if chunked:
                upstream.send(b"0\r\n\r\n")
            self._answer(upstream.getresponse(), cut=cut)

    def _answer(self, response: http.client.HTTPResponse, *, cut: bool) -> None:
        self.send_response_only(response.status, response.reason)
        has_body = self.command != "HEAD" and response.status not in (204, 304)
        for name, value in response.getheaders():
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        if has_body and response.getheader("Content-Length") is None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if has_body:
            while block := response.read(CHUNK):
                self.wfile.write(block)
                if cut and len(block) == CHUNK:
                    self.close_connection = True
                    return

    def _is_chunked(self) -> bool:
        return self.headers.get("Transfer-Encoding", "").lower() == "chunked"

    def _body(self) -> Iterator[bytes]:
        if self._is_chunked():
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            return
        left = int(self.headers.get("Content-Length", 0))
        while left > 0 and (block := self.rfile.read(min(CHUNK, left))):
            left -= len(block)
            yield block

    def log_message(self, *_: object) -> None:
        """Log nothing: ``requests`` records them."""
