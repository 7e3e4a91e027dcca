"""The status web app, run by ``vex-webstatus serve`` over plain HTTP on loopback."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.ports import free_port
from tests.servers.process import Process, ServerFailed

PROGRAM = (sys.executable, "-m", "webstatus.cli")


class WebStatus:
    """One process of the app.

    :param directory: the folder of its log and its pid file
    :param settings: settings by name; ``secret_key`` and those of the log database are required
    :param port: the port to listen on; ``None`` chooses a free one
    :param detached: whether the process outlives this program
    """

    def __init__(
        self, directory: Path, settings: Mapping[str, str], port: int | None = None, *, detached: bool = False
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.process = Process("webstatus", directory, detached=detached)
        self.port = port if self.process.pid and port else free_port(port)
        self.url = f"http://127.0.0.1:{self.port}"
        given = {"port": str(self.port), "plain_http": "true", "config": os.devnull, **settings}
        self._environment = {f"VEX_WEBSTATUS_{name.upper()}": value for name, value in given.items()}

    def start(self) -> None:
        """Start the app unless it runs already, and wait until it answers."""
        if self.process.pid is None:
            self.process.start([*PROGRAM, "serve"], self.answers, environment=self._environment)

    def stop(self) -> None:
        """Stop the app."""
        self.process.stop()

    def answers(self) -> bool:
        """Return whether the app answers a request, with any status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/login")
            connection.getresponse()
        except OSError:
            return False
        finally:
            connection.close()
        return True

    def accepts(self, login: str, password: str) -> bool:
        """Return whether a user can log in and reach the dashboard, as with a browser.

        :raises ServerFailed: when the app answers with an error other than 401
        """
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        try:
            with browser.open(f"{self.url}/login", timeout=120) as page:
                token = re.search(r'name="csrf_token" value="(\w+)"', page.read().decode("utf-8"))
            fields = {"login": login, "senha": password, "csrf_token": token[1] if token else ""}
            with browser.open(f"{self.url}/login", urllib.parse.urlencode(fields).encode("ascii"), timeout=120) as page:
                return bool(page.url == f"{self.url}/")
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return False
            raise ServerFailed(f"the web app answers {error.code} to a login; see {self.process.log}") from None

    def create_administrator(self, login: str, password: str) -> None:
        """Create an administrator with ``vex-webstatus create-admin``.

        :raises ServerFailed: when the command fails
        """
        done = subprocess.run(
            [*PROGRAM, "create-admin", "--login", login],
            input=f"{password}\n{password}\n",
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(f"the administrator {login} could not be created: {done.stderr}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
