#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore an unpacked backup into a MySQL or MariaDB server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_restore
short_description: Restore an unpacked backup into a MySQL or MariaDB server
version_added: "1.1.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Loads what M(vex.backup.mysql_dump) dumped, all of it, one database (under another name, if asked for) or one table,
    with C(myloader), and with the server's client what C(myloader) cannot load.
  - Refuses to write over anything that is there, unless O(overwrite) is set. What the backup does not hold stays.
  - Afterwards tables, views and stored programs are looked for and all rows counted, and compared with the manifest.
  - Views that cannot be read, definers that are no accounts of the server, and texts that name the database of before
    are warnings.
options:
  path:
    description:
      - The backup's directory, as M(vex.backup.unarchive_7z) unpacked it. It stays as it is, unless O(discard) is set.
    type: path
    required: true
  discard:
    description:
      - Whether O(path) is removed once everything is restored as it was dumped.
      - The directory around it goes too when both have the same name, a run's, as M(vex.backup.s3_download) makes it.
      - That it could not be removed is a warning.
    type: bool
    default: false
  manifest:
    description: Its manifest, when it is elsewhere than in O(path).
    type: path
  database:
    description: Restore this database alone.
    type: str
  target:
    description: Restore O(database) under this name.
    type: str
  table:
    description: Restore this table of O(database) alone, with its triggers.
    type: str
  overwrite:
    description: Whether tables, views and stored programs that are there may be replaced. They are dropped first.
    type: bool
    default: false
  threads:
    description: How many tables or pieces of tables are loaded, and then counted, at a time.
    type: int
    default: 4
  binlog:
    description:
      - Whether the server writes the restored data to its binary log, and so to its replicas.
      - Switching it off takes a privilege of its own, and is right for a server that no replica follows.
    type: bool
    default: true
  make_definers:
    description:
      - Make the accounts that views and stored programs belong to, locked and with all privileges, and the time zones
        of events that the server does not know.
      - For a private server that is thrown away afterwards, as that of M(vex.backup.mysql_scratch) is. MySQL makes no
        view upon another whose definer is no account of the server.
    type: bool
    default: false
  timeout:
    description: Seconds that it may take in all; V(0) for no bound.
    type: int
    default: 0
  connect_timeout:
    description: Seconds to wait for the server to answer.
    type: int
    default: 10
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode O(path) may be absent when O(manifest) is not; RV(existing) says what is in the way.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call restores. The second one fails for what the first one restored, unless O(overwrite) is set.
requirements:
  - C(myloader) 0.10.x, or 0.20 and later, as that which dumped, and the client of MySQL or MariaDB
seealso:
  - module: vex.backup.unarchive_7z
"""

EXAMPLES = r"""
- name: Restore a backup into an empty server
  vex.backup.mysql_restore:
    path: /var/backups/vex-backup/restore/backup_20250720_161523

- name: Bring one database back beside the one in use
  vex.backup.mysql_restore:
    path: /var/backups/vex-backup/restore/backup_20250720_161523
    database: shop
    target: shop_before
    config_file: /root/.my.cnf
"""

RETURN = r"""
databases:
  description: What was restored, by database.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop, target: shop_before, tables: 12, views: 2, programs: 3, rows: 50412}
tables:
  description: How many tables were restored.
  returned: success
  type: int
  sample: 12
rows:
  description: How many rows they hold.
  returned: success
  type: int
  sample: 50412
bytes:
  description: The size of the whole dump, not compressed.
  returned: success
  type: int
  sample: 964000000
existing:
  description: What the server held of what was to be restored, a sentence a database.
  returned: when the server could be asked
  type: list
  elements: str
  sample: ["shop: orders, items"]
incomplete:
  description: The databases of the server that may hold part of the backup.
  returned: failure, once something was loaded
  type: list
  elements: str
  sample: [shop]
differences:
  description: What is not as it was dumped.
  returned: failure, when that is why
  type: list
  elements: str
  sample: ["table shop.orders has 119 rows, 120 were dumped"]
restore_warnings:
  description: What was restored and needs a look.
  returned: when it was loaded
  type: list
  elements: str
  sample: []
server_version:
  description: Product and version of the server.
  returned: when the server could be asked
  type: str
  sample: MySQL 9.7.4
tool_version:
  description: What loads.
  returned: when the server could be asked
  type: str
  sample: myloader 0.10.0
status:
  description: 1 for success, 2 with warnings, 3 for an error.
  returned: always
  type: int
  sample: 1
restore_started:
  description: When it started, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:23"
restore_finished:
  description: When it ended, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:16:24"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOGIN, RUN_LOG, conclude
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._restore.restore import restore


def main() -> None:
    """Spec, one call, exit."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN,
            **RUN_LOG,
            "path": {"type": "path", "required": True},
            "discard": {"type": "bool", "default": False},
            "manifest": {"type": "path"},
            "database": {"type": "str"},
            "target": {"type": "str"},
            "table": {"type": "str"},
            "overwrite": {"type": "bool", "default": False},
            "threads": {"type": "int", "default": 4},
            "binlog": {"type": "bool", "default": True},
            "make_definers": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 0},
            "connect_timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: restore(module.params, log, check_mode=module.check_mode),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
