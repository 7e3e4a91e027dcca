"""A proxy in front of an S3 server that has the peculiarities of other stores."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers.ports import LOOPBACK, free_port

# These headers are about one connection, and the proxy has two; the length is computed.
NOT_FORWARDED = {
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
}
ONGOING = ("x-amz-restore", 'ongoing-request="true"')
CHECKSUMS = ("x-amz-checksum-", "x-amz-sdk-checksum-")
_QUOTED_ETAG = re.compile(r'(&quot;|")([0-9a-f]{32}(?:-\d+)?)\1')
_OPAQUE_ETAG = re.compile(r"opaque\.([0-9a-f-]+)")
_CHECKSUM_ELEMENT = re.compile(r"<Checksum(\w+)>[^<]*</Checksum\1>")


@dataclasses.dataclass(frozen=True)
class Traits:
    """The peculiarities of a store.

    :param refuses_checksums: as Backblaze B2 does: no checksum headers, and none in its answers
    :param refuses_conditions: no conditional writes
    :param needs_checksum: as a bucket with Object Lock: a checksum and its algorithm, or an MD5, with each body
    :param encryption: as a policy of a bucket demands it of everything that is written
    :param opaque_etags: ETags are no MD5
    :param hides_checksums: answers have no checksums
    :param host: the only name of the store, below which each bucket is a host
    """

    refuses_checksums: bool = False
    refuses_conditions: bool = False
    needs_checksum: bool = False
    encryption: str | None = None
    opaque_etags: bool = False
    hides_checksums: bool = False
    host: str | None = None


class OddS3:
    """The proxy. Signatures are not checked behind it.

    :param upstream: the server's address, ``http://host:port``
    """

    def __init__(self, upstream: str, traits: Traits) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.traits = traits
        self.endpoint = f"http://{LOOPBACK}:{free_port()}"
        #: Keys whose contents nobody may read.
        self.denied: set[str] = set()
        #: By key, the bits that change in the last byte of each of the next answers with contents.
        self.flips: dict[str, list[int]] = {}
        #: How often an object is looked at, after it was asked for, until it can be read from cold storage.
        self.looks = 0
        #: The looks that are left, by key.
        self.thawing: dict[str, int] = {}
        #: (method, code) of every refusal.
        self.refusals: list[tuple[str, str]] = []
        self.lock = threading.Lock()
        self._server = _Server((LOOPBACK, urlsplit(self.endpoint).port or 0), _Handler)
        self._server.store = self

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def damaged(self, key: str, content: bytes) -> bytes:
        """Return the contents of *key* as the next answer gives them."""
        with self.lock:
            bits = self.flips[key].pop(0) if self.flips.get(key) else 0
        return content[:-1] + bytes([content[-1] ^ bits])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    store: OddS3


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Write nothing to the test's output."""

    def _handle(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # A client that was given this as its proxy sends whole addresses.
        address = urlsplit(self.path)
        self.query = parse_qs(address.query, keep_blank_values=True)
        path = address.path
        host = self.server.store.traits.host
        if host is not None:
            bucket, _dot, rest = self.headers["Host"].partition(".")
            if rest != host:
                self._refuse(400, "InvalidRequest", "this store takes only addresses with the bucket as host")
                return
            path = f"/{bucket}{path}"
        self.key = unquote(path.split("/", 2)[-1])
        refusal = self._refusal()
        if refusal is not None:
            self._refuse(*refusal)
            return
        self._forward(path + (f"?{address.query}" if address.query else ""))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

    def _refusal(self) -> tuple[int, str, str] | None:
        """Return status, code and message when the store refuses the request."""
        traits = self.server.store.traits
        names = {name.lower() for name in self.headers}
        checksums = sorted(name for name in names if name.startswith(CHECKSUMS))
        encryption = self.headers.get("x-amz-server-side-encryption")
        creates = (self.command == "PUT" and not self.query) or (self.command == "POST" and "uploads" in self.query)
        refusal = None
        if traits.refuses_checksums and checksums:
            refusal = (400, "InvalidArgument", f"Unsupported header '{checksums[0]}' received for this API call.")
        elif traits.refuses_conditions and "if-none-match" in names:
            refusal = (501, "NotImplemented", "A header you provided implies functionality that is not implemented")
        elif self.command == "GET" and self.key in self.server.store.denied:
            refusal = (403, "AccessDenied", "Access Denied")
        elif self.command == "GET" and self.server.store.thawing.get(self.key):
            refusal = (403, "InvalidObjectState", "The operation is not valid for the object's storage class")
        elif creates and traits.encryption not in (None, encryption):
            refusal = (403, "AccessDenied", f"encryption {traits.encryption} is required, not {encryption}")
        elif self.command == "PUT" and traits.needs_checksum and len(checksums) < 2 and "content-md5" not in names:
            refusal = (400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required")
        elif self.headers.get("Content-MD5", _md5(self.body)) != _md5(self.body):
            refusal = (400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        return refusal

    def _refuse(self, status: int, code: str, message: str) -> None:
        self.server.store.refusals.append((self.command, code))
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self._answer(status, [("Content-Type", "application/xml")], b"" if self.command == "HEAD" else text.encode())

    def _forward(self, path: str) -> None:
        if self.command == "POST" and "restore" in self.query:
            self.server.store.thawing.setdefault(self.key, self.server.store.looks)
        upstream = http.client.HTTPConnection(self.server.store.upstream, timeout=300)
        try:
            headers = {name: _clear(value) for name, value in self.headers.items() if name.lower() not in NOT_FORWARDED}
            body = (
                _clear(self.body.decode()).encode()
                if "uploadId" in self.query and self.command == "POST"
                else self.body
            )
            upstream.request(self.command, path, body, headers)
            response = upstream.getresponse()
            self._answer(response.status, response.getheaders(), response.read())
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        traits = self.server.store.traits
        is_text = any(name.lower() == "content-type" and "xml" in value for name, value in headers)
        if is_text:
            content = self._alter(content.decode()).encode()
        elif self.command == "GET" and content:
            content = self.server.store.damaged(self.key, content)
        thawing = self.server.store.thawing.get(self.key, 0)
        if self.command == "HEAD" and thawing:
            self.server.store.thawing[self.key] = thawing - 1
            headers = [*((name, value) for name, value in headers if name.lower() != "x-amz-restore"), ONGOING]
        self.send_response_only(status)
        for name, value in headers:
            hidden = traits.hides_checksums and name.lower().startswith(CHECKSUMS)
            if not hidden and (
                name.lower() not in NOT_FORWARDED or (self.command == "HEAD" and name == "Content-Length")
            ):
                self.send_header(name, self._alter(value))
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _alter(self, text: str) -> str:
        """Return a text of an answer as this store gives it."""
        traits = self.server.store.traits
        if traits.opaque_etags:
            text = _QUOTED_ETAG.sub(lambda found: f"{found[1]}opaque.{found[2][::-1]}{found[1]}", text)
        return _CHECKSUM_ELEMENT.sub("", text) if traits.hides_checksums else text


def _clear(text: str) -> str:
    """Return a text of a request with the ETags of the server behind."""
    return _OPAQUE_ETAG.sub(lambda found: found[1][::-1], text)


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
