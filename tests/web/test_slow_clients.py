"""Clients that are slow, never end, or go away: each connection ends, and the log has no traceback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette

from tests.playbook import LogDatabase
from tests.web.backups import add, clear
from tests.web.people import Person
from tests.web.serving import Served, everything, serving
from tests.web.visitor import Visitor
from webstatus import server
from webstatus.security.guard import MAX_FORM_BYTES

HEAD = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
PAGE = b"GET /login HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
DRIP = 0.05


@pytest.fixture
def served(
    web_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Served]:
    """Serve the app with short limits."""
    monkeypatch.setattr(server, "REQUEST_TIMEOUT", 0.5)
    monkeypatch.setattr(server, "READ_TIMEOUT", 1)
    with serving(web_settings) as running:
        yield running
        with running.connect() as connection:
            connection.sendall(PAGE + b"Connection: close\r\n\r\n")
            assert everything(connection).startswith(b"HTTP/1.1 200 "), "it does not answer other clients any more"
    assert not [entry for entry in caplog.records if entry.exc_info], caplog.text
    assert "Traceback" not in caplog.text


def drip(connection: socket.socket, piece: bytes) -> threading.Thread:
    """Send *piece* again and again in a thread, until the connection ends."""
    ended = threading.Event()

    def send() -> None:
        try:
            while not ended.wait(DRIP):
                connection.sendall(piece)
        except OSError:
            pass

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /lo",
        PAGE,
        HEAD + b"Content-Length: 50\r\n\r\nlogin=x",
        HEAD + CHUNKED + b"3\r\nlog\r\n",
        PAGE + CHUNKED + b"3\r\nlog\r\n",
        PAGE + b"\r\n" + HEAD + b"Content-Length: 50\r\n\r\n",
    ],
    ids=[
        "nothing",
        "a line",
        "a head",
        "a body",
        "a chunk",
        "a body for a page",
        "no body after another request",
    ],
)
def test_a_request_that_stops_ends(served: Served, sent: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(sent)
        everything(connection)


@pytest.mark.parametrize(
    ("sent", "piece"),
    [(PAGE, b"X: y\r\n"), (HEAD + CHUNKED, b"1\r\na\r\n"), (PAGE + CHUNKED, b"1\r\na\r\n")],
    ids=["a head", "a body", "a body for a page"],
)
def test_a_request_that_never_ends_ends(served: Served, sent: bytes, piece: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(sent)
        thread = drip(connection, piece)
        everything(connection)
        thread.join()


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(HEAD + CHUNKED + b"%x\r\n" % (MAX_FORM_BYTES + 1) + b"x" * (MAX_FORM_BYTES + 1))
        assert everything(connection).startswith(b"HTTP/1.1 413 ")


def test_requests_of_one_connection_have_each_their_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # Together, they take longer than one may.
    monkeypatch.setattr(server, "REQUEST_TIMEOUT", 3)
    page = PAGE.replace(b"GET", b"HEAD")
    with served.connect() as connection:
        for _ in range(8):
            connection.sendall(page[:20])
            threading.Event().wait(0.5)
            connection.sendall(page[20:] + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(page[:20])
        everything(connection)


@pytest.mark.parametrize("sent", [PAGE[:9], HEAD, HEAD + b"Content-Length: 9\r\n\r\nlog", PAGE + b"\r\n"])
def test_a_connection_that_is_dropped(served: Served, sent: bytes) -> None:
    for _ in range(5):
        with served.connect() as connection:
            connection.sendall(sent)
    served.wait_until_idle()


@pytest.mark.parametrize("drops", [False, True], ids=["does not read", "goes away"])
def test_a_client_that_does_not_read(
    served: Served, app: Starlette, web_database: LogDatabase, client: Person, *, drops: bool
) -> None:
    # Much more than the buffers of sockets hold.
    backup = add(web_database, log_dump="x" * 14_000_000)
    visitor = Visitor(app).log_in(client)
    cookie = f"Cookie: vex_session={visitor.session_cookie}\r\n".encode()
    with served.connect(receive_buffer=4096) as connection:
        connection.sendall(
            b"GET /backups/%d/logs/mydumper_log.log/file HTTP/1.1\r\nHost: x\r\n%s\r\n" % (backup, cookie)
        )
        assert connection.recv(12) == b"HTTP/1.1 200"
        if drops:
            connection.close()
        served.wait_until_idle()
    clear(web_database)
