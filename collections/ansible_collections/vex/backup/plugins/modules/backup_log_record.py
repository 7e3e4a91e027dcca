#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Record a run in the log database."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_log_record
short_description: Open, move on or close a backup run's record in the log database
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Writes what is known of a run to its row in C(backup_log) and, when O(upload) is given, to the one in
    C(upload_s3_log). A run has one row in each however often this is called.
  - Options that are absent leave their columns alone. A text that is too long for its column is cut, with an ellipsis.
  - An ended run is never reopened, and its start and end stay as they were first written.
  - When the log database is away, refuses the login or is older than this release needs, the record is kept in
    O(spool_dir) and the module succeeds with a warning. The next call writes what is kept, of any run.
  - That O(spool_dir) cannot be written then is a warning too, since no backup may wait for its record. A record that
    waits there and is refused, or cannot be read, is one in every call until somebody looks at it.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
attributes:
  check_mode:
    support: full
    details: Returns RV(run_uuid) and RV(name) as it would otherwise; a run that is opened in check mode leaves no row.
  diff_mode:
    support: full
    details: Texts of more than 200 characters are shown by their length.
  idempotent:
    support: partial
    details:
      - Without O(run_uuid) each call opens another run.
      - A record that is kept in O(spool_dir), or written from there, is a change.
options:
  run_uuid:
    description:
      - Identity of the run, as the call that opened it returned it.
      - Without it, a new run is opened.
    type: str
  hostname:
    description: Name of the server that is backed up.
    type: str
    required: true
  spool_dir:
    description: Folder for records that could not be written; made with mode 0700 when absent.
    type: path
    required: true
  work_dir:
    description:
      - The folder of the host's runs. A run that opens makes the folder of its logs there, under a name that no other
        run has, and those of the host that died are closed as errors.
      - A run is taken for dead when it has not ended, no module works on it, and none has for O(abandoned_after).
    type: path
  abandoned_after:
    description: Seconds without a sign of life; more than lies between two steps of a run.
    type: int
    default: 600
  stage:
    description: What the run is doing now.
    type: str
    choices: [dump, pack, upload, mail]
  status:
    description:
      - V(0) running, V(1) success, V(2) warning, V(3) error.
      - Anything but V(0) ends the run, now.
    type: int
    choices: [0, 1, 2, 3]
  backup:
    description: What is known of the backup. Times are C(YYYY-MM-DD HH:MM:SS), UTC.
    type: dict
    suboptions:
      databases:
        description: Names of the databases that are backed up.
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
        description: Name and version of the tool that dumps.
        type: str
      notes:
        description: Warnings and errors; they replace those written before.
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
        description: The binary log's position of the dump's snapshot.
        type: str
  upload:
    description: What is known of the upload. Times are C(YYYY-MM-DD HH:MM:SS), UTC.
    type: dict
    suboptions:
      status:
        description: As O(status), of the upload.
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
        description: Warnings and errors; they replace those written before.
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
      - The run's log, C(backup_script.log), whose text goes to the record; nothing when there is no such file.
      - Of a file above 1 MiB, the head and the tail, with a line that says how much was left out.
    type: path
  dump_log_file:
    description: The same for the dump's log, C(mydumper_log.log).
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
    status: 1
    backup:
      databases: [sales, people]
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
  description: Name of the run, for its work directory and its archive.
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
  description: Why it, or one that is kept in O(spool_dir), was not written, and what to do.
  returned: when something could not be written
  type: str
abandoned:
  description: A sentence for each run of the host that was found dead, and closed.
  returned: success
  type: list
  elements: str
replayed:
  description:
    - Identities of the runs whose kept records were written by this call.
    - In check mode, of those that are kept.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOG_DB, Spec, conclude
from ansible_collections.vex.backup.plugins.module_utils._log_db.records import record
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE

STATUSES = [0, 1, 2, 3]

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
}
UPLOAD: Spec = {
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
            "run_uuid": {"type": "str"},
            "hostname": {"type": "str", "required": True},
            "spool_dir": {"type": "path", "required": True},
            "work_dir": {"type": "path"},
            "abandoned_after": {"type": "int", "default": 600},
            "stage": {"type": "str", "choices": ["dump", "pack", "upload", "mail"]},
            "status": {"type": "int", "choices": STATUSES},
            "backup": {"type": "dict", "options": BACKUP},
            "upload": {"type": "dict", "options": UPLOAD},
            "run_log_file": {"type": "path"},
            "dump_log_file": {"type": "path"},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: record(module.params, module.check_mode),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
