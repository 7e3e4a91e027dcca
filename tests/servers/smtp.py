"""A mail server that keeps mails as ``.eml`` files; it runs in this process, or as a program for the demo."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.ports import LOOPBACK, free_port

Mode = Literal["normal", "refuse", "hang"]


class SmtpSink:
    """A mail server.

    :param directory: where each message is kept, named by its order of arrival
    :param tls: with a context, clients must use STARTTLS, or *implicit* TLS
    :param address: the address to listen on
    :param login: user and password that clients must give (on an encrypted connection only)

    ``mode`` may be set at any time: ``refuse`` answers 550 to every recipient, ``hang`` never answers one. ``largest``
    too: a limit that the server does not announce; and ``refused_recipients``, which get the same answer.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        address: str = LOOPBACK,
    ) -> None:
        self.directory = directory
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = free_port(address=address) if port is None else port
        self.address = address
        self.mode: Mode = "normal"
        self.largest: int | None = None
        self.refused_recipients: set[str] = set()
        #: How often the server was asked to take a mail for a recipient.
        self.asked = 0
        self.greeted_by: str | None = None
        self._login = login
        self._tls = tls
        self._implicit = implicit
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start to listen, also after :meth:`stop`."""
        # A controller can be started once.
        self._controller = Controller(
            self,
            hostname=self.address,
            port=self.port,
            ready_timeout=120,
            ssl_context=self._tls if self._implicit else None,
            tls_context=None if self._implicit else self._tls,
            require_starttls=self._tls is not None and not self._implicit,
            auth_required=self._login is not None,
            auth_require_tls=not self._implicit,
            authenticator=self._authenticate if self._login else None,
        )
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    def announce(self, limit: int) -> None:
        """Announce to new clients the size in bytes that the server accepts, and enforce it."""
        assert self._controller is not None
        self._controller.SMTP_kwargs["data_size_limit"] = limit

    @property
    def messages(self) -> list[EmailMessage]:
        """The messages kept so far, oldest first."""
        return [
            message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted(self.directory.glob("*.eml"))
        ]

    def clear(self) -> None:
        """Forget the messages kept so far."""
        for path in self.directory.glob("*.eml"):
            path.unlink()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept or refuse a recipient, according to the mode."""
        self.asked += 1
        if self.mode == "refuse" or address in self.refused_recipients:
            return "550 5.7.1 this server was told to refuse"
        while self.mode == "hang":
            await asyncio.sleep(0.05)
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a message; its file gets its name only when it is complete."""
        self.greeted_by = session.host_name
        if self.largest is not None and len(envelope.original_content or b"") > self.largest:
            return "552 5.3.4 Message size exceeds fixed limit"
        number = 1 + sum(1 for _ in self.directory.glob("*.eml"))
        path = self.directory / f"{number:04d}.eml"
        partial = path.with_suffix(".partial")
        partial.write_bytes(envelope.original_content or b"")
        partial.rename(path)
        return "250 OK"

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self._login, handled=False)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with SmtpSink(arguments.directory, port=arguments.port):
        ended.wait()


if __name__ == "__main__":
    main()
