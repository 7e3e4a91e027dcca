#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mail the result of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_mail
short_description: Mail the result of a run
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Sends one mail with plain text, optional HTML, and text files as attachments.
  - While the server refuses connections, does not answer or refuses the mail for now (a reply of 4xx), the mail is
    tried again for O(patience) seconds, for the recipients that it did not accept. When a connection is lost while the
    content is sent, the server may have accepted it, and the mail is not tried again in this call.
  - A mail that the server did not accept for all or some recipients is kept in O(spool_dir) for them, and the module
    succeeds with a warning. Every call tries each kept mail once, oldest first, for O(timeout) seconds in all.
  - At most 50 mails are kept, for at most 7 days. Older ones are dropped, with a warning and RV(error).
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
  - vex.backup.patience
attributes:
  check_mode:
    support: full
    details: Nothing is sent or kept. The module holds the dialogue up to the recipients of the new mail, and resets it.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call sends a mail.
options:
  smtp_host:
    description: Host of the mail server.
    type: str
    required: true
  smtp_port:
    description: Port of the mail server. The default is 25, 587 or 465, according to O(smtp_security).
    type: int
  smtp_security:
    description:
      - V(starttls) and V(tls) verify the certificate and the name of the server.
      - V(none) sends everything without encryption, also the login.
    type: str
    choices: [none, starttls, tls]
    default: starttls
  smtp_user:
    description: Account on the mail server. Without it there is no login.
    type: str
  smtp_password:
    description: Password of O(smtp_user).
    type: str
  smtp_hostname:
    description: Name by which the host greets the mail server (EHLO). The default is the host's own name.
    type: str
  ca_cert:
    description:
      - File with the certificate authorities that are trusted. The default is the host's authorities.
    type: path
  timeout:
    description: Seconds that the whole dialogue with the server may take for one mail.
    type: int
    default: 30
  sender:
    description: Address of the sender, with or without a name.
    type: str
    required: true
  recipients:
    description: Addresses of the recipients.
    type: list
    elements: str
    required: true
  subject:
    description: Subject of the mail. Without it there is no new mail, and only kept mails are sent.
    type: str
  text:
    description: Plain text of the mail.
    type: str
  html:
    description: The text as HTML.
    type: str
  attachments:
    description: Text files to attach. For a file that cannot be read, the reason is attached, and there is a warning.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the attachment. The default is the name of the file.
        type: str
      path:
        description: Path of the file.
        type: path
        required: true
  max_attachment_bytes:
    description:
      - Size limit of each attachment, in bytes.
      - Of a longer file, the head and the tail are attached, with a line that gives the number of bytes left out.
    type: int
    default: 5000000
  size_note:
    description:
      - Sentence for the text of a mail whose attachments the server does not accept in their size.
      - Such a mail is sent with the ends of its attachments, or without them when that is not accepted either.
    type: str
    default: "The mail server accepts no larger mail: each attachment is the end of its file, or is left out."
  spool_dir:
    description: Directory for mails that could not be sent. It is made with mode 0700 when absent.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Mail the result
  vex.backup.backup_mail:
    smtp_host: mail.example.com
    smtp_user: backup
    smtp_password: "{{ vault_vex_backup_smtp_password }}"
    sender: Vex Backup <backup@example.com>
    recipients: [dba@example.com]
    subject: Rotina de backup db1 20/07/2025 16:15:23
    text: The backup of db1 succeeded.
    attachments:
      - path: /var/lib/vex-backup/backup_20250720_161523/backup_script.log
    spool_dir: /var/lib/vex-backup/spool
"""

RETURN = r"""
delivered:
  description: Whether the server accepted the new mail for every recipient.
  returned: success
  type: bool
spooled:
  description: Whether the new mail is kept in O(spool_dir), for the recipients that the server refused.
  returned: success
  type: bool
error:
  description:
    - Reason why the new mail is kept, and the option to check.
    - Also a sentence on kept mails that were dropped or cannot be read.
  returned: when the new mail is kept, or kept mails were dropped or cannot be read
  type: str
retried:
  description: Subjects of the kept mails that this call sent.
  returned: success
  type: list
  elements: str
kept:
  description: Number of mails that are kept in O(spool_dir) now.
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
from ansible_collections.vex.backup.plugins.module_utils._notify.mail import MailRequest, deliver
from ansible_collections.vex.backup.plugins.module_utils._notify.message import Attachment

SIZE_NOTE = "The mail server accepts no larger mail: each attachment is the end of its file, or is left out."


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            **PATIENCE,
            "smtp_host": {"type": "str", "required": True},
            "smtp_port": {"type": "int"},
            "smtp_security": {"type": "str", "choices": ["none", "starttls", "tls"], "default": "starttls"},
            "smtp_user": {"type": "str"},
            "smtp_password": {"type": "str", "no_log": True},
            "smtp_hostname": {"type": "str"},
            "ca_cert": {"type": "path"},
            "timeout": {"type": "int", "default": 30},
            "sender": {"type": "str", "required": True},
            "recipients": {"type": "list", "elements": "str", "required": True},
            "subject": {"type": "str"},
            "text": {"type": "str"},
            "html": {"type": "str"},
            "attachments": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"name": {"type": "str"}, "path": {"type": "path", "required": True}},
            },
            "max_attachment_bytes": {"type": "int", "default": 5000000},
            "size_note": {"type": "str", "default": SIZE_NOTE},
            "spool_dir": {"type": "path", "required": True},
        },
        required_together=[("subject", "text")],
        supports_check_mode=True,
    )
    attachments = [Attachment(one["name"], one["path"]) for one in module.params["attachments"]]
    conclude(
        module,
        lambda log: deliver(
            request(MailRequest, module.params, attachments=attachments, patience=patience_of(module)),
            log,
            module.check_mode,
        ),
    )


if __name__ == "__main__":
    main()
