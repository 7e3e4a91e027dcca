# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Webhooks of the user's own: a JSON body, signed when there is a key. docs/reference/webhook.md describes both."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._notify.channel import Channel, Message
from ansible_collections.vex.backup.plugins.module_utils._notify.http_request import HttpRequest, request_once

# The version of the body's schema.
VERSION = 1
SIGNATURE = "X-Vex-Backup-Signature"
DELIVERY = "X-Vex-Backup-Delivery"


def send_json(channel: Channel, message: Message, timeout: int) -> None:
    """Post a message to a webhook. A repetition has the same ``id``, by which the receiver knows it.

    :raises ChannelUndelivered: unless the webhook answers with success
    """
    body = body_of(message)
    headers = {"Content-Type": "application/json", DELIVERY: message.identity}
    if channel.secret_key:
        headers[SIGNATURE] = signature(channel.secret_key, body)
    request_once(HttpRequest(channel.secret_url, body, headers, timeout), channel.name)


def body_of(message: Message) -> bytes:
    """Return the body for a message, as ASCII."""
    body: t.Dict[str, t.Any] = {
        "version": VERSION,
        "id": message.identity,
        "event": message.event,
        "resolved": message.is_resolved,
        "time": message.time,
        "title": message.title,
        "text": message.text,
        "facts": message.facts,
    }
    if message.log:
        body["log"] = message.log
    return json.dumps(body, sort_keys=True).encode("ascii")


def signature(key: str, body: bytes) -> str:
    """Return the signature of a body: HMAC-SHA256 of its bytes, as ``sha256=`` and hexadecimal digits."""
    return f"sha256={hmac.new(key.encode('utf-8'), body, hashlib.sha256).hexdigest()}"
