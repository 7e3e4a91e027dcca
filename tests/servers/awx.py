"""The part of AWX's API that the modules of awx.awx use, with objects in memory."""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from tests.servers.ports import LOOPBACK, free_port

Item = dict[str, Any]
ENCRYPTED = "$encrypted$"
# Fields that AWX adds to an object and the modules read.
FURTHER: dict[str, Item] = {
    "projects": {"scm_revision": "", "summary_fields": {}},
    "inventories": {"kind": ""},
    "execution_environments": {"organization": None},
}


class Awx:
    """An AWX with the organization ``Default`` and the credential *machine*, whose API takes ``token``.

    ``objects`` are by kind and id, ``surveys`` and ``credentials`` by a job template's id; ``writes`` are the requests
    that changed something. Secret inputs of credentials are never returned.
    """

    def __init__(self, machine: str) -> None:
        self.token = secrets.token_hex(12)
        self.objects: dict[str, dict[int, Item]] = {}
        self.surveys: dict[int, Item] = {}
        self.credentials: dict[int, list[int]] = {}
        self.writes: list[str] = []
        self._server = ThreadingHTTPServer((LOOPBACK, free_port()), type("Handler", (_Handler,), {"awx": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.add("organizations", {"name": "Default"})
        self.add("credentials", {"name": machine, "credential_type": 0})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Return the address of the API."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def named(self, kind: str) -> dict[str, Item]:
        """Return all objects of a kind by name."""
        return {item["name"]: item for item in self.objects.get(kind, {}).values()}

    def credentials_of(self, template: str) -> list[str]:
        """Return the names of a job template's credentials."""
        ids = self.credentials.get(self.named("job_templates")[template]["id"], [])
        return sorted(self.objects["credentials"][number]["name"] for number in ids)

    def add(self, kind: str, given: Item) -> Item:
        """Create an object."""
        number = sum(map(len, self.objects.values())) + 1
        url = f"/api/v2/{kind}/{number}/"
        further = {"id": number, "type": kind.removesuffix("s"), "url": url}
        related = {"survey_spec": f"{url}survey_spec/"} if kind == "job_templates" else {}
        item = {**FURTHER.get(kind, {}), **further, "related": related, **given}
        self.objects.setdefault(kind, {})[number] = item
        return item

    def find(self, kind: str, wanted: dict[str, str]) -> list[Item]:
        """Return the objects of a kind with the given fields."""
        # The only templates here are job templates.
        items = self.objects.get({"unified_job_templates": "job_templates"}.get(kind, kind), {}).values()
        return [item for item in items if all(str(item.get(name)) == value for name, value in wanted.items())]

    def shown(self, item: Item) -> Item:
        """Return an object as AWX shows it, with secrets hidden."""
        if "inputs" not in item or "credential_type" not in item:
            return item
        fields = self.objects["credential_types"][item["credential_type"]]["inputs"]["fields"]
        hidden = {field["id"] for field in fields if field.get("secret")}
        return {**item, "inputs": {key: ENCRYPTED if key in hidden else value for key, value in item["inputs"].items()}}


class _Handler(BaseHTTPRequestHandler):
    awx: Awx

    def do_GET(self) -> None:
        match self._path():
            case [kind]:
                wanted = dict(parse_qsl(urlsplit(self.path).query))
                found = [self.awx.shown(item) for item in self.awx.find(kind, wanted)]
                self._answer(200, {"count": len(found), "next": None, "results": found})
            case [_, number, "survey_spec"]:
                self._answer(200, self.awx.surveys.get(int(number), {}))
            case [_, number, "credentials"]:
                found = [self.awx.objects["credentials"][one] for one in self.awx.credentials.get(int(number), [])]
                self._answer(200, {"count": len(found), "next": None, "results": found})
            case _:
                self._answer(404, {"detail": "Not found."})

    def do_POST(self) -> None:
        given = self._given()
        match self._path():
            case [kind]:
                self._answer(201, self.awx.shown(self.awx.add(kind, given)))
            case [_, number, "survey_spec"]:
                self.awx.surveys[int(number)] = given
                self._answer(200, {})
            case [_, number, "credentials"]:
                self.awx.credentials.setdefault(int(number), []).append(given["id"])
                self._answer(204, None)
            case _:
                self._answer(404, {"detail": "Not found."})

    def do_PATCH(self) -> None:
        kind, number = self._path()
        item = self.awx.objects[kind][int(number)]
        item.update(self._given())
        self._answer(200, self.awx.shown(item))

    def _path(self) -> list[str]:
        return urlsplit(self.path).path.removeprefix("/api/v2/").strip("/").split("/")

    def _given(self) -> Item:
        self.awx.writes.append(f"{self.command} {self.path}")
        content: Item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return content

    def _answer(self, status: int, content: Item | None) -> None:
        if self.headers["Authorization"] != f"Bearer {self.awx.token}":
            status, content = 401, {"detail": "Authentication credentials were not provided."}
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing; ``writes`` has the requests."""
