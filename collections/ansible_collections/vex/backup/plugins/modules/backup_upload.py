#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Upload the archives that earlier runs could not upload."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_upload
short_description: Upload the archives that earlier runs could not upload
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - M(vex.backup.s3_upload) leaves a note beside an archive whose upload did not end well. This module uploads each
    archive with such a note to the bucket and key that the note names, the oldest first, and completes the record of
    its run in the log tables.
  - The module does not fail when an upload does, since the archive and its note stay. It returns a RV(message) and
    warns. After a failure of the store, it tries no other archive.
options:
  work_dir:
    description: Work directory of the host.
    type: path
    required: true
  hostname:
    description: Name of the server in the log tables.
    type: str
    required: true
  name:
    description: Run that is in progress. Its own archive, and archives of later runs, are left to their runs.
    type: str
  spool_dir:
    description: Directory that keeps the records while the log database is unreachable.
    type: path
    required: true
  time_limit:
    description: Seconds after which the module begins no further archive; the next call goes on.
    type: int
    default: 3600
  timeout:
    description: Seconds that the upload of each archive may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.patience
  - vex.backup.rate
  - vex.backup.run_log
  - vex.backup.login
  - vex.backup.log_db
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: vex.backup.s3_upload
"""

EXAMPLES = r"""
- name: Upload what earlier runs could not upload
  vex.backup.backup_upload:
    work_dir: /var/backups/vex-backup
    destination:
      bucket: example-backups
    hostname: db1
    spool_dir: /var/backups/vex-backup/spool
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
"""

RETURN = r"""
uploaded:
  description: The archives that were uploaded, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the run.
      type: str
    bucket:
      description: The bucket.
      type: str
    key:
      description: The archive's key.
      type: str
    url:
      description: Address of the archive.
      type: str
  sample:
    - name: backup_20260101_030000
      bucket: example-backups
      key: mysql/db1/2026/01/backup_20260101_030000.zip
      url: s3://example-backups/mysql/db1/2026/01/backup_20260101_030000.zip
left:
  description: Names of the runs whose archives were not begun within O(time_limit).
  returned: success
  type: list
  elements: str
  sample: []
message:
  description: Reasons why an archive was not uploaded.
  returned: when something failed
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    LOG_DB,
    PATIENCE,
    RATE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._repository.pending_uploads import (
    PendingRequest,
    upload_pending,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            **DESTINATION,
            **PATIENCE,
            **RATE,
            **LOG_DB,
            "work_dir": {"type": "path", "required": True},
            "hostname": {"type": "str", "required": True},
            "name": {"type": "str"},
            "spool_dir": {"type": "path", "required": True},
            "time_limit": {"type": "int", "default": 3600},
            "timeout": {"type": "int"},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: upload_pending(
            request(
                PendingRequest,
                module.params,
                destination=Destination.from_options(module.params["destination"]),
                log_database=LogDatabase.from_options(module.params),
                patience=patience_of(module),
                check_mode=module.check_mode,
            ),
            log,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
