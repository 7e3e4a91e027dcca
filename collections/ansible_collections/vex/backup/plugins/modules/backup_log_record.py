#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Record a backup run in the log database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_log_record
short_description: Open, update or close the record of a backup run in the log database
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Writes the known facts of a run to its row in C(backup_log) and, when O(uploads) is given, to its rows in
    C(upload_s3_log). A run has one row in C(backup_log), and in C(upload_s3_log) one for each destination, however
    often this module is called.
  - Absent options leave their columns unchanged. A text that is too long for its column is cut, with an ellipsis.
  - An ended run is never reopened, and its first recorded start and end stay.
  - When the log database cannot be reached, refuses the login or has an older schema than this release needs, the
    record is kept in O(spool_dir) and the module succeeds with a warning. The next call writes the kept records of all
    runs.
  - Only a record that ends the run waits O(patience) for a log database that is away. No backup waits for the records
    before it, which it brings along.
  - When O(spool_dir) cannot be written either, the module still succeeds with a warning, since no backup may wait for
    its record. A kept record that the log database refuses, or that cannot be read, is a warning in every call until
    somebody removes it.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
  - vex.backup.patience
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: Returns RV(run_uuid) and RV(name) as without check mode. A run that is opened in check mode leaves no row.
  diff_mode:
    support: full
    details: Texts of more than 200 characters are shown by their length.
  idempotent:
    support: partial
    details:
      - Without O(run_uuid), each call opens another run.
      - Keeping a record in O(spool_dir), or writing it from there, is a change.
options:
  run_uuid:
    description:
      - Identity of the run, from the result of the call that opened it.
      - Without it, a new run is opened.
    type: str
  hostname:
    description: Name of the server that is backed up.
    type: str
    required: true
  spool_dir:
    description: Directory for records that could not be written. It is made with mode 0700 when absent.
    type: path
    required: true
  work_dir:
    description:
      - Work directory of the host's runs. A run that opens makes the directory of its logs there, under a name that no
        other run has, and closes the abandoned runs of the host as errors.
      - A run is abandoned when it has not ended, no module works on it, and none has for O(abandoned_after) seconds.
    type: path
  abandoned_after:
    description: Seconds without a sign of life. Must be longer than the time between two steps of a run.
    type: int
    default: 600
  stage:
    description: Stage that the run is in.
    type: str
    choices: [dump, pack, upload, mail]
  status:
    description:
      - V(0) running, V(1) success, V(2) warning, V(3) error.
      - Any value but V(0) ends the run, now.
    type: int
    choices: [0, 1, 2, 3]
  backup:
    description: Known facts of the backup. Times are C(YYYY-MM-DD HH:MM:SS), UTC.
    type: dict
    suboptions:
      databases:
        description: Names of the dumped databases.
        type: list
        elements: str
      archive_name:
        description: File name of the archive.
        type: str
      dump_bytes:
        description: Size of the dump, in bytes.
        type: int
      server_version:
        description: Product and version of the server.
        type: str
      tool_version:
        description: Name and version of the dump tool.
        type: str
      notes:
        description:
          - Warnings and errors, each one line that starts with C([WARNING]) or C([ERROR]). A line break in a note
            becomes a space.
          - They replace the notes written before.
        type: list
        elements: str
      dump_started:
        description: When the dump began.
        type: str
      dump_finished:
        description: When the dump ended.
        type: str
      pack_started:
        description: When packing began.
        type: str
      pack_finished:
        description: When packing ended.
        type: str
      binlog_coordinates:
        description: Binlog position of the dump's snapshot.
        type: str
      alarms:
        description: Number of its sizes that are alarming; absent when they were not compared.
        type: int
  uploads:
    description: Known facts of the uploads, one item for each destination. Times are C(YYYY-MM-DD HH:MM:SS), UTC.
    type: list
    elements: dict
    default: []
    suboptions:
      destination:
        description: Name of the destination.
        type: str
        default: s3
      type:
        description: Kind of the destination's store.
        type: str
        choices: [s3, gcs, azure, directory]
      status:
        description: Status of the upload, with the values of O(status).
        type: int
        choices: [0, 1, 2, 3]
      archive_name:
        description: File name of the archive.
        type: str
      archive_bytes:
        description: Size of the archive, in bytes.
        type: int
      key:
        description: Key of the archive in the bucket.
        type: str
      bucket:
        description: Name of the bucket.
        type: str
      sha256:
        description: SHA-256 of the archive, in hexadecimal.
        type: str
      notes:
        description:
          - Warnings and errors, each one line that starts with C([WARNING]) or C([ERROR]). A line break in a note
            becomes a space.
          - They replace the notes written before.
        type: list
        elements: str
      started:
        description: When the upload began.
        type: str
      finished:
        description: When the upload ended.
        type: str
  run_log_file:
    description:
      - Log of the run, C(backup_script.log). Its text is recorded, or nothing when there is no such file.
      - Of a file above 1 MiB, the head and the tail are recorded, with a line that gives the number of bytes left out.
    type: path
  dump_log_file:
    description: Log of the dump, C(mydumper_log.log), recorded in the same way.
    type: path
  manifest_file:
    description:
      - The backup's C(manifest.json), or the manifest beside its archive. The rows and bytes of its tables are
        recorded, for the alarms of later backups.
      - A manifest that is absent or cannot be read, or has more than about 300,000 tables, leaves them out.
    type: path
"""

EXAMPLES = r"""
- name: Open the run's record
  vex.backup.backup_log_record:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    hostname: "{{ ansible_facts['nodename'] }}"
    spool_dir: /var/lib/vex-backup/spool
    stage: dump
  register: vex_backup_record

- name: Close it
  vex.backup.backup_log_record:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    hostname: "{{ ansible_facts['nodename'] }}"
    spool_dir: /var/lib/vex-backup/spool
    run_uuid: "{{ vex_backup_record.run_uuid }}"
    status: 2
    backup:
      databases: [sales, people]
      notes: ["[WARNING] table definition of sales.orders has changed"]
      archive_name: backup_20250720_161523.zip
      dump_bytes: 6210000000
    run_log_file: /var/lib/vex-backup/backup_20250720_161523/backup_script.log
"""

RETURN = r"""
run_uuid:
  description: Identity of the run.
  returned: success
  type: str
  sample: 0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b
name:
  description: Name of the run, of its dump and of its archive.
  returned: when a run was opened
  type: str
  sample: backup_20250720_161523
started:
  description: When the run was opened, UTC.
  returned: when a run was opened
  type: str
  sample: "2025-07-20 16:15:23"
ended:
  description: When the run ended, UTC.
  returned: when O(status) ends it
  type: str
  sample: "2025-07-20 16:16:46"
spooled:
  description: Whether the record was kept in O(spool_dir) instead of being written.
  returned: success
  type: bool
message:
  description: Reason why the record, or a kept one, was not written, and the remedy.
  returned: when something could not be written
  type: str
abandoned:
  description: A sentence for each abandoned run of the host that was closed.
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
    LOG_DB,
    PATIENCE,
    RUN_LOG,
    Spec,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, RUNNING, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import BackupFacts, RunFacts, UploadFacts
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._log_db.records import RunRecordRequest, record_run
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE

STATUSES = [RUNNING, SUCCESS, WARNING, ERROR]

BACKUP: Spec = {
    "databases": {"type": "list", "elements": "str"},
    "archive_name": {"type": "str"},
    "dump_bytes": {"type": "int"},
    "server_version": {"type": "str"},
    "tool_version": {"type": "str"},
    "notes": {"type": "list", "elements": "str"},
    "dump_started": {"type": "str"},
    "dump_finished": {"type": "str"},
    "pack_started": {"type": "str"},
    "pack_finished": {"type": "str"},
    "binlog_coordinates": {"type": "str"},
    "alarms": {"type": "int"},
}
UPLOAD: Spec = {
    "destination": {"type": "str", "default": "s3"},
    "type": {"type": "str", "choices": ["s3", "gcs", "azure", "directory"]},
    "status": {"type": "int", "choices": STATUSES},
    "archive_name": {"type": "str"},
    "archive_bytes": {"type": "int"},
    "key": {"type": "str", "no_log": False},
    "bucket": {"type": "str"},
    "sha256": {"type": "str"},
    "notes": {"type": "list", "elements": "str"},
    "started": {"type": "str"},
    "finished": {"type": "str"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOG_DB,
            **PATIENCE,
            **RUN_LOG,
            "run_uuid": {"type": "str"},
            "hostname": {"type": "str", "required": True},
            "spool_dir": {"type": "path", "required": True},
            "work_dir": {"type": "path"},
            "abandoned_after": {"type": "int", "default": 600},
            "stage": {"type": "str", "choices": ["dump", "pack", "upload", "mail"]},
            "status": {"type": "int", "choices": STATUSES},
            "backup": {"type": "dict", "options": BACKUP},
            "uploads": {"type": "list", "elements": "dict", "default": [], "options": UPLOAD},
            "run_log_file": {"type": "path"},
            "dump_log_file": {"type": "path"},
            "manifest_file": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    facts = request(
        RunFacts,
        params,
        backup=request(BackupFacts, params["backup"]) if params["backup"] else BackupFacts(),
        uploads=[request(UploadFacts, upload) for upload in params["uploads"]],
    )
    conclude(
        module,
        lambda log: record_run(
            request(
                RunRecordRequest,
                params,
                log_database=LogDatabase.from_options(params),
                facts=facts,
                patience=patience_of(module),
            ),
            log,
            module.check_mode,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
