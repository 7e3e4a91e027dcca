#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the backup's account on a MySQL or MariaDB server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_account
short_description: Make or remove the backup's account on a MySQL or MariaDB server
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Makes an account that holds what M(vex.backup.mysql_dump) asks for on this product and version, and nothing else.
    Privileges that it has beyond that are taken away.
  - Logs in to the server as an administrator, commonly C(root) through the socket.
  - Refuses the server's own accounts, such as C(root), and the one that it logs in with.
options:
  name:
    description: The account's user name.
    type: str
    required: true
  host:
    description: The host that it logs in from.
    type: str
    default: localhost
  password:
    description:
      - Its password. The module tries it, and sets it only when the server refuses it.
      - Without it, the account is the system user's of the same name, known to the server by the socket.
        MySQL needs its plugin C(auth_socket) for that.
    type: str
  state:
    description: Whether the account is there.
    type: str
    choices: [present, absent]
    default: present
  databases:
    description: The only databases that it may read; all of them when empty.
    type: list
    elements: str
    default: []
  routines:
    description: Whether it is to dump stored procedures and functions.
    type: bool
    default: true
  triggers:
    description: Whether it is to dump triggers.
    type: bool
    default: true
  events:
    description: Whether it is to dump events.
    type: bool
    default: true
  connect_timeout:
    description: Seconds to wait for the server to answer.
    type: int
    default: 10
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the privileges; passwords never.
  idempotent:
    support: full
seealso:
  - module: vex.backup.mysql_dump
"""

EXAMPLES = r"""
- name: Make the backup's account through the socket, as root
  vex.backup.mysql_account:
    login_unix_socket: /run/mysqld/mysqld.sock
    login_user: root
    name: vex_backup
    password: "{{ vault_vex_backup_login_password }}"

- name: Make one without a password, for the system's user vex-backup
  vex.backup.mysql_account:
    login_unix_socket: /run/mysqld/mysqld.sock
    login_user: root
    name: vex-backup
"""

RETURN = r"""
account:
  description: The account.
  returned: success
  type: str
  sample: "'vex_backup'@'localhost'"
grants:
  description: Its privileges, by where they hold.
  returned: success
  type: list
  elements: str
  sample: ["BINLOG MONITOR, EVENT, LOCK TABLES, PROCESS, RELOAD, SELECT, SHOW VIEW, TRIGGER ON *.*"]
server_version:
  description: Product and version of the server.
  returned: success
  type: str
  sample: MariaDB 10.11.18
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOGIN, conclude
from ansible_collections.vex.backup.plugins.module_utils._mysql.account import settle
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE


def main() -> None:
    """Spec, one call, exit."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN,
            "name": {"type": "str", "required": True},
            "host": {"type": "str", "default": "localhost"},
            "password": {"type": "str", "no_log": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "databases": {"type": "list", "elements": "str", "default": []},
            "routines": {"type": "bool", "default": True},
            "triggers": {"type": "bool", "default": True},
            "events": {"type": "bool", "default": True},
            "connect_timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: settle(module.params, module.check_mode),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
