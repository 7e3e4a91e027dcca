#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start and remove a scratch server of MySQL or MariaDB."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_scratch
short_description: Start and remove a scratch server of MySQL or MariaDB
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Starts an empty server with the server program of this host, to try a restore on. It listens on a socket in a
    directory that other accounts cannot enter, and on no port. C(root) logs in without a password, there is no binary
    log.
  - Reads no configuration file of the host, and touches no other server of the host.
  - When a run was killed, the next call with the same O(path) ends its server and removes its files.
options:
  path:
    description:
      - Directory for the server and the files of the run. It is created if absent, and removed with O(state=absent).
      - The server's account must be able to enter the directories above it.
    type: path
    required: true
  state:
    description:
      - V(claimed) creates O(path) with a directory for files in it, after removing what a killed run left there.
      - V(present) does the same and starts a server, in place of the previous one.
      - V(absent) ends the server and removes O(path).
    type: str
    choices: [claimed, present, absent]
    default: present
  product:
    description: Product of the server. Required with O(state=present).
    type: str
    choices: [mysql, mariadb]
  user:
    description:
      - Account that the server runs as if the module runs as C(root). By default C(mysql), or C(nobody) on a host
        without C(mysql).
      - If the module runs as another account, the server runs as that account.
    type: str
  lower_case_table_names:
    description:
      - The server's setting of that name. Use the value of the server that was backed up, so that names with capitals
        mean the same tables.
    type: int
    choices: [0, 1, 2]
    default: 0
  limits:
    description:
      - Settings that limit what a server takes, by name, as the manifest of a backup has them under C(server.limits).
        The scratch server takes no more than the one that was backed up.
      - Other settings than those of a manifest are ignored.
    type: dict
    default: {}
  encryption_key_ids:
    description:
      - Numbers of the keys that encrypted tables need, as a download returns them. The server gets keys with these
        numbers, which are removed with it, where the host has MariaDB's C(file_key_management) or MySQL's
        C(component_keyring_file).
    type: list
    elements: int
    default: []
  needed_bytes:
    description: Bytes that must be free on the disk before the server starts.
    type: int
    default: 0
  abandoned_after:
    description: Seconds without a write to its log after which another run that uses O(path) is abandoned.
    type: int
    default: 600
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
attributes:
  check_mode:
    support: none
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: With O(state=present) each call starts another server.
requirements:
  - PyMySQL >= 1.1
  - C(mariadbd) and C(mariadb-install-db), or C(mysqld)
"""

EXAMPLES = r"""
- name: Start a server to restore into
  vex.backup.mysql_scratch:
    path: /var/tmp/vex-backup-scratch
    product: mariadb
  register: scratch

- name: Remove it
  vex.backup.mysql_scratch:
    path: /var/tmp/vex-backup-scratch
    state: absent
"""

RETURN = r"""
socket:
  description: Path of the server's socket.
  returned: with O(state=present)
  type: str
  sample: /var/tmp/vex-backup-scratch/instance/server.sock
server_version:
  description: Version of the server, as the server reports it.
  returned: with O(state=present)
  type: str
  sample: 10.11.18-MariaDB
work:
  description: Directory for files, which other accounts cannot enter.
  returned: with O(state=claimed) and O(state=present)
  type: str
  sample: /var/tmp/vex-backup-scratch/work
replaced:
  description: Whether the directory of a killed run was removed.
  returned: with O(state=claimed) and O(state=present)
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_server import ScratchRequest, scratch


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["claimed", "present", "absent"], "default": "present"},
            "product": {"type": "str", "choices": ["mysql", "mariadb"]},
            "user": {"type": "str"},
            "lower_case_table_names": {"type": "int", "choices": [0, 1, 2], "default": 0},
            "limits": {"type": "dict", "default": {}},
            "encryption_key_ids": {"type": "list", "elements": "int", "default": [], "no_log": False},
            "needed_bytes": {"type": "int", "default": 0},
            "abandoned_after": {"type": "int", "default": 600},
            **RUN_LOG,
        },
        required_if=[("state", "present", ["product"])],
    )
    conclude(
        module,
        lambda log: scratch(request(ScratchRequest, module.params), log),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
