# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Messages that wait in the spool for their channel."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._notify.channel import EVENTS, Channel, Message


class Unsent(t.NamedTuple):
    """A message that a channel did not get. The channel's URL, which holds secrets, is not kept with it."""

    digest: str
    position: int
    schema: str
    message: Message

    def __str__(self) -> str:
        schema = f" ({self.schema})" if self.schema else ""
        return f"the message {self.message.title!r} for channel {self.position}{schema}"

    def as_dict(self) -> t.Dict[str, t.Any]:
        """Return the entry of the spool."""
        message = self.message._asdict()
        return {"digest": self.digest, "position": self.position, "schema": self.schema, "message": message}


def unsent_of(channel: Channel, message: Message) -> Unsent:
    """Return the entry for a message that *channel* did not get."""
    return Unsent(channel.digest, channel.position, channel.schema, message)


def parse(content: t.Any) -> Unsent:
    """Read an entry of the spool.

    :raises KeyError: when it has another form
    :raises TypeError: the same
    :raises ValueError: the same
    """
    message = Message(**content["message"])
    if message.event not in EVENTS:
        raise ValueError(message.event)
    return Unsent(str(content["digest"]), int(content["position"]), str(content["schema"]), message)


def channel_for(unsent: Unsent, channels: t.Sequence[Channel]) -> t.Optional[Channel]:
    """Return the channel that an entry waits for, the one with its URL; ``None`` when there is none any more."""
    return next((channel for channel in channels if channel.digest == unsent.digest), None)
