# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of a message to its channel: by Apprise, or as JSON to a webhook."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, ChannelUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify.apprise_sender import AppriseSender
from ansible_collections.vex.backup.plugins.module_utils._notify.channel import Channel, Message
from ansible_collections.vex.backup.plugins.module_utils._notify.http_request import is_http
from ansible_collections.vex.backup.plugins.module_utils._notify.webhook import send_json


class Sender:
    """Sends messages.

    :param timeout: seconds that the delivery of one message to one channel may take
    """

    def __init__(self, timeout: int) -> None:
        self._timeout = timeout
        self._apprise: t.Optional[AppriseSender] = None

    def send(self, channel: Channel, message: Message) -> None:
        """Send a message to a channel once.

        :raises ChannelUndelivered: when the channel did not accept it, or may not have
        :raises LibraryMissing: when Apprise is needed and not installed
        """
        with _named(channel):
            if channel.is_webhook:
                send_json(channel, message, self._timeout)
            else:
                self._opened().send(channel, message)

    def problems_of(self, channels: t.Sequence[Channel]) -> t.List[str]:
        """Return a sentence for each channel whose URL is not usable. Nothing is sent."""
        problems = []
        for channel in channels:
            try:
                with _named(channel):
                    self._check(channel)
            except BackupError as error:
                problems.append(str(error))
        return list(dict.fromkeys(problems))

    def _check(self, channel: Channel) -> None:
        if not channel.is_webhook:
            self._opened().open(channel)
        elif not is_http(channel.secret_url):
            raise ChannelUndelivered(f"{channel.name}: its address is not a valid http or https URL: check it")

    def _opened(self) -> AppriseSender:
        if self._apprise is None:
            self._apprise = AppriseSender(self._timeout)
        return self._apprise


@contextlib.contextmanager
def _named(channel: Channel) -> t.Iterator[None]:
    """Turn an error of any other kind into one of the channel: it must not keep the others from their message."""
    try:
        yield
    except BackupError:
        raise
    except Exception as error:  # noqa: BLE001  # a library's, of any kind
        # Its text may hold the URL.
        raise ChannelUndelivered(
            f"{channel.name} could not be used: {type(error).__name__}; check it, and that Apprise is 2.3 or later"
        ) from None
