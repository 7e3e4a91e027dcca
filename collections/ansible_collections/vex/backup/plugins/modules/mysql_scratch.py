#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start and throw away a private MySQL or MariaDB server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_scratch
short_description: Start and throw away a private MySQL or MariaDB server
version_added: "1.1.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Starts an empty server of its own, with this host's programs, to try a restore on. It listens on a socket in a
    folder that others cannot enter and on no port, C(root) logs in without a password, and it writes no binary log.
  - No configuration file of the host is read, and no server of the host is touched.
  - What is left in O(path) by a run that was killed is ended and removed by the next one that starts there.
options:
  path:
    description:
      - The folder for all that it writes; made when absent, and removed with O(state=absent).
      - The server's account must be able to enter the folders above it.
    type: path
    required: true
  state:
    description:
      - V(claimed) makes the folder, with a place for files in it, and removes what a run that was killed left there.
      - V(present) does the same and starts a server, in place of the one before.
      - V(absent) ends the server and removes the folder.
    type: str
    choices: [claimed, present, absent]
    default: present
  product:
    description: Whose server. Required with O(state=present).
    type: str
    choices: [mysql, mariadb]
  user:
    description:
      - Account that it runs as when the module runs as C(root); C(mysql), or C(nobody) where there is none, by default.
      - Otherwise it runs as the account of the module.
    type: str
  lower_case_table_names:
    description:
      - The server's setting of that name. That of the server whose backup is restored makes names with capitals find
        what they found there.
    type: int
    choices: [0, 1, 2]
    default: 0
  needed_bytes:
    description: What must be free on the disk before it starts.
    type: int
    default: 0
  abandoned_after:
    description: Seconds without a sign of life in the log of whoever uses it, after which that one is taken for dead.
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
    details: With O(state=present) each call starts another.
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

- name: Throw it away
  vex.backup.mysql_scratch:
    path: /var/tmp/vex-backup-scratch
    state: absent
"""

RETURN = r"""
socket:
  description: Where it listens.
  returned: with O(state=present)
  type: str
  sample: /var/tmp/vex-backup-scratch/instance/server.sock
server_version:
  description: Its version, in the server's own words.
  returned: with O(state=present)
  type: str
  sample: 10.11.18-MariaDB
work:
  description: A folder for files, which others cannot enter.
  returned: with O(state=claimed) and O(state=present)
  type: str
  sample: /var/tmp/vex-backup-scratch/work
replaced:
  description: Whether something was left there.
  returned: with O(state=claimed) and O(state=present)
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, Result, conclude
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_server import scratch


def main() -> None:
    """Spec, one call, exit."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["claimed", "present", "absent"], "default": "present"},
            "product": {"type": "str", "choices": ["mysql", "mariadb"]},
            "user": {"type": "str"},
            "lower_case_table_names": {"type": "int", "choices": [0, 1, 2], "default": 0},
            "needed_bytes": {"type": "int", "default": 0},
            "abandoned_after": {"type": "int", "default": 600},
            **RUN_LOG,
        },
        required_if=[("state", "present", ["product"])],
    )

    def action(log: RunLog) -> Result:
        with ending_children():
            return scratch(module.params, log)

    conclude(module, action, libraries=[("PyMySQL", PYMYSQL_FAILURE)])


if __name__ == "__main__":
    main()
