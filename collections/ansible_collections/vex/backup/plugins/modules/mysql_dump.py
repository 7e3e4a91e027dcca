#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dump a MySQL or MariaDB server with MyDumper."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: mysql_dump
short_description: Dump a MySQL or MariaDB server with MyDumper
version_added: "1.0.0"
description:
  - Dumps the databases of one server, decides from MyDumper's log, its metadata and its files whether the dump is
    complete, compresses and tests the files, and describes them in C(manifest.json).
  - O(path) is created only for a complete dump. Until then the data is in O(path) with C(.partial) appended.
  - MyDumper dumps the rows of tables that it dumps exactly. The server's client dumps the other rows, the module reads
    all definitions from the server, and the server computes a fingerprint of each table. All of them read one snapshot,
    which begins under a lock of the module.
  - Writers are blocked only while the snapshots are taken, and while tables whose engine has no snapshots are read.
author:
  - Vex Backup (@vex-backup)
options:
  path:
    description:
      - Directory to create for the dump; its last part is the run's name. It must not exist.
      - Its parent directory is created when absent.
    type: path
    required: true
  dump_log:
    description: File to append the log of MyDumper to. Created with mode 0600 when absent.
    type: path
    required: true
  databases:
    description:
      - Dump only these databases.
      - Without it, all databases are dumped except the system's (C(sys), C(mysql), C(performance_schema),
        C(information_schema), C(innodb_cluster_metadata), C(mysql_innodb_cluster_metadata)).
    type: list
    elements: str
    default: []
  exclude_databases:
    description: Do not dump these databases.
    type: list
    elements: str
    default: []
  exclude_tables:
    description:
      - Do not dump these tables and views, C(database.table), in which V(*) stands for any characters.
      - Their triggers are left out too. The manifest lists what was left out, and a restore says so.
    type: list
    elements: str
    default: []
  schema_only_tables:
    description: Dump the definitions of these tables and not their rows, by patterns as in O(exclude_tables).
    type: list
    elements: str
    default: []
  mode:
    description:
      - V(individual) runs one MyDumper per database; each has its own snapshot.
      - V(instance) takes one snapshot of all databases together.
    type: str
    choices: [individual, instance]
    default: individual
  threads:
    description:
      - Number of MyDumper's threads. MyDumper 0.10 has one thread when O(mode=instance) dumps several databases.
    type: int
    default: 4
  routines:
    description: Dump stored procedures and functions.
    type: bool
    default: true
  triggers:
    description: Dump triggers.
    type: bool
    default: true
  events:
    description: Dump events.
    type: bool
    default: true
  accounts:
    description:
      - Dump the accounts, roles and grants of the server into C(dump/accounts.sql), without those that the server made
        for itself.
      - The file holds the hashes of passwords, and the manifest the names of the accounts.
    type: bool
    default: false
  compression:
    description:
      - Program that compresses the dump's files, on all processors. Each file is compressed as soon as it is complete,
        while others are written.
    type: str
    choices: [zstd, gzip, none]
    default: zstd
  checksums:
    description:
      - The row checksums in the fingerprint, which the server computes in the snapshot of the dump and which a restore
        compares.
      - V(sample) reads up to 1,000 rows of each table, spread over its key. V(full) reads all rows, which takes about
        as long as the dump. V(none) reads no rows.
      - The fingerprint always holds the columns of each table and the definitions of all objects.
    type: str
    choices: [sample, full, none]
    default: sample
  long_query_guard:
    description:
      - The lock under which the snapshots begin waits for statements that run. The module tries for this many seconds,
        a short time each, because writers wait meanwhile; then it fails and names the longest statement.
    type: int
    default: 60
  timeout:
    description: Seconds that dump and compression may take together; V(0) for no limit.
    type: int
    default: 0
  connect_timeout:
    description: Seconds to wait for each step of the connection and the login.
    type: int
    default: 10
  space_factor:
    description:
      - Before the dump starts, the free space of the disk must be the size of the databases' data times this factor.
      - V(0) skips the check.
    type: float
    default: 1.0
  keep_failed:
    description: Number of failed dumps that are kept beside O(path), this one included.
    type: int
    default: 1
  run_uuid:
    description: UUID of the run, for the manifest.
    type: str
  hostname:
    description: Name of the server in the log tables, for the manifest.
    type: str
extends_documentation_fragment:
  - vex.backup.login
  - vex.backup.run_log
  - vex.backup.attributes
attributes:
  check_mode:
    support: full
    details: Tries what a dump needs before its first row, also after a failure, and returns the databases to dump.
      Nothing is left behind.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Every dump is new; the module fails if O(path) exists.
requirements:
  - MyDumper 0.10.x, or 0.20 and later
  - mysql or mariadb, the server's client
  - zstd or gzip, for the compression of that name
"""

EXAMPLES = r"""
- name: Dump every database of this host's server
  vex.backup.mysql_dump:
    login_unix_socket: /run/mysqld/mysqld.sock
    login_user: vex_backup
    login_password: "{{ vault_backup_password }}"
    path: /var/backups/vex/backup_20260101_030000
    dump_log: /var/backups/vex/backup_20260101_030000.logs/mydumper_log.log
  register: dump

- name: Dump two databases in one snapshot
  vex.backup.mysql_dump:
    config_file: /etc/vex-backup/client.cnf
    path: /var/backups/vex/backup_20260101_040000
    dump_log: /var/log/vex-backup/mydumper_log.log
    databases: [shop, stock]
    mode: instance
"""

RETURN = r"""
dump_path:
  description: Directory of the dump.
  returned: always, except with an invalid login option
  type: str
  sample: /var/backups/vex/backup_20260101_030000
manifest:
  description: Path of its C(manifest.json).
  returned: success
  type: str
  sample: /var/backups/vex/backup_20260101_030000/manifest.json
status:
  description: V(1) success, V(2) warning, V(3) error. Without a failure of the module, V(3) means that the dump lacks
    tables which the server cannot read.
  returned: always, except with an invalid login option
  type: int
  sample: 1
databases:
  description: The databases that were dumped, or would be in check mode.
  returned: when the plan was made
  type: list
  elements: str
  sample: [shop, stock]
tables:
  description: Number of their tables.
  returned: when the plan was made
  type: int
  sample: 42
snapshot:
  description: Value of the option O(mode).
  returned: when the plan was made
  type: str
  sample: individual
dump_bytes:
  description: Size of the dump before compression, in bytes.
  returned: when MyDumper ran
  type: int
  sample: 1010024703
compressed_bytes:
  description: Size of its files, in bytes.
  returned: success
  type: int
  sample: 498073600
dump_started:
  description: Start of the dump, UTC.
  returned: when MyDumper ran
  type: str
  sample: "2026-01-01 03:00:01"
dump_finished:
  description: End of the dump, UTC.
  returned: when MyDumper ran
  type: str
  sample: "2026-01-01 03:00:04"
compression_started:
  description: Start of the compression of the remaining files after the dump, UTC.
  returned: when the dump was complete
  type: str
  sample: "2026-01-01 03:00:04"
compression_finished:
  description: End of compression and integrity test, UTC.
  returned: when the dump was complete
  type: str
  sample: "2026-01-01 03:00:11"
server_version:
  description: Product and version of the server.
  returned: when the server was reached
  type: str
  sample: MariaDB 10.11.18
needs:
  description:
    - What a dump needs, by name, with the message of its failure, empty for a need that is met. What an earlier failure
      kept from being tried is absent.
    - The names are V(mydumper), V(client), V(compression), V(databases), V(grants), V(directory), V(lock), V(tools),
      V(disk) and V(tables).
  returned: in check mode, when the server was reached
  type: dict
  sample: {mydumper: "", client: "", databases: ""}
notes:
  description: Sentences on needs that are met, by the same names, such as the lock while a dump is in progress.
  returned: in check mode, when the server was reached
  type: dict
  sample: {lock: "another dump of this server is in progress"}
server:
  description: Product and full version of the server.
  returned: when the plan was made
  type: dict
  sample: {product: mariadb, version: 10.11.18-MariaDB-log}
tool_version:
  description: Name and version of the dump's tool.
  returned: when the plan was made
  type: str
  sample: MyDumper 0.10.0
left_out:
  description: A sentence for each kind of objects that the dump leaves out, with the option or reason, and their names.
  returned: when the plan was made
  type: list
  elements: str
  sample: ["left out by exclude_tables: shop.log_2024, shop.log_2025"]
dump_warnings:
  description: Reasons for status V(2).
  returned: when MyDumper ran
  type: list
  elements: str
  sample: []
dump_errors:
  description: Reasons for status V(3).
  returned: always, except in check mode and with an invalid login option
  type: list
  elements: str
  sample: []
binlog_coordinates:
  description:
    - Binlog position of the snapshot, as C(file:position) and GTID.
    - If each database has its own snapshot, a list of C(database=file:position).
  returned: when MyDumper ran
  type: str
  sample: "binlog.000001:5433 0-7-226"
consistent:
  description: Whether all data comes from one snapshot.
  returned: when MyDumper ran
  type: bool
  sample: true
missing_grants:
  description: Privileges that the account lacks.
  returned: when it lacks any
  type: list
  elements: str
  sample: ["PROCESS ON *.*"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOGIN, RUN_LOG, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._dump.dump import DumpRequest, dump
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE, resolve_login


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN,
            **RUN_LOG,
            "path": {"type": "path", "required": True},
            "dump_log": {"type": "path", "required": True},
            "databases": {"type": "list", "elements": "str", "default": []},
            "exclude_databases": {"type": "list", "elements": "str", "default": []},
            "exclude_tables": {"type": "list", "elements": "str", "default": []},
            "schema_only_tables": {"type": "list", "elements": "str", "default": []},
            "mode": {"type": "str", "choices": ["individual", "instance"], "default": "individual"},
            "threads": {"type": "int", "default": 4},
            "routines": {"type": "bool", "default": True},
            "triggers": {"type": "bool", "default": True},
            "events": {"type": "bool", "default": True},
            "accounts": {"type": "bool", "default": False},
            "compression": {"type": "str", "choices": ["zstd", "gzip", "none"], "default": "zstd"},
            "checksums": {"type": "str", "choices": ["sample", "full", "none"], "default": "sample"},
            "long_query_guard": {"type": "int", "default": 60},
            "timeout": {"type": "int", "default": 0},
            "connect_timeout": {"type": "int", "default": 10},
            "space_factor": {"type": "float", "default": 1.0},
            "keep_failed": {"type": "int", "default": 1},
            "run_uuid": {"type": "str"},
            "hostname": {"type": "str"},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: dump(
            request(DumpRequest, module.params, login=resolve_login(module.params), check_mode=module.check_mode), log
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
