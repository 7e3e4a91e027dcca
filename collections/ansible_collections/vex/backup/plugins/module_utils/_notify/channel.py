# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The channels of notifications, and the messages for them."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.text import end_of

EVENTS = ("success", "warning", "error", "overdue", "proof_failed")
# A channel's schema in messages. What does not look like one may be a part of a secret.
SCHEMA = re.compile(r"([a-z][a-z0-9+.-]{0,19})://", re.IGNORECASE)
# Bytes of a log's end that a message carries at most.
LOG_BYTES = 10_000


@dataclasses.dataclass(frozen=True)
class Channel:
    """A channel: an Apprise URL, or a webhook of the user's own. Both hold secrets.

    ``position`` is that in the list, from 1. ``key`` signs what a webhook gets. ``events`` are those that it is told
    of. ``with_log``: it also gets the end of the log.
    """

    position: int
    secret_url: str = dataclasses.field(repr=False)
    is_webhook: bool
    secret_key: t.Optional[str] = dataclasses.field(repr=False)
    events: t.Tuple[str, ...]
    with_log: bool

    @property
    def schema(self) -> str:
        """The schema of the URL, ``webhook``, or empty for what is no URL."""
        if self.is_webhook:
            return "webhook"
        found = SCHEMA.match(self.secret_url)
        return found.group(1).lower() if found else ""

    @property
    def name(self) -> str:
        """The channel's name in messages, without secrets, such as ``channel 2 (slack)``."""
        return f"channel {self.position} ({self.schema})" if self.schema else f"channel {self.position}"

    @property
    def digest(self) -> str:
        """A digest of the URL, by which the spool knows the channel after the list was changed."""
        return hashlib.sha256(self.secret_url.encode("utf-8", "surrogatepass")).hexdigest()


class Message(t.NamedTuple):
    """A message for channels.

    ``identity`` is a UUID, the same in each repetition; ``event`` one of :data:`EVENTS`, and ``is_resolved`` tells that
    it is over; ``time`` is in UTC, as ISO 8601. ``facts`` are for webhooks. ``log`` is the end of the log, or empty.
    """

    identity: str
    event: str
    is_resolved: bool
    time: str
    title: str
    text: str
    facts: t.Mapping[str, t.Any]
    log: str

    def for_channel(self, channel: Channel) -> Message:
        """Return the message as *channel* may get it: without the log, unless that was asked for."""
        return self if channel.with_log else self._replace(log="")


def channels_of(options: t.Sequence[t.Mapping[str, t.Any]]) -> t.List[Channel]:
    """Read the option ``channels`` of ``backup_notify``."""
    return [
        Channel(
            position=number,
            secret_url=one["url"] or one["webhook"] or "",
            is_webhook=not one["url"],
            secret_key=one["key"],
            events=tuple(one["on"]),
            with_log=one["with_log"],
        )
        for number, one in enumerate(options, 1)
    ]


def iso_time(moment: datetime.datetime) -> str:
    """Format a time in UTC as ISO 8601."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def end_of_log(path: t.Optional[str], limit: int = LOG_BYTES) -> str:
    """Return the end of a log file, at most *limit* bytes; the reason when it cannot be read, empty without a file."""
    if not path:
        return ""
    try:
        with open(path, "rb") as stream:
            return end_of(stream.read().decode("utf-8", "replace"), limit)
    except OSError as error:
        return f"{path} could not be read: {error.strerror}"
