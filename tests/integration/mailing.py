"""Calls of ``backup_mail``, and servers that hold a scripted SMTP conversation."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._notify.mail import MailRequest, deliver
from ansible_collections.vex.backup.plugins.module_utils._notify.message import Attachment

NOTE = "Os anexos foram encurtados & omitidos."


class Mailer:
    """The calls of the module for one server and one spool."""

    def __init__(self, port: int, folder: Path) -> None:
        self.run_log = folder / "backup_script.log"
        self.spool = folder / "spool"
        self.options: dict[str, Any] = {
            "smtp_host": "127.0.0.1",
            "smtp_port": port,
            "smtp_security": "none",
            "smtp_user": None,
            "smtp_password": None,
            "smtp_hostname": None,
            "ca_cert": None,
            "timeout": 5,
            "sender": "Cópia <backup@example.com>",
            "recipients": ["dba@example.com", "Chefe <boss@example.com>"],
            "subject": "Rotina de backup db1 20/07/2025 16:15:23",
            "text": "Terminou com sucesso: 😀\n",
            "html": None,
            "attachments": [],
            "max_attachment_bytes": 5_000_000,
            "size_note": NOTE,
            "patience": 0,
            "spool_dir": str(self.spool),
        }

    def __call__(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        given = {**self.options, **options}
        attachments = [Attachment(one.get("name"), one["path"]) for one in given.pop("attachments")]
        return deliver(MailRequest(**given, attachments=attachments), RunLog(str(self.run_log)), check_mode)

    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.spool / "mails").glob("*"))


@contextlib.contextmanager
def scripted(conversation: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that holds one conversation with each client; yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _address = listener.accept()
                    with client, contextlib.suppress(OSError):
                        conversation(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def attachment(message: EmailMessage, number: int = 0) -> tuple[str | None, str]:
    part = list(message.iter_attachments())[number]
    return part.get_filename(), part.get_content()
