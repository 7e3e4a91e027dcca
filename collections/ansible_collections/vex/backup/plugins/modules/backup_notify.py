#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the channels of a team about an event."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_notify
short_description: Tell the channels of a team about an event
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Sends one message to each channel that is told of the event, by Apprise or as JSON to a webhook.
  - While a channel cannot be reached or cannot take the message now, the message is tried again for O(patience)
    seconds.
  - A message that a channel did not take is kept in O(spool_dir), and the module succeeds with a warning. Every call
    tries each kept message once, oldest first, for O(timeout) seconds in all.
  - When the connection to a service of Apprise fails before its answer, the service may have the message. It is not
    sent again, and RV(error) says that it may be lost. A webhook gets it again, with the same C(id).
  - At most 200 messages are kept, for at most 7 days. Older ones are dropped, with a warning and RV(error).
  - Nothing that the module returns or logs holds a part of a URL but its schema.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
  - vex.backup.patience
attributes:
  check_mode:
    support: full
    details: Nothing is sent or kept. The module checks the URL of each channel.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call sends a message.
requirements:
  - apprise, for channels with O(channels[].url)
options:
  channels:
    description: The channels. Their positions in this list are in messages about them.
    type: list
    elements: dict
    required: true
    suboptions:
      url:
        description:
          - URL of Apprise, such as V(slack://...) or V(ntfy://...), with one receiver.
          - Either this or O(channels[].webhook) is required.
        type: str
      webhook:
        description: Address of a webhook that takes JSON, over http or https. Redirects are not followed.
        type: str
      key:
        description: Key of the signature of what the webhook gets, HMAC-SHA256 in the header C(X-Vex-Backup-Signature).
        type: str
      "on":
        description: Events that the channel is told of.
        type: list
        elements: str
        choices: [success, warning, error, overdue, proof_failed]
        default: [warning, error, overdue, proof_failed]
      with_log:
        description: Whether the channel also gets the end of O(log_file).
        type: bool
        default: false
  event:
    description: The event. Without it there is no new message, and only kept messages are sent.
    type: str
    choices: [success, warning, error, overdue, proof_failed]
  resolved:
    description: Whether the message says that the event is over.
    type: bool
    default: false
  title:
    description: Title of the message.
    type: str
  text:
    description: Plain text of the message.
    type: str
  facts:
    description: What webhooks get beside the text.
    type: dict
    default: {}
  log_file:
    description: Log whose end, at most 10,000 bytes, is sent to channels with O(channels[].with_log).
    type: path
  timeout:
    description: Seconds that the delivery of one message to one channel may take.
    type: int
    default: 30
  spool_dir:
    description: Directory for messages that could not be sent. It is made with mode 0700 when absent.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Tell the team
  vex.backup.backup_notify:
    channels:
      - url: "{{ vault_slack_url }}"
      - webhook: https://hooks.example.com/backups
        key: "{{ vault_webhook_key }}"
        "on": [success, warning, error]
    event: error
    title: Rotina de backup db1 20/07/2025 16:15:23
    text: The backup of db1 failed.
    facts:
      hostname: db1
    spool_dir: /var/lib/vex-backup/spool
"""

RETURN = r"""
delivered:
  description: Names of the channels that took the new message.
  returned: success
  type: list
  elements: str
  sample: [channel 1 (slack)]
spooled:
  description: Names of the channels for which the new message is kept in O(spool_dir).
  returned: success
  type: list
  elements: str
error:
  description:
    - For each channel that did not take the new message, the reason, and whether the message is kept or may be lost.
    - Also a sentence on kept messages that were dropped or cannot be read. In check mode, on URLs that cannot be used.
  returned: when a message was not delivered, or kept messages were dropped or cannot be read
  type: str
retried:
  description: The kept messages that this call sent, each as its channel and its title.
  returned: success
  type: list
  elements: str
kept:
  description: Number of messages that are kept in O(spool_dir) now.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    PATIENCE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._notify.channels import NotifyRequest, notify

EVENTS = ["success", "warning", "error", "overdue", "proof_failed"]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            **PATIENCE,
            "channels": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "url": {"type": "str", "no_log": True},
                    "webhook": {"type": "str", "no_log": True},
                    "key": {"type": "str", "no_log": True},
                    "on": {
                        "type": "list",
                        "elements": "str",
                        "choices": EVENTS,
                        "default": ["warning", "error", "overdue", "proof_failed"],
                    },
                    "with_log": {"type": "bool", "default": False},
                },
                "mutually_exclusive": [("url", "webhook"), ("url", "key")],
                "required_one_of": [("url", "webhook")],
            },
            "event": {"type": "str", "choices": EVENTS},
            "resolved": {"type": "bool", "default": False},
            "title": {"type": "str"},
            "text": {"type": "str"},
            "facts": {"type": "dict", "default": {}},
            "log_file": {"type": "path"},
            "timeout": {"type": "int", "default": 30},
            "spool_dir": {"type": "path", "required": True},
        },
        required_by={"event": ("title", "text")},
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: notify(request(NotifyRequest, module.params, patience=patience_of(module)), log, module.check_mode),
    )


if __name__ == "__main__":
    main()
