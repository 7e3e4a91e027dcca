#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Create the backup's account on a MySQL or MariaDB server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_account
short_description: Create or drop the backup's account on a MySQL or MariaDB server
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Creates an account with the privileges that M(vex.backup.mysql_dump) needs on this product and version, and no
    others. Other privileges of the account are revoked.
  - Logs in to the server as an administrator, commonly C(root) through the socket.
  - Refuses to change the server's own accounts, such as C(root), and the account that it logs in with.
options:
  name:
    description: User name of the account.
    type: str
    required: true
  host:
    description: Host that it logs in from.
    type: str
    default: localhost
  password:
    description:
      - Password of the account. The module logs in with it, and sets it only if the server refuses that login.
      - Without it, the system user of the same name logs in through the socket. MySQL needs the plugin C(auth_socket)
        for that.
    type: str
  state:
    description: V(present) creates or changes the account, V(absent) drops it.
    type: str
    choices: [present, absent]
    default: present
  databases:
    description: The only databases that it may read; all databases when empty.
    type: list
    elements: str
    default: []
  routines:
    description: Let it dump stored procedures and functions.
    type: bool
    default: true
  triggers:
    description: Let it dump triggers.
    type: bool
    default: true
  events:
    description: Let it dump events.
    type: bool
    default: true
  accounts:
    description: Let it dump the accounts of the server, and so read the hashes of their passwords.
    type: bool
    default: false
  connect_timeout:
    description: Seconds to wait for each step of the connection and the login.
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
    details: Shows the privileges, never a password.
  idempotent:
    support: full
seealso:
  - module: vex.backup.mysql_dump
"""

EXAMPLES = r"""
- name: Create the backup's account through the socket, as root
  vex.backup.mysql_account:
    login_unix_socket: /run/mysqld/mysqld.sock
    login_user: root
    name: vex_backup
    password: "{{ vault_vex_backup_login_password }}"

- name: Create an account without a password for the system user vex-backup
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
  description: Its privileges by level.
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

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOGIN, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._mysql.account import AccountRequest, ensure_account
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE, resolve_login


def main() -> None:
    """Run the module."""
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
            "accounts": {"type": "bool", "default": False},
            "connect_timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: ensure_account(
            request(AccountRequest, module.params, login=resolve_login(module.params), check_mode=module.check_mode)
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
