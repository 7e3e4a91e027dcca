"""Clients that ask the app for pages without a pause, and the time of each answer."""

from __future__ import annotations

import http.client
import random
import re
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import NamedTuple

SEARCHES = (
    *("db-01", "db-017", "erp", "loja-099", "nada"),
    *("Sucesso", "Erro", "Alerta", "Em andamento", "db-01 Erro", "crm alerta"),
    *("6.21 GB", "6.21", "23.5", "412 MB", "1.05 GB erro", "loja 6.21 GB"),
    *("20/07/2025", "03/2024", "14/02", "20/07/2025 23:15", "2022-01-30", "2025", "db-01 2025", "erro 2023"),
)


# Makes an address from random numbers.
Kind = Callable[[random.Random], str]


class Answer(NamedTuple):
    """The time from the request for a page of one ``kind`` to the last byte of the answer, in milliseconds."""

    kind: str
    milliseconds: float


class Browser:
    """One logged-in connection.

    :param port: of the app, on loopback
    """

    def __init__(self, port: int, login: str, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}
        token = re.search(r'name="csrf_token" value="(\w+)"', self.get("/login", expected=200))
        fields = {"login": login, "senha": password, "csrf_token": token[1] if token else ""}
        self._ask("POST", "/login", urllib.parse.urlencode(fields), expected=303)

    def get(self, path: str, expected: int = 200) -> str:
        """Return the text of a page.

        :raises RuntimeError: when the status is not as expected
        """
        return self._ask("GET", path, None, expected)

    def _ask(self, method: str, path: str, body: str | None, expected: int) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except http.client.RemoteDisconnected:
            # The app closes a connection that is idle for five seconds.
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        text = answer.read().decode("utf-8")
        if answer.status != expected:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {text[:200]}")
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return text


def pages(newest: int) -> dict[str, Kind]:
    """Return the addresses of every kind of page, but of searches.

    :param newest: the highest id of a backup
    """
    return {
        "dashboard": lambda _chance: "/",
        "dashboard data": lambda _chance: "/dashboard",
        "backups, first page": lambda _chance: "/backups",
        "backups, last page": lambda _chance: "/backups?cursor=last",
        "backups, a page between": lambda chance: (
            f"/backups?cursor=next.{chance.randint(2, 99_999)}."
            f"{chance.randint(2022, 2025)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}031500.1"
        ),
        "backups of a status": lambda chance: f"/backups?status={chance.choice(['running', 'success', 'error'])}",
        "backups of a server": lambda chance: f"/backups?server=db-{chance.randint(1, 100):03}",
        "details": lambda chance: f"/backups/{chance.randint(1, newest)}",
        "details, with logs": lambda chance: f"/backups/{newest - chance.randint(10, 15_000)}",
        "API, a page": lambda _chance: "/api/v1/backups",
    }


def searches() -> dict[str, Kind]:
    """Return the addresses of searches for typed terms."""
    return {
        "backups, search": lambda chance: f"/backups?search={urllib.parse.quote(chance.choice(SEARCHES))}",
        "API, search": lambda chance: f"/api/v1/backups?search={urllib.parse.quote(chance.choice(SEARCHES))}",
    }


def ask(browsers: list[Browser], kinds: dict[str, Kind], seconds: float) -> list[Answer]:
    """Let all *browsers* ask at the same time, each for every kind of page in turn.

    :raises RuntimeError: when an answer is not as expected
    """
    answers: list[Answer] = []
    failures: list[Exception] = []
    end = time.monotonic() + seconds

    def client(number: int) -> None:
        chance = random.Random(number)
        order = list(kinds)
        try:
            while time.monotonic() < end:
                chance.shuffle(order)
                for kind in order:
                    path = kinds[kind](chance)
                    started = time.perf_counter()
                    browsers[number].get(path)
                    answers.append(Answer(kind, (time.perf_counter() - started) * 1000))
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            failures.append(error)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"{len(failures)} clients failed: {failures[0]}") from failures[0]
    return answers
