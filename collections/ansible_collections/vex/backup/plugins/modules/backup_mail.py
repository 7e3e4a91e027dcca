#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mail the result of a run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_mail
short_description: Mail the result of a run, now or at the next run
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Sends one mail, with a plain text, an HTML part if given, and text files attached.
  - When the server does not take it, for all recipients or for some, the mail is kept in O(spool_dir) for those and
    the module succeeds with a warning. Every call tries the kept mails, oldest first and each once, until they have
    taken O(timeout) seconds together.
  - At most 50 mails are kept, for at most 7 days; older ones are dropped, with a warning and RV(error).
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: Nothing is sent or kept; the server is asked whether it takes the login.
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
    description: Its port; without it, 25, 587 or 465 according to O(smtp_security).
    type: int
  smtp_security:
    description:
      - V(starttls) and V(tls) verify the server's certificate and name.
      - V(none) sends everything in the clear, the login included.
    type: str
    choices: [none, starttls, tls]
    default: starttls
  smtp_user:
    description: Account to log in with; no login without it.
    type: str
  smtp_password:
    description: Its password.
    type: str
  ca_cert:
    description:
      - File with the certificate authorities that the server's certificate must come from; the host's own without it.
    type: path
  timeout:
    description: Seconds that the whole dialogue with the server may take for one mail.
    type: int
    default: 30
  sender:
    description: Address that the mail comes from, with or without a name.
    type: str
    required: true
  recipients:
    description: Addresses that it goes to.
    type: list
    elements: str
    required: true
  subject:
    description: Its subject. Without it there is no new mail, and only those that are kept are tried.
    type: str
  text:
    description: Its plain text.
    type: str
  html:
    description: The same as HTML.
    type: str
  attachments:
    description: Text files to attach. Of one that cannot be read, the reason is attached instead, with a warning.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name that it has in the mail; its own without it.
        type: str
      path:
        description: The file.
        type: path
        required: true
  max_attachment_bytes:
    description:
      - Bytes of each attachment.
      - Of a longer one, the head and the tail, with a line that says how much was left out.
    type: int
    default: 5000000
  spool_dir:
    description: Folder for mails that could not be sent; made with mode 0700 when absent.
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
  description: Whether there was a mail, and the server took it for every recipient.
  returned: success
  type: bool
spooled:
  description: Whether it was kept in O(spool_dir), for those that the server did not take it for.
  returned: success
  type: bool
error:
  description:
    - Why it was kept, and which option to look at.
    - Also what became of mails that were kept before and are lost, whether or not this one was delivered.
  returned: when it was kept, or when kept mails were dropped or cannot be read
  type: str
retried:
  description: Subjects of the kept mails that went now.
  returned: success
  type: list
  elements: str
kept:
  description: How many mails are kept in O(spool_dir) now.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, conclude
from ansible_collections.vex.backup.plugins.module_utils._notify.mail import deliver


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            "smtp_host": {"type": "str", "required": True},
            "smtp_port": {"type": "int"},
            "smtp_security": {"type": "str", "choices": ["none", "starttls", "tls"], "default": "starttls"},
            "smtp_user": {"type": "str"},
            "smtp_password": {"type": "str", "no_log": True},
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
            "spool_dir": {"type": "path", "required": True},
        },
        required_together=[("subject", "text")],
        supports_check_mode=True,
    )
    conclude(module, lambda log: deliver(module.params, log, module.check_mode))


if __name__ == "__main__":
    main()
