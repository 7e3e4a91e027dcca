# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The delivery of messages to channels; what cannot be delivered is kept in the spool for the next run."""

from __future__ import annotations

import dataclasses
import time
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._common.notes import one_line
from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._common.text import clean
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, ChannelUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify.channel import (
    Channel,
    Message,
    channels_of,
    end_of_log,
    iso_time,
)
from ansible_collections.vex.backup.plugins.module_utils._notify.kept import drop_old
from ansible_collections.vex.backup.plugins.module_utils._notify.sender import Sender
from ansible_collections.vex.backup.plugins.module_utils._notify.sending import Sending
from ansible_collections.vex.backup.plugins.module_utils._notify.unsent import Unsent, channel_for, parse

MAX_KEPT = 200


@dataclasses.dataclass(frozen=True)
class NotifyRequest:
    """The options of ``backup_notify``; without ``event`` there is no new message, and only kept ones are sent."""

    channels: t.Sequence[t.Mapping[str, t.Any]] = dataclasses.field(repr=False)
    event: t.Optional[str]
    resolved: bool
    title: t.Optional[str]
    text: t.Optional[str]
    facts: t.Mapping[str, t.Any]
    log_file: t.Optional[str]
    timeout: int
    patience: int
    spool_dir: str


def notify(request: NotifyRequest, log: RunLog, check_mode: bool) -> t.Dict[str, t.Any]:
    """Send a message to each channel that is told of its event, then the messages that earlier runs kept.

    :param check_mode: send and keep nothing, but check every channel
    :returns: the module's result
    """
    channels = channels_of(request.channels)
    sender = Sender(request.timeout)
    spool = Spool(request.spool_dir, "messages")
    delivery = _Delivery(sender, spool)
    if check_mode:
        delivery.problems += sender.problems_of(channels)
    else:
        with spool.lock():
            waiting = spool.names()
            if request.event is not None:
                told = [channel for channel in channels if request.event in channel.events]
                delivery.send(told, _message(request), Patience(request.patience, "a channel", log))
            delivery.retry(channels, waiting, request.timeout)
            delivery.problems += [*drop_old(spool, "messages", MAX_KEPT), *spool.unreadable()]
        for name in delivery.delivered:
            log.info(f"message delivered to {name}")
        for problem in delivery.problems:
            log.warning(problem)
    result: t.Dict[str, t.Any] = {
        "changed": bool(delivery.delivered or delivery.retried or delivery.spooled),
        "delivered": delivery.delivered,
        "spooled": delivery.spooled,
        "retried": delivery.retried,
        "kept": len(spool.names()),
    }
    if delivery.problems:
        result["error"] = "; ".join(delivery.problems)
    warnings = [*spool.warnings, *delivery.problems]
    if warnings:
        result["warnings"] = warnings
    return result


def _message(request: NotifyRequest) -> Message:
    return Message(
        identity=str(uuid.uuid4()),
        event=request.event or "",
        is_resolved=request.resolved,
        time=iso_time(utc_now()),
        title=one_line(clean(request.title or "")),
        text=clean(request.text or "").strip(),
        facts=request.facts,
        log=end_of_log(request.log_file),
    )


class _Delivery:
    """The messages of one call. ``delivered`` and ``spooled`` are names of channels, ``problems`` sentences.

    ``retried`` has the channel and the title of each kept message that was sent.
    """

    def __init__(self, sender: Sender, spool: Spool) -> None:
        self.delivered: t.List[str] = []
        self.spooled: t.List[str] = []
        self.retried: t.List[str] = []
        self.problems: t.List[str] = []
        self._sender = sender
        self._spool = spool
        self._failed: t.Set[Channel] = set()

    def send(self, channels: t.Sequence[Channel], message: Message, patience: Patience) -> None:
        """Send a new message to each of *channels*, or keep it for those that did not get it."""
        sending = Sending(self._sender, self._spool, channels, message)
        sending.run(patience)
        self.delivered = [channel.name for channel in sending.delivered]
        self.spooled = [channel.name for channel in sending.kept]
        # A missing library is the same problem of several channels.
        self.problems += dict.fromkeys(sending.problems.values())
        self._failed.update(sending.problems)

    def retry(self, channels: t.Sequence[Channel], names: t.Sequence[str], seconds: float) -> None:
        """Try each kept message once, oldest first. A channel that failed is not tried again.

        The attempts stop after so many seconds: a server that hangs must not delay the run.
        """
        start = time.monotonic()
        for name in names:
            if time.monotonic() - start >= seconds:
                break
            unsent = self._spool.read(name, parse)
            if unsent is None:
                continue
            channel = channel_for(unsent, channels)
            if channel is None:
                self._spool.remove(name)
                self.problems.append(f"{unsent} is lost: the channel is no longer configured")
            elif channel not in self._failed:
                self._retry_one(channel, name, unsent)

    def _retry_one(self, channel: Channel, name: str, unsent: Unsent) -> None:
        try:
            self._sender.send(channel, unsent.message.for_channel(channel))
        except BackupError as error:
            self._failed.add(channel)
            if isinstance(error, ChannelUndelivered) and error.may_have_arrived:
                self._spool.remove(name)
                self.problems.append(f"{error}; {unsent} may be lost, and is not sent again")
            else:
                self.problems.append(f"{error}; earlier messages for it are still kept in {self._spool}")
        else:
            self._spool.remove(name)
            self.retried.append(f"{channel.name}: {unsent.message.title}")
