#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Record a restore or a proof in the log database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restore_log_record
short_description: Open, update or close the record of a restore in the log database
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Writes the known facts of a restore to its row in C(restauracao_log). A restore has one row, however often this
    module is called.
  - Absent options leave their columns unchanged. A text that is too long for its column is cut, with an ellipsis.
  - An ended restore is never reopened, and its first recorded start and end stay.
  - When the log database cannot be reached, refuses the login or has an older schema than this release needs, the
    record is kept in O(spool_dir) and the module succeeds with a warning. The next call of this module or of
    M(vex.backup.backup_log_record) writes the kept records.
  - Only a record that ends the restore waits O(patience) for a log database that is away. It brings the ones before it
    along.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
  - vex.backup.patience
  - vex.backup.run_log
  - vex.backup.compared
attributes:
  check_mode:
    support: full
    details: Returns RV(run_uuid) as without check mode. A restore that is opened in check mode leaves no row.
  diff_mode:
    support: full
    details: Texts of more than 200 characters are shown by their length.
  idempotent:
    support: partial
    details:
      - Without O(run_uuid), each call opens another restore.
      - Keeping a record in O(spool_dir), or writing it from there, is a change.
options:
  run_uuid:
    description:
      - Identity of the restore, from the result of the call that opened it.
      - Without it, a new one is opened.
    type: str
  kind:
    description: V(restore) for a restore, V(verify) for a proof.
    type: str
    choices: [restore, verify]
    required: true
  hostname:
    description: Name of the host on which the backup is restored.
    type: str
    required: true
  server:
    description: Name of the server that the backup is of.
    type: str
    required: true
  backup_run_uuid:
    description:
      - The C(run_uuid) of the backup, from its manifest.
      - Ties the record to the backup's record, when the log database has it.
    type: str
  spool_dir:
    description: Directory for records that could not be written. It is made with mode 0700 when absent.
    type: path
    required: true
  status:
    description:
      - V(0) running, V(1) success, V(2) warning, V(3) error.
      - Any value but V(0) ends the restore, now.
    type: int
    choices: [0, 1, 2, 3]
  close_others:
    description:
      - Close, as errors, the other restores of O(kind) on O(hostname) that have not ended.
      - Set it only when none of them can be in progress, for example because this run holds the directory of
        M(vex.backup.mysql_scratch).
    type: bool
    default: false
  restored:
    description: When all data was restored, before the comparison. C(YYYY-MM-DD HH:MM:SS), UTC.
    type: str
  tables:
    description: Number of restored tables.
    type: int
  rows:
    description: Number of rows in those tables.
    type: int
  bytes:
    description: Size of the restored dump before compression, in bytes.
    type: int
  notes:
    description:
      - Warnings and errors, each one line that starts with C([WARNING]) or C([ERROR]). A line break in a note becomes a
        space.
      - They replace the notes written before.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Open the record of a restore
  vex.backup.restore_log_record:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    kind: restore
    hostname: "{{ ansible_facts['nodename'] }}"
    server: db1
    backup_run_uuid: "{{ manifest.run_uuid }}"
    spool_dir: /var/lib/vex-backup/spool
  register: vex_backup_restore_record

- name: Close the record of the restore
  vex.backup.restore_log_record:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    kind: restore
    hostname: "{{ ansible_facts['nodename'] }}"
    server: db1
    spool_dir: /var/lib/vex-backup/spool
    run_uuid: "{{ vex_backup_restore_record.run_uuid }}"
    status: 1
    tables: 42
    rows: 1250000
    compared:
      columns: 310
      definitions: 57
      sampled_rows: 41200
      tables_sampled: 42
"""

RETURN = r"""
run_uuid:
  description: Identity of the restore.
  returned: success
  type: str
  sample: 0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b
started:
  description: When the restore was opened, UTC.
  returned: when a restore was opened
  type: str
  sample: "2025-07-20 16:15:23"
spooled:
  description: Whether the record was kept in O(spool_dir) instead of being written.
  returned: success
  type: bool
message:
  description: Reason why the record, or a kept one, was not written, and the remedy.
  returned: when something could not be written
  type: str
abandoned:
  description: A sentence for each restore that O(close_others) closed.
  returned: success
  type: list
  elements: str
replayed:
  description:
    - Identities of the runs whose kept records were written by this call.
    - In check mode, identities of the runs whose records are kept.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    COMPARED,
    LOG_DB,
    PATIENCE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, RUNNING, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import RestoreFacts
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._log_db.records import RestoreRecordRequest, record_restore
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOG_DB,
            **PATIENCE,
            **RUN_LOG,
            **COMPARED,
            "run_uuid": {"type": "str"},
            "kind": {"type": "str", "choices": ["restore", "verify"], "required": True},
            "hostname": {"type": "str", "required": True},
            "server": {"type": "str", "required": True},
            "backup_run_uuid": {"type": "str"},
            "spool_dir": {"type": "path", "required": True},
            "status": {"type": "int", "choices": [RUNNING, SUCCESS, WARNING, ERROR]},
            "close_others": {"type": "bool", "default": False},
            "restored": {"type": "str"},
            "tables": {"type": "int"},
            "rows": {"type": "int"},
            "bytes": {"type": "int"},
            "notes": {"type": "list", "elements": "str"},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: record_restore(
            request(
                RestoreRecordRequest,
                module.params,
                log_database=LogDatabase.from_options(module.params),
                facts=request(RestoreFacts, module.params),
                patience=patience_of(module),
            ),
            log,
            module.check_mode,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
