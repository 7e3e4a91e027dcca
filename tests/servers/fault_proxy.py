"""A proxy in front of any server of the tests that breaks connections on purpose, whatever their protocol."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import functools
import os
import re
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

BLOCK = 65536
# How far back a request may have begun.
TAIL = 2000
LINGER = struct.pack("ii", 1, 0)

Address = tuple[str, int] | str


class Break(enum.Enum):
    """A kind of fault of a connection."""

    REFUSE = "close it at once"
    RESET = "reset it"
    HANG = "forward nothing more"
    DELAY = "wait for some seconds, then go on"
    ANSWER = "answer in the server's place"
    DROP_ANSWER = "let the server do the work, and close the connection without its answer"
    CUT_ANSWER = "close it within the server's answer"
    FLIP_REQUEST = "change a byte of the request"
    FLIP_ANSWER = "change a byte of the answer"


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule for the moment and the kind of a fault.

    :param when: a regular expression for what the client sends then; empty for the start of the connection
    :param times: how many connections; ``None`` for all
    :param at: the byte that is changed, or after which the answer is cut, counted from the block that has *when*
    :param seconds: of the delay
    :param answer: the bytes to answer
    """

    kind: Break
    when: bytes = b""
    times: int | None = None
    at: int = 0
    seconds: float = 0
    answer: bytes = b""


class FaultProxy:
    """A proxy of TCP connections, or of connections to a Unix socket.

    :param upstream: host and port, or the path of a socket
    :param path: of the socket to listen on; ``None`` for a free TCP port
    """

    def __init__(self, upstream: Address, path: Path | None = None) -> None:
        self._upstream = upstream
        self._listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self._listener.bind(str(path) if path else ("127.0.0.1", 0))
        self._listener.listen(64)
        self.path = str(path)
        self.port = 0 if path else int(self._listener.getsockname()[1])
        self._lock = threading.Lock()
        self._rule: Rule | None = None
        self._left: int | None = 0
        self._open: set[socket.socket] = set()
        #: How many connections were broken.
        self.broken = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()

    def set(self, rule: Rule | None) -> None:
        """Break connections by *rule* from now on; ``None`` breaks none."""
        with self._lock:
            self._rule = rule
            self._left = None if rule is None else rule.times
            self.broken = 0

    def drop_all(self) -> None:
        """End every connection."""
        with self._lock:
            still_open = list(self._open)
        for one in still_open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def take(self, when: Callable[[Rule], bool]) -> Rule | None:
        """Return the rule if it is due, and count it."""
        with self._lock:
            if self._rule is None or self._left == 0 or not when(self._rule):
                return None
            if self._left is not None:
                self._left -= 1
            self.broken += 1
            return self._rule

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        if self.take(lambda rule: rule.kind is Break.REFUSE):
            client.close()
            return
        server = socket.socket(socket.AF_UNIX if isinstance(self._upstream, str) else socket.AF_INET)
        with client, server, contextlib.suppress(OSError):
            with self._lock:
                self._open |= {client, server}
            server.connect(self._upstream)
            _Connection(self, client, server).run()
        with self._lock:
            self._open -= {client, server}


class _Connection:
    """One connection through the proxy."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._rule: Rule | None = None
        self._asked = self._answered = 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Forward until one side ends."""
        if self._take(lambda rule: not rule.when) and self._begin():
            return
        answers = threading.Thread(target=self._copy_answers, daemon=True)
        answers.start()
        self._copy_requests()
        answers.join()

    def _take(self, when: Callable[[Rule], bool]) -> bool:
        self._rule = self._rule or self._proxy.take(when)
        return self._rule is not None

    def _copy_requests(self) -> None:
        tail = b""
        with contextlib.suppress(OSError):
            while block := self._client.recv(BLOCK):
                seen = tail + block
                if self._rule is None and self._take(functools.partial(_is_in, seen)) and self._begin():
                    return
                self._server.sendall(self._changed_request(block))
                tail = seen[-TAIL:]
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_WR)

    def _changed_request(self, block: bytes) -> bytes:
        """Return what the server gets of a block that the client sends."""
        if self._rule is None or self._rule.kind is not Break.FLIP_REQUEST:
            return block
        start, self._asked = self._asked, self._asked + len(block)
        return _flipped(block, self._rule.at - start) if start <= self._rule.at < self._asked else block

    def _copy_answers(self) -> None:
        with contextlib.suppress(OSError):
            while block := self._server.recv(BLOCK):
                kind = self._rule.kind if self._rule else None
                if self._rule is not None and kind in {Break.CUT_ANSWER, Break.FLIP_ANSWER, Break.DROP_ANSWER}:
                    changed = self._changed(block, self._rule)
                    if changed is None:
                        self._end()
                        return
                    block = changed
                if kind is Break.HANG:
                    continue
                self._client.sendall(block)
        self._end()

    def _changed(self, block: bytes, rule: Rule) -> bytes | None:
        """Return what the client gets of a block of the answer, ``None`` to end the connection."""
        start, self._answered = self._answered, self._answered + len(block)
        if rule.kind is Break.FLIP_ANSWER:
            return _flipped(block, rule.at - start) if start <= rule.at < self._answered else block
        if rule.kind is Break.DROP_ANSWER:
            return None
        if self._answered > rule.at:
            with contextlib.suppress(OSError):
                self._client.sendall(block[: max(0, rule.at - start)])
            return None
        return block

    def _begin(self) -> bool:
        """Begin to break the connection; return whether it has ended by that."""
        rule = self._rule
        assert rule is not None
        if rule.kind is Break.RESET:
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
            self._end(reset=True)
        elif rule.kind is Break.ANSWER:
            self._answer(rule.answer)
        elif rule.kind is Break.HANG:
            with contextlib.suppress(OSError):
                while self._client.recv(BLOCK):
                    pass
            self._end()
        elif rule.kind is Break.DELAY:
            self._ended.wait(rule.seconds)
            return False
        else:
            return False
        return True

    def _answer(self, answer: bytes) -> None:
        """Answer, and read what the client still sends: else the kernel would reset the connection."""
        with contextlib.suppress(OSError):
            self._client.sendall(answer)
            self._client.shutdown(socket.SHUT_WR)
            self._client.settimeout(5)
            while self._client.recv(BLOCK):
                pass
        self._end()

    def _end(self, *, reset: bool = False) -> None:
        self._ended.set()
        for one in (self._server,) if reset else (self._client, self._server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        if reset:
            # Closed, not shut down: that is what sends the reset.
            os.close(self._client.detach())


def _is_in(seen: bytes, rule: Rule) -> bool:
    return bool(rule.when) and re.search(rule.when, seen, re.IGNORECASE) is not None


def _flipped(block: bytes, place: int) -> bytes:
    return block[:place] + bytes([block[place] ^ 1]) + block[place + 1 :]


def http_answer(status: int, code: str, message: str = "") -> bytes:
    """Return an error answer of a store."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return http(status, body, "application/xml")


def http(status: int, body: str, kind: str = "text/html") -> bytes:
    """Return an answer of an HTTP server that closes the connection."""
    head = f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return (head + body).encode()


def mysql_error(number: int, message: str) -> bytes:
    """Return the packet by which a MySQL server refuses a connection."""
    body = b"\xff" + struct.pack("<H", number) + message.encode()
    return struct.pack("<I", len(body))[:3] + b"\x00" + body
