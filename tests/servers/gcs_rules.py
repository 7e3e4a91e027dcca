"""A proxy in front of fake-gcs-server with the rules of Google's servers that it lacks.

Access tokens, permissions, conditions, resumable uploads with their checksum, holds, retention, storage classes and
keys, as documented: https://cloud.google.com/storage/docs/json_api.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.servers.gcs_sessions import Session, parse
from tests.servers.google_tokens import ACCOUNT, READER, GoogleTokens
from tests.servers.ports import LOOPBACK, free_port

NOT_FORWARDED = {"connection", "content-length", "host", "transfer-encoding", "accept-encoding"}
# The settings of an object that the server behind forgets, or does not apply.
KEPT = ("storageClass", "kmsKeyName", "temporaryHold", "eventBasedHold", "retentionExpirationTime")
_OBJECT = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)")
_LIST = re.compile(r"/storage/v1/b/([^/]+)/o")
_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
REASONS = {401: "authError", 403: "forbidden", 404: "notFound", 412: "conditionNotMet"}


class GcsRules:
    """The proxy.

    :param upstream: the server's address, ``http://host:port``
    """

    def __init__(self, upstream: str, tokens: GoogleTokens) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.tokens = tokens
        self._port = free_port()
        self.endpoint = f"http://{LOOPBACK}:{self._port}"
        #: The permissions that the account lacks, such as ``storage.objects.get``.
        self.denied: set[str] = set()
        #: (status, reason) of the next answers, instead of the right ones.
        self.failures: list[tuple[int, str]] = []
        #: The part of all requests that is answered 503.
        self.failing = 0.0
        #: By name, the bits that change in the last byte of each of the next answers with contents.
        self.flips: dict[str, list[int]] = {}
        #: How many answers to the next parts of uploads get lost, while the parts are kept.
        self.lost_answers = 0
        #: The most bytes that are kept of each of the next parts of uploads.
        self.kept: list[int] = []
        #: (method, permission) of every request.
        self.requests: list[tuple[str, str]] = []
        #: What objects have in addition, by bucket and name.
        self.settings: dict[tuple[str, str], dict[str, Any]] = {}
        self.sessions: dict[str, Session] = {}
        self.chance = random.Random(1)
        self.lock = threading.Lock()
        self._server = _Server((LOOPBACK, self._port), _Handler)
        self._server.rules = self

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for session in self.sessions.values():
            session.content.close()

    def describe(self, bucket: str, name: str) -> dict[str, Any] | None:
        """Return an object as a client sees it, ``None`` when it does not exist."""
        path = f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        status, _headers, content = self.ask("GET", path, b"", {})
        return self.completed(bucket, json.loads(content)) if status == 200 else None

    def completed(self, bucket: str, described: dict[str, Any]) -> dict[str, Any]:
        """Return an object as the server behind describes it, with the settings that it forgets."""
        return {**described, **self.settings.get((bucket, described["name"]), {})}

    def ask(
        self, method: str, path: str, body: bytes | IO[bytes], headers: dict[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send a request to the server behind, and return status, headers and content of its answer."""
        connection = http.client.HTTPConnection(self.upstream, timeout=300)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    rules: GcsRules

    def handle_error(self, *_: object) -> None:
        """Ignore clients that disconnect during a request: tests do it on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Write nothing to the test's output."""

    def _handle(self) -> None:
        self.rules = self.server.rules
        self.length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(self.length)
        address = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        self.bucket, self.name = _names(address.path)
        permission = self._permission()
        account = self.rules.tokens.given.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        with self.rules.lock:
            self.rules.requests.append((self.command, permission))
            failure = self.rules.failures.pop(0) if self.rules.failures else None
            if self.rules.chance.random() < self.rules.failing:
                failure = (503, "Backend Error")
        if failure is not None:
            self._refuse(*failure)
        elif "upload_id" in self.query:
            self._continue_upload()
        elif account is None:
            self._refuse(401, "Invalid Credentials")
        elif permission in self.rules.denied or (account == READER and self.command != "GET"):
            self._refuse(403, f"{account} does not have {permission} access to the Google Cloud Storage object.")
        elif address.path.endswith("/iam/testPermissions"):
            wanted = parse_qs(address.query)["permissions"]
            self._answer_json({"permissions": [one for one in wanted if one not in self.rules.denied]})
        else:
            self._apply()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815 - the names that http.server looks for

    def _permission(self) -> str:
        if self.name is None:
            methods = {"POST": "storage.objects.create", "GET": "storage.objects.list"}
            return methods.get(self.command, "") if "/o" in self.path else "storage.buckets.get"
        by_method = {"GET": "get", "DELETE": "delete", "PATCH": "update", "POST": "create"}
        return "storage.objects." + by_method[self.command]

    def _apply(self) -> None:
        """Apply the rules for one object, then forward the request."""
        found = None if self.name is None else self.rules.describe(self.bucket, self.name)
        wanted = self.query.get("ifGenerationMatch")
        lock = found and _lock_of(found)
        if self.query.get("uploadType") == "resumable":
            self._begin_upload()
        elif found is not None and wanted not in (None, found["generation"]):
            self._refuse(412, "At least one of the pre-conditions you specified did not hold.")
        elif found is None and self.name is not None and "storage.objects.list" in self.rules.denied:
            self._refuse(
                403, f"{ACCOUNT} does not have storage.objects.list access to the Google Cloud Storage bucket."
            )
        elif self.command == "DELETE" and lock:
            self._refuse(403, f"Object '{self.bucket}/{self.name}' {lock}")
        elif self.command == "PATCH" and found is not None and self.name is not None:
            given = {name: value for name, value in json.loads(self.body).items() if name in KEPT}
            self.rules.settings.setdefault((self.bucket, self.name), {}).update(given)
            self._answer_json(self.rules.completed(self.bucket, found))
        else:
            self._forward()

    def _forward(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_FORWARDED}
        status, given, content = self.rules.ask(self.command, self.path, self.body, headers)
        if status == 404:
            self._refuse_missing()
            return
        if self.command == "DELETE" and status < 300 and self.name is not None:
            self.rules.settings.pop((self.bucket, self.name), None)
        if self.query.get("alt") == "media":
            bits = self.rules.flips.get(self.name or "")
            if bits:
                content = content[:-1] + bytes([content[-1] ^ bits.pop(0)])
        elif status == 200 and self.command == "GET" and "/o" in self.path:
            content = self._completed(content)
        self._answer(status, given, content)

    def _refuse_missing(self) -> None:
        """Tell a missing object and a missing bucket apart, as the server behind does not."""
        if self.rules.ask("GET", f"/storage/v1/b/{self.bucket}", b"", {})[0] == 404:
            self._refuse(404, "The specified bucket does not exist.")
        else:
            self._refuse(404, f"No such object: {self.bucket}/{self.name}")

    def _completed(self, content: bytes) -> bytes:
        answer = json.loads(content)
        if "items" in answer:
            answer["items"] = [self.rules.completed(self.bucket, item) for item in answer["items"]]
        elif "name" in answer:
            answer = self.rules.completed(self.bucket, answer)
        return json.dumps(answer).encode()

    def _begin_upload(self) -> None:
        given = json.loads(self.body or b"{}")
        name = self.query.get("name") or given["name"]
        is_new = self.query.get("ifGenerationMatch") == "0"
        if is_new and self.rules.describe(self.bucket, name) is not None:
            self._refuse(412, "At least one of the pre-conditions you specified did not hold.")
            return
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        path = f"/upload/storage/v1/b/{self.bucket}/o?uploadType=resumable&name={quote(name, safe='')}"
        status, answered, content = self.rules.ask("POST", path, self.body, headers)
        if status == 404:
            self._refuse_missing()
            return
        address = urlsplit(dict(answered)["Location"])
        settings = {key: value for key, value in given.items() if key in KEPT}
        if "kmsKeyName" in self.query:
            settings["kmsKeyName"] = self.query["kmsKeyName"] + "/cryptoKeyVersions/1"
        session = Session(self.bucket, name, settings, is_new)
        self.rules.sessions[parse_qs(address.query)["upload_id"][0]] = session
        # By the address that the client used, which may be that of another proxy.
        location = f"http://{self.headers['Host']}{address.path}?{address.query}"
        self._answer(status, [("Location", location)], content)

    def _continue_upload(self) -> None:
        session = self.rules.sessions.get(self.query["upload_id"])
        if session is None:
            self._refuse(404, "No such upload")
            return
        with session.lock:
            if self.command == "DELETE":
                del self.rules.sessions[self.query["upload_id"]]
                session.content.close()
                self._answer(499, [], b"")
            elif session.answer is not None:
                self._answer(200, [("Content-Type", "application/json")], session.answer)
            else:
                self._take_part(session)

    def _take_part(self, session: Session) -> None:
        if self.body and self.rules.kept:
            self.body = self.body[: self.rules.kept.pop(0)]
        kept = session.kept
        sent = parse(self.headers["Content-Range"], self.body)
        status, text = session.accept(sent, self.length, self.headers.get("X-Goog-Hash", ""))
        if status == 308 and session.kept > kept and self.rules.lost_answers:
            self.rules.lost_answers -= 1
            self.close_connection = True
        elif status == 308:
            self._answer_kept(session)
        elif status != 200:
            self._refuse(status, text)
        elif session.is_new and self.rules.describe(session.bucket, session.name) is not None:
            self._refuse(412, "At least one of the pre-conditions you specified did not hold.")
        else:
            self._complete(session)

    def _complete(self, session: Session) -> None:
        """Make the object of an upload."""
        content_range = f"bytes 0-{session.kept - 1}/{session.kept}" if session.kept else "bytes */0"
        session.content.seek(0)
        headers = {"Content-Range": content_range, "Content-Length": str(session.kept)}
        status, _headers, content = self.rules.ask("PUT", self.path, session.content, headers)
        session.content.close()
        self.rules.settings[session.bucket, session.name] = session.settings
        session.answer = session.described(content)
        self._answer(status, [("Content-Type", "application/json")], session.answer)

    def _answer_kept(self, session: Session) -> None:
        self._answer(308, [("Range", f"bytes=0-{session.kept - 1}")] if session.kept else [], b"")

    def _refuse(self, status: int, message: str) -> None:
        reason = REASONS.get(status, "backendError")
        error = {"code": status, "message": message, "errors": [{"message": message, "reason": reason}]}
        self._answer(status, [("Content-Type", "application/json")], json.dumps({"error": error}).encode())

    def _answer_json(self, content: dict[str, Any]) -> None:
        self._answer(200, [("Content-Type", "application/json")], json.dumps(content).encode())

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in NOT_FORWARDED:
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _names(path: str) -> tuple[str, str | None]:
    """Return the bucket and, where the request is about one, the object."""
    found = _OBJECT.match(path)
    if found is not None:
        return unquote(found[1]), unquote(found[2])
    found = _LIST.fullmatch(path) or _UPLOAD.fullmatch(path)
    return (unquote(found[1]) if found else path.rsplit("/", maxsplit=1)[-1]), None


def _lock_of(found: dict[str, Any]) -> str | None:
    if found.get("temporaryHold") or found.get("eventBasedHold"):
        return "is under active Temporary hold or Event-based hold and cannot be deleted, overwritten or archived."
    if "retentionExpirationTime" in found:
        return f"is subject to bucket's retention policy and cannot be deleted until {found['retentionExpirationTime']}"
    return None
