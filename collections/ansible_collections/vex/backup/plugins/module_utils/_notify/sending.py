# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The attempts to send a new message to channels."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, ChannelUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify.channel import Channel, Message
from ansible_collections.vex.backup.plugins.module_utils._notify.kept import new_name
from ansible_collections.vex.backup.plugins.module_utils._notify.sender import Sender
from ansible_collections.vex.backup.plugins.module_utils._notify.unsent import unsent_of


class Sending:
    """A new message on its way to channels.

    ``delivered`` are the channels that got it, ``kept`` those for which it is in the spool. ``problems`` has a sentence
    for each channel that did not get it.
    """

    def __init__(self, sender: Sender, spool: Spool, channels: t.Sequence[Channel], message: Message) -> None:
        self.delivered: t.List[Channel] = []
        self.kept: t.List[Channel] = []
        self.problems: t.Dict[Channel, str] = {}
        self._sender = sender
        self._spool = spool
        self._message = message
        self._waiting = list(channels)
        self._names = {channel: new_name() for channel in channels}

    def run(self, patience: Patience) -> None:
        """Send the message to each channel, as long as *patience* lasts, or keep it for the next run."""
        try:
            patience.attempt(self._attempt)
        except ChannelUndelivered:
            # The problem of each channel is noted.
            self._waiting = []

    def _attempt(self) -> None:
        """Send the message to each channel that has not got it yet and may take it.

        :raises ChannelUndelivered: with ``may_pass``, when a channel may take it later; it is in the spool then
        """
        for channel in list(self._waiting):
            if not self._send(channel):
                self._waiting.remove(channel)
        if self._waiting:
            error = ChannelUndelivered("; ".join(self.problems[channel] for channel in self._waiting))
            error.may_pass = True
            raise error

    def _send(self, channel: Channel) -> bool:
        """Send the message to a channel once; return whether a repetition may help."""
        message = self._message.for_channel(channel)
        try:
            self._sender.send(channel, message)
        except BackupError as error:
            if isinstance(error, ChannelUndelivered) and error.may_have_arrived:
                self._forget(channel)
                self.problems[channel] = f"{error}; the message may be lost, and is not sent again"
                return False
            # Before a wait: the process may be killed during it.
            self._keep(channel, message, error)
            return error.may_pass
        self._forget(channel)
        self.problems.pop(channel, None)
        self.delivered.append(channel)
        return False

    def _keep(self, channel: Channel, message: Message, error: BackupError) -> None:
        try:
            self._spool.write(self._names[channel], unsent_of(channel, message).as_dict())
        except OSError as trouble:
            self.problems[channel] = f"{error}; the message could not be kept in {self._spool}, and is lost: {trouble}"
        else:
            self.problems[channel] = f"{error}; the message is kept in {self._spool} until the next run"
            if channel not in self.kept:
                self.kept.append(channel)

    def _forget(self, channel: Channel) -> None:
        """Remove the message from the spool, if an earlier attempt kept it."""
        self._spool.remove(self._names[channel])
        if channel in self.kept:
            self.kept.remove(channel)
