#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Record a server and the schedule of its backups in the log database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_server_record
short_description: Record a server and the schedule of its backups in the log database
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Writes the row of a server in C(servidor). The web app compares its schedule with the runs and shows missed ones.
  - A server that is no longer backed up keeps its row and its history, and is marked inactive.
options:
  hostname:
    description: Name of the server, as the records of its runs have it.
    type: str
    required: true
  state:
    description: V(present) when runs are expected. With V(absent), a server without a row gets none.
    type: str
    choices: [present, absent]
    default: present
  schedule:
    description: When runs start, as five cron fields. Without it, runs are started by hand and never count as missed.
    type: str
  time_zone:
    description: Name of the time zone of O(schedule).
    type: str
    default: UTC
  tolerance_minutes:
    description: Minutes after the time in O(schedule) within which a backup must have ended.
    type: int
    default: 60
  server_version:
    description: Product and version of the server. Without it, the recorded version stays.
    type: str
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
  - vex.backup.patience
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: vex.backup.backup_log_record
"""

EXAMPLES = r"""
- name: Expect a backup every night at three
  vex.backup.backup_server_record:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    hostname: db01.example.com
    schedule: 0 3 * * *
    time_zone: America/Sao_Paulo

- name: Expect no backups of a server
  vex.backup.backup_server_record:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    hostname: db01.example.com
    state: absent
"""

RETURN = r""" # """

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    LOG_DB,
    PATIENCE,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._log_db.servers import ServerRequest, record_server
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOG_DB,
            **PATIENCE,
            "hostname": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "schedule": {"type": "str"},
            "time_zone": {"type": "str", "default": "UTC"},
            "tolerance_minutes": {"type": "int", "default": 60},
            "server_version": {"type": "str"},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: record_server(
            request(
                ServerRequest,
                module.params,
                log_database=LogDatabase.from_options(module.params),
                patience=patience_of(module),
            ),
            module.check_mode,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
