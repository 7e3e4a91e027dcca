# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delivery by Apprise, which is imported only when a channel needs it.

Apprise returns no reason of a failure but logs it, partly with the URL. Only what is known to hold no secret is taken
from its log.
"""

from __future__ import annotations

import contextlib
import logging
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.text import end_of
from ansible_collections.vex.backup.plugins.module_utils._errors import ChannelUndelivered, LibraryMissing
from ansible_collections.vex.backup.plugins.module_utils._notify.channel import LOG_BYTES, Channel, Message
from ansible_collections.vex.backup.plugins.module_utils._notify.http_request import answered
from ansible_collections.vex.backup.plugins.module_utils._notify.time_limit import TimeIsOver, time_limit

# The kinds of messages that Apprise knows, by event. Services show them as colours or icons.
KINDS = {
    "success": "success",
    "warning": "warning",
    "error": "failure",
    "overdue": "failure",
    "proof_failed": "failure",
}
# How Apprise logs the answer of a service, and a failure without an answer.
STATUS = re.compile(r"\berror=(\d{3})\b")
NO_ANSWER = "Socket Exception: "
# Failures before anything was sent: words of the library's text, and those for the user.
UNSENT = (
    ("[Errno 111]", "Connection refused"),
    ("NameResolutionError", "its name could not be resolved"),
    ("[Errno -2]", "its name could not be resolved"),
    ("[Errno -3]", "its name could not be resolved"),
    ("[Errno -5]", "its name could not be resolved"),
    ("Tunnel connection failed", "the proxy does not reach it"),
    ("ProxyError", "the proxy cannot be reached"),
    ("ConnectTimeoutError", "it did not answer in time"),
    ("[Errno 101]", "its network cannot be reached"),
    ("[Errno 113]", "its network cannot be reached"),
)
# The answer of a server between that waited in vain: the service may have the message.
GATEWAY_TIMEOUT = 504
# A mail server's reply in the text of an error of smtplib.
REPLY = re.compile(r"\((\d{3}), b['\"]")
# Characters beside the message: the merged title, and the line before the log.
MARGIN = 100


class _Records(logging.Handler):
    """Keeps the log records of Apprise during one delivery."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.warnings: t.List[str] = []
        self.failures: t.List[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record that tells of a failure."""
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            self.warnings.append(text)
        elif text.startswith(NO_ANSWER):
            self.failures.append(text)


class AppriseSender:
    """Apprise, with each message sent in one request and tried once.

    :param timeout: seconds that the delivery of one message may take
    :raises LibraryMissing: when Apprise is not installed
    """

    def __init__(self, timeout: int) -> None:
        try:
            # It takes a second and its libraries, which hosts without such a channel need not have.
            import apprise  # noqa: PLC0415
        except ImportError:
            raise LibraryMissing(
                "Apprise, which delivers to channels with a url, is not installed: install the Python package apprise"
            ) from None
        self._apprise = apprise
        self._timeout = timeout
        # Without a limit of its own, it works in this thread, where ours can end it.
        self._asset = apprise.AppriseAsset(app_id="Vex Backup", service_timeout=0, async_mode=False)

    def open(self, channel: Channel) -> t.Any:
        """Return Apprise's service for a channel.

        :raises ChannelUndelivered: when its URL is not valid, or names several receivers
        """
        with _quiet(self._apprise.LOGGER_NAME):
            try:
                service = self._apprise.Apprise.instantiate(channel.secret_url, asset=self._asset)
            except Exception:  # noqa: BLE001  # a plugin's failure, of any kind, whose text may hold the URL
                service = None
            if service is None:
                raise ChannelUndelivered(f"{channel.name}: Apprise does not know such a URL: check it")
            # Our patience repeats. A part of a message that was delivered would be delivered again.
            service.retry = 0
            if len(service) > 1:
                raise ChannelUndelivered(
                    f"{channel.name} names {len(service)} receivers, and a repetition would reach some of them twice: "
                    "give each one an entry of its own"
                )
            service.overflow_mode = self._apprise.OverflowMode.TRUNCATE
        return service

    def send(self, channel: Channel, message: Message) -> None:
        """Send a message once.

        :raises ChannelUndelivered: when it was not accepted, or may not have been
        """
        service = self.open(channel)
        sender = self._apprise.Apprise(asset=self._asset)
        sender.add(service)
        with _quiet(self._apprise.LOGGER_NAME) as records:
            try:
                with time_limit(self._timeout):
                    is_sent = sender.notify(
                        title=message.title,
                        body=_body(message, service.body_maxlen),
                        notify_type=self._apprise.NotifyType(
                            "success" if message.is_resolved else KINDS[message.event]
                        ),
                        body_format=self._apprise.NotifyFormat.TEXT,
                    )
            except TimeIsOver:
                raise _uncertain(f"{channel.name} did not answer within {self._timeout} seconds") from None
        if not is_sent:
            raise _explain(channel, records)


@contextlib.contextmanager
def _quiet(name: str) -> t.Iterator[_Records]:
    """Collect the log of Apprise, and keep it from every other handler."""
    logger = logging.getLogger(name)
    records = _Records()
    level, propagates = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(records)
    try:
        yield records
    finally:
        logger.removeHandler(records)
        logger.propagate = propagates
        logger.setLevel(level)


def _body(message: Message, limit: int) -> str:
    """Return the text, and the end of the log as far as the service takes it."""
    room = min(LOG_BYTES, limit - len(message.title) - len(message.text) - MARGIN)
    if not message.log or room < MARGIN:
        return message.text
    return f"{message.text}\n\n{end_of(message.log, room)}"


def _explain(channel: Channel, records: _Records) -> ChannelUndelivered:
    """Return the error for a message that Apprise could not deliver."""
    for failure in records.failures:
        for words, reason in UNSENT:
            if words in failure:
                error = ChannelUndelivered(f"{channel.name} could not be reached: {reason}")
                error.may_pass = True
                return error
        if "CERTIFICATE_VERIFY_FAILED" in failure:
            return ChannelUndelivered(f"{channel.name} has a certificate that is not valid")
        reply = REPLY.search(failure)
        if reply:
            refused = ChannelUndelivered(f"{channel.name}: the mail server refused the mail: {reply.group(1)}")
            refused.may_pass = reply.group(1).startswith("4")
            return refused
        return _uncertain(f"{channel.name}: the connection failed before its answer")
    return _of_answer(channel, [int(found.group(1)) for found in map(STATUS.search, records.warnings) if found])


def _of_answer(channel: Channel, statuses: t.Sequence[int]) -> ChannelUndelivered:
    if not statuses:
        return _uncertain(f"{channel.name} did not confirm the message, and Apprise tells no reason: check its URL")
    if statuses[0] == GATEWAY_TIMEOUT:
        return _uncertain(f"{channel.name} answered {GATEWAY_TIMEOUT}")
    return answered(channel.name, statuses[0])


def _uncertain(message: str) -> ChannelUndelivered:
    error = ChannelUndelivered(message)
    error.may_have_arrived = True
    return error
