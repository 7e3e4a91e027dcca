# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the reasons that are taken from the log of Apprise."""

from __future__ import annotations

import logging

import pytest

from ansible_collections.vex.backup.plugins.module_utils._notify.apprise_sender import (
    _body,
    _explain,
    _quiet,
)
from ansible_collections.vex.backup.plugins.module_utils._notify.channel import Channel, Message
from ansible_collections.vex.backup.plugins.module_utils._notify.unsent import parse, unsent_of

CANARY = "canary5e1f"
CHANNEL = Channel(2, f"slack://{CANARY}", is_webhook=False, secret_key=None, events=("error",), with_log=True)
POOL = f"Socket Exception: HTTPSConnectionPool(host='example.org', port=443): Max retries exceeded with url: /{CANARY}"
MESSAGE = Message("u", "error", False, "2026-03-31T03:00:00Z", "title", "text", {}, "x" * 3000)


@pytest.mark.parametrize(
    ("level", "text", "reason", "may_pass", "may_have_arrived"),
    [
        (10, f"{POOL} (Caused by NewConnectionError('[Errno 111] Connection refused'))", "refused", True, False),
        (10, f"{POOL} (Caused by NameResolutionError('x'))", "its name could not be resolved", True, False),
        (10, f"{POOL} (Caused by ConnectTimeoutError('x'))", "it did not answer in time", True, False),
        (10, "Socket Exception: [Errno -2] Name or service not known", "could not be resolved", True, False),
        (10, "Socket Exception: [Errno 113] No route to host", "its network cannot be reached", True, False),
        (10, f"{POOL} (Caused by SSLError('CERTIFICATE_VERIFY_FAILED'))", "a certificate that", False, False),
        (10, "Socket Exception: (535, b'5.7.8 no')", "the mail server refused the mail: 535", False, False),
        (10, "Socket Exception: {'a@b': (451, b'4.7.1 later')}", "refused the mail: 451", True, False),
        (10, f"Socket Exception: Read timed out. {CANARY}", "failed before its answer", False, True),
        (30, f"Failed to send Slack {CANARY}: Bad Request, error=400.", "with the answer 400", False, False),
        (30, f"Failed to send Slack {CANARY}: Too many, error=429.", "it answered 429", True, False),
        (30, f"Failed to send Slack {CANARY}: error=504.", "answered 504", False, True),
        (10, f"Socket Exception: ('Cannot connect to proxy.', {CANARY})", "failed before its answer", False, True),
        (10, f"Socket Exception: Tunnel connection failed: 503 {CANARY}", "the proxy does not reach it", True, False),
        (10, f"Socket Exception: ProxyError({CANARY})", "the proxy cannot be reached", True, False),
        (30, f"Nothing that is known {CANARY}", "Apprise tells no reason", False, True),
        # The text of a message, which Apprise logs too.
        (10, "Slack Payload: error=500 Socket Exception: ", "Apprise tells no reason", False, True),
    ],
)
def test_reasons(level: int, text: str, reason: str, may_pass: bool, may_have_arrived: bool) -> None:
    with _quiet("vex.test") as records:
        logging.getLogger("vex.test").log(level, text)
    error = _explain(CHANNEL, records)
    assert str(error).startswith("channel 2 (slack)")
    assert reason in str(error)
    assert CANARY not in str(error)
    assert (error.may_pass, error.may_have_arrived) == (may_pass, may_have_arrived)


def test_the_logger_is_as_before() -> None:
    logger = logging.getLogger("vex.test")
    with _quiet("vex.test"):
        assert not logger.propagate
    assert (logger.propagate, logger.level, logger.handlers) == (True, logging.NOTSET, [])


def test_the_log_takes_the_room_that_the_service_has() -> None:
    assert _body(MESSAGE, 32_000).endswith("x" * 3000)
    short = _body(MESSAGE, 1000)
    assert short.startswith("text\n\n[... ")
    assert len(short) < 1000
    assert _body(MESSAGE, 160) == "text"
    assert _body(MESSAGE._replace(log=""), 32_000) == "text"


def test_a_channel_shows_no_secret() -> None:
    assert CANARY not in repr(CHANNEL)
    assert (CHANNEL.name, CHANNEL.schema) == ("channel 2 (slack)", "slack")
    assert Channel(1, CANARY, False, None, (), False).name == "channel 1"


def test_an_entry_of_the_spool() -> None:
    unsent = unsent_of(CHANNEL, MESSAGE)
    assert CANARY not in str(unsent.as_dict())
    assert parse(unsent.as_dict()) == unsent
    assert str(unsent) == "the message 'title' for channel 2 (slack)"
    broken = unsent.as_dict()
    broken["message"]["event"] = "other"
    with pytest.raises(ValueError, match="other"):
        parse(broken)
