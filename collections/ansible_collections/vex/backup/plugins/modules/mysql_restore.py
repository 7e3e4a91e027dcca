#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore an unpacked backup into a MySQL or MariaDB server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_restore
short_description: Restore an unpacked backup into a MySQL or MariaDB server
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Loads a dump of M(vex.backup.mysql_dump), all of it, one database or one table. Each definition is executed by
    itself, and the client of the server loads the rows.
  - A backup of a release with another layout is refused.
  - Fails before it changes anything if the restore would overwrite an object of the server, unless O(overwrite) is set.
    Objects of the server that are not in the backup are never changed.
  - What the server refuses is named, and everything else is loaded. The module fails then.
  - After loading, the module compares the restored objects with the manifest, their definitions, the number of all
    rows, and the columns and values of the fingerprints that were taken from the dumped server.
  - Views that cannot be read, definers that are not accounts of the server, and views and programs that use the
    database's old name are reported as warnings.
options:
  path:
    description:
      - Directory of the backup, as M(vex.backup.unarchive_7z) unpacked it. It is not changed, unless O(discard) is set.
    type: path
    required: true
  discard:
    description:
      - Remove O(path) after a restore without differences.
      - The directory around it is removed too if both have the name of the same run, as M(vex.backup.backup_download)
        creates them.
      - A backup that cannot be removed is a warning.
    type: bool
    default: false
  manifest:
    description: The manifest, if it is not C(manifest.json) in O(path).
    type: path
  database:
    description: Restore only this database.
    type: str
  as:
    description: Restore O(database) under this name.
    type: str
  table:
    description: Restore only this table of O(database), with its triggers.
    type: str
  accounts:
    description:
      - Restore also the accounts, roles and grants of the backup that the server does not have. Those that it has are
        never changed.
      - What the server refuses is a warning.
      - Only for a whole backup, of the same product.
    type: bool
    default: false
  overwrite:
    description: Drop tables, views and stored programs that the restore would overwrite.
    type: bool
    default: false
  threads:
    description: Number of files that are loaded at a time, and of tables that are counted and compared.
    type: int
    default: 4
  binlog:
    description:
      - Write the restored data to the server's binary log, and so to its replicas.
      - V(false) requires the privilege to change C(sql_log_bin), and is meant for a server without replicas.
    type: bool
    default: true
  make_definers:
    description:
      - Create the definers of views and stored programs as locked accounts with all privileges, and the time zones of
        events that the server does not know.
      - Only for a scratch server, as M(vex.backup.mysql_scratch) starts it. MySQL does not create a view on another
        view whose definer is not an account of the server.
    type: bool
    default: false
  timeout:
    description: Seconds after which the restore fails; V(0) for no limit.
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
    details: In check mode O(path) need not exist if O(manifest) is set. RV(existing) names what would be overwritten.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call restores. A second call fails, since the objects exist, unless O(overwrite) is set.
requirements:
  - the client of MySQL or MariaDB, and the program that decompresses the backup, C(zstd) or C(gzip)
seealso:
  - module: vex.backup.unarchive_7z
"""

EXAMPLES = r"""
- name: Restore a backup into an empty server
  vex.backup.mysql_restore:
    path: /var/backups/vex-backup/restore/backup_20250720_161523

- name: Restore one database beside the one in use
  vex.backup.mysql_restore:
    path: /var/backups/vex-backup/restore/backup_20250720_161523
    database: shop
    as: shop_before
    config_file: /root/.my.cnf
"""

RETURN = r"""
databases:
  description:
    - The restored databases. C(as) is the name on the server, C(rows) the number of rows in the restored tables.
    - In check mode, the databases that would be restored, with the number of rows that were dumped.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: shop, as: shop_before, tables: 12, views: 2, programs: 3, rows: 50412, left_out: []}
tables:
  description: Number of restored tables.
  returned: success
  type: int
  sample: 12
rows:
  description: Number of rows in the restored tables. In check mode, the number that was dumped.
  returned: success
  type: int
  sample: 50412
bytes:
  description: Size of the whole dump before compression, in bytes.
  returned: success
  type: int
  sample: 964000000
compared:
  description:
    - What was compared with the manifest. C(columns) are columns of tables, C(definitions) those of tables, views and
      stored programs.
    - C(sampled_rows) are rows whose values were compared by checksums of both servers, in C(tables_sampled) tables.
  returned: success
  type: dict
  sample: {columns: 61, definitions: 17, sampled_rows: 8112, tables_sampled: 11}
existing:
  description: Objects of the server that the restore would overwrite or has overwritten, one text for each database.
  returned: when the server was reached
  type: list
  elements: str
  sample: ["shop: orders, items"]
server_objects:
  description:
    - Kind and name of the objects of the dumped server that belong to no database, accounts apart. They are not
      restored; C(dump/server_objects.sql) has the statements. Empty when one database is restored.
  returned: when the plan was made
  type: list
  elements: str
  sample: [server `remote`]
accounts:
  description:
    - The accounts and roles of the backup. C(held) is their number, C(created) are those that the restore creates, and
      C(existing) those that the server has, which are not changed.
    - Both lists are empty without O(accounts).
  returned: when the server was reached
  type: dict
  sample: {held: 2, created: ["`app`@`10.0.%`"], existing: ["`root`@`localhost`"]}
incomplete:
  description: Databases of the server that may hold part of the backup.
  returned: failure, after loading began
  type: list
  elements: str
  sample: [shop]
differences:
  description: Failures, and differences between the server and the manifest, a sentence each.
  returned: failure, if there are any
  type: list
  elements: str
  sample: ["table shop.orders has 119 rows, 120 were dumped"]
restore_warnings:
  description: Warnings about restored objects, a sentence each.
  returned: when everything was loaded
  type: list
  elements: str
  sample: []
server_version:
  description: Product and version of the server.
  returned: when the server was reached
  type: str
  sample: MySQL 9.7.4
tool_version:
  description: Name and version of the client that loads.
  returned: when the server was reached
  type: str
  sample: mysql 9.7.4
status:
  description: V(1) success, V(2) success with warnings, V(3) error.
  returned: when the restore started
  type: int
  sample: 1
restore_started:
  description: Start of the restore, UTC.
  returned: when the restore started
  type: str
  sample: "2025-07-20 16:15:23"
restore_finished:
  description: End of the restore, UTC.
  returned: when the restore started
  type: str
  sample: "2025-07-20 16:16:24"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOGIN, RUN_LOG, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE, resolve_login
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.restore import restore


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN,
            **RUN_LOG,
            "path": {"type": "path", "required": True},
            "discard": {"type": "bool", "default": False},
            "manifest": {"type": "path"},
            "database": {"type": "str"},
            "as": {"type": "str"},
            "table": {"type": "str"},
            "accounts": {"type": "bool", "default": False},
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
        lambda log: restore(
            request(
                RestoreRequest,
                module.params,
                login=resolve_login(module.params),
                target=module.params["as"],
                check_mode=module.check_mode,
            ),
            log,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
