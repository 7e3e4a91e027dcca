"""The server that gives Google's access tokens to service accounts, on loopback."""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.servers.ports import LOOPBACK, free_port

ACCOUNT = "backup@test.iam.gserviceaccount.com"
READER = "reader@test.iam.gserviceaccount.com"


class GoogleTokens:
    """The server. It knows two service accounts and gives a new token at each request."""

    def __init__(self) -> None:
        self._port = free_port()
        self.address = f"http://{LOOPBACK}:{self._port}/token"
        #: The account of each valid token.
        self.given: dict[str, str] = {}
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._private = _pem(key)
        self.public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._server = _Server((LOOPBACK, self._port), _Handler)
        self._server.tokens = self

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def account(self, name: str = ACCOUNT, *, right: bool = True) -> str:
        """Return the JSON key of a service account, as Google gives it.

        :param right: whether the private key is that of the account
        """
        private = self._private if right else _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "test",
                "private_key_id": "1",
                "private_key": private,
                "client_email": name,
                "client_id": "1",
                "token_uri": self.address,
            }
        )


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    tokens: GoogleTokens


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, *_: object) -> None:
        """Write nothing to the test's output."""

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        tokens = self.server.tokens
        try:
            claims = jwt.decode(form["assertion"][0], certs=tokens.public)
        except ValueError:
            self._answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
            return
        token = secrets.token_hex(16)
        tokens.given[token] = claims["iss"]
        self._answer(200, {"access_token": token, "expires_in": 3600, "token_type": "Bearer"})

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
