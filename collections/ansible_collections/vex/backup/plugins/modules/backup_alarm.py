#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the sizes of a backup with the last backups of its server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_alarm
short_description: Compare the sizes of a backup with the last backups of its server
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Compares the rows and bytes of each table of a backup with the medians of the last ten complete backups of its
    server, which C(backup_log_record) recorded from their manifests.
  - It is an alarm when a table of 100 rows or more has lost more than O(drop_percent) of them, when a table or database
    is not there any more that at least five of these backups have, and when the dump, of 1 MB or more, has half or
    twice its usual size.
  - A server has no alarm in its first five backups, and a database none in its own first five. Only databases that
    both have are compared.
  - When the log database cannot be reached, nothing is compared, and the module succeeds.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  hostname:
    description: Name of the server in the log tables.
    type: str
    required: true
  run_uuid:
    description: Identity of the run that made the backup.
    type: str
    required: true
  manifest:
    description: The backup's C(manifest.json), or the manifest beside its archive.
    type: path
    required: true
  drop_percent:
    description: The part of its rows, in percent, that a table may lose; V(0) for no alarms at all.
    type: int
    default: 30
  silenced_tables:
    description: Tables without alarms, C(database.table), in which V(*) stands for any characters.
    type: list
    elements: str
    default: []
  databases:
    description: O(vex.backup.mysql_dump#module:databases) of the dump. With it, no database counts as vanished.
    type: list
    elements: str
    default: []
  exclude_databases:
    description: O(vex.backup.mysql_dump#module:exclude_databases) of the dump. These do not count as vanished.
    type: list
    elements: str
    default: []
  exclude_tables:
    description: O(vex.backup.mysql_dump#module:exclude_tables) of the dump. These do not count as vanished.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Compare the sizes of a backup with earlier ones
  vex.backup.backup_alarm:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    hostname: "{{ ansible_facts['nodename'] }}"
    run_uuid: "{{ vex_backup_record.run_uuid }}"
    manifest: /var/backups/vex/backup_20260101_030000.zip.manifest.json
    silenced_tables: [shop.import_*]
  register: vex_backup_sizes
"""

RETURN = r"""
alarms:
  description: Sentences on the gravest alarms, at most 20, and on what to do.
  returned: success
  type: list
  elements: str
  sample: ["table shop.orders is no longer in the backup; the newest one with it is backup_20260101_030000: 1000 rows"]
count:
  description: Number of all alarms.
  returned: when the backup was compared
  type: int
  sample: 1
compared:
  description: Number of the backups that it was compared with.
  returned: success
  type: int
  sample: 10
message:
  description: Reason why it was not compared; empty when it was.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._alarm.check_sizes import AlarmRequest, check_sizes
from ansible_collections.vex.backup.plugins.module_utils._arguments import LOG_DB, RUN_LOG, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOG_DB,
            **RUN_LOG,
            "hostname": {"type": "str", "required": True},
            "run_uuid": {"type": "str", "required": True},
            "manifest": {"type": "path", "required": True},
            "drop_percent": {"type": "int", "default": 30},
            "silenced_tables": {"type": "list", "elements": "str", "default": []},
            "databases": {"type": "list", "elements": "str", "default": []},
            "exclude_databases": {"type": "list", "elements": "str", "default": []},
            "exclude_tables": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: check_sizes(
            request(AlarmRequest, module.params, log_database=LogDatabase.from_options(module.params)), log
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
