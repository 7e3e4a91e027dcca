#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove old backups from a host and from a bucket."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_prune
short_description: Remove old backups from a host and from a bucket
version_added: "1.0.0"
description:
  - With O(work_dir), notes there that the run O(name) is uploaded, and removes old runs from the host. The newest
    O(keep_local) uploaded runs stay with their archives, manifests and logs, and so do the newest O(keep_failed) of the
    others, which failed. Runs that have not ended stay, files that another process reads, those of another account that
    this one cannot open, and runs with a later name than O(name).
  - With O(destination), removes the backups of O(hostname) there that no rule keeps, each with its manifest and proof,
    the manifest first. With all of O(keep_last), O(keep_daily), O(keep_weekly), O(keep_monthly) and
    O(keep_yearly) at V(0), everything stays.
  - The newest good backup, the newest proven backup, held backups and backups that the bucket has locked always stay. A
    backup without a manifest, or with a manifest that cannot be verified, counts for no rule and stays.
  - An incomplete backup, which lacks tables that the server could not read, stays as long as a whole one of the same
    time would, and takes the place of none.
  - Nothing is removed while the newest backup in the bucket is not whole, or while this host's clock is behind it.
  - Uploads that have not ended, and got nothing since O(unfinished_days) before the newest backup, are aborted.
  - A backup that a restore or a proof reads, on any host, stays when the log tables have its record. While the log
    database is away, nothing is known of restores.
  - The module does not fail when the bucket refuses a removal, since all backups are still whole. It returns a
    RV(message) and warns.
author:
  - Vex Backup (@vex-backup)
options:
  work_dir:
    description: Work directory of the host. Needs O(name).
    type: path
  name:
    description:
      - Name of the run that was uploaded. Its logs stay in the work directory.
      - Nothing is removed from a bucket that does not hold its backup.
    type: str
  complete:
    description: Whether the backup of O(name) is whole. An incomplete one removes only older incomplete ones here.
    type: bool
    default: true
  keep_local:
    description: Number of uploaded runs that stay on this host.
    type: int
    default: 1
  keep_failed:
    description: Number of failed runs that stay on this host.
    type: int
    default: 1
  abandoned_after:
    description: Seconds without a write to its logs after which a run on this host that was not uploaded has ended.
    type: int
    default: 600
  prefix:
    description: Prefix of all keys, the value of C(vex_backup_s3_prefix).
    type: str
    default: ""
  hostname:
    description: Host whose backups are pruned.
    type: str
  keep_last:
    description: Number of newest backups that stay. At least one stays.
    type: int
    default: 0
  keep_daily:
    description:
      - Number of days of which the newest backup stays. Days are in UTC.
      - Only days with a backup count. The same is true of weeks, months and years.
    type: int
    default: 0
  keep_weekly:
    description: Number of weeks of which the newest backup stays. Weeks begin on Monday.
    type: int
    default: 0
  keep_monthly:
    description: Number of months of which the newest backup stays.
    type: int
    default: 0
  keep_yearly:
    description: Number of years of which the newest backup stays.
    type: int
    default: 0
  unfinished_days:
    description:
      - An unfinished upload is aborted when it got nothing since this many days before the newest backup.
      - A restore that has not ended keeps its backup for this many days.
    type: int
    default: 7
  manifest_keys:
    description: Manifests and proofs must be signed with one of these keys, the key in use or a former one. Without
      keys, all are accepted.
    type: list
    elements: str
    default: []
  spool_dir:
    description:
      - Directory that keeps the removals while the log database is unreachable, so that a later run notes them.
      - Without it, removals from the bucket are not noted in the log tables.
    type: path
  timeout:
    description: Seconds that the requests to the bucket may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.run_log
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.patience
  - vex.backup.login
  - vex.backup.log_db
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: Keep the newest two archives on this host
  vex.backup.backup_prune:
    work_dir: /var/backups/vex-backup
    name: backup_20260101_030000
    keep_local: 2

- name: Keep 14 daily, 8 weekly and 12 monthly backups in the bucket
  vex.backup.backup_prune:
    destination:
      bucket: example-backups
    prefix: mysql
    hostname: db1
    keep_daily: 14
    keep_weekly: 8
    keep_monthly: 12
    spool_dir: /var/backups/vex-backup/spool
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
"""

RETURN = r"""
removed:
  description: Names of the entries removed from the work directory; in check mode, of the entries to remove.
  returned: success, with O(work_dir)
  type: list
  elements: str
  sample: [backup_20251231_030000.zip.manifest.json, backup_20251231_030000.zip, backup_20251231_030000.logs]
decisions:
  description: Decision about each backup of the host in the bucket, newest first.
  returned: success, with O(destination)
  type: list
  elements: dict
  contains:
    name:
      description: Name of the backup.
      type: str
    key:
      description: The archive's key.
      type: str
    keep:
      description: Whether it stays.
      type: bool
    reason:
      description: Reason of the decision.
      type: str
    removed:
      description: Whether it was removed; never in check mode.
      type: bool
  sample:
    - name: backup_20260101_030000
      key: mysql/db1/2026/01/backup_20260101_030000.zip
      keep: true
      reason: 1 of the newest 1; daily 1 of 14, 2026-01-01
      removed: false
markers:
  description:
    - Keys of removed objects that a bucket with versions keeps behind a delete marker. They take space until a
      lifecycle rule of the bucket removes them.
  returned: success, with O(destination)
  type: list
  elements: str
aborted:
  description: Keys of the uploads that were aborted, or would be.
  returned: success, with O(destination)
  type: list
  elements: str
leftovers:
  description:
    - Keys of archives without a manifest that were uploaded O(unfinished_days) before the newest backup. Check them
      by hand.
  returned: success, with O(destination)
  type: list
  elements: str
message:
  description: Refusal of the bucket or the log database, or the reason why nothing was removed.
  returned: when something failed or nothing may be removed
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    LOG_DB,
    PATIENCE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import (
    PruneLocalRequest,
    prune_local,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            **DESTINATION,
            **PATIENCE,
            **LOG_DB,
            "work_dir": {"type": "path"},
            "name": {"type": "str"},
            "complete": {"type": "bool", "default": True},
            "keep_local": {"type": "int", "default": 1},
            "keep_failed": {"type": "int", "default": 1},
            "abandoned_after": {"type": "int", "default": 600},
            "prefix": {"type": "str", "default": ""},
            "hostname": {"type": "str"},
            "keep_last": {"type": "int", "default": 0},
            "keep_daily": {"type": "int", "default": 0},
            "keep_weekly": {"type": "int", "default": 0},
            "keep_monthly": {"type": "int", "default": 0},
            "keep_yearly": {"type": "int", "default": 0},
            "unfinished_days": {"type": "int", "default": 7},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "spool_dir": {"type": "path"},
            "timeout": {"type": "int"},
        },
        required_one_of=[("work_dir", "destination")],
        required_by={"work_dir": "name", "destination": "hostname"},
        supports_check_mode=True,
    )
    options = module.params
    if options["destination"] is None:
        host = request(PruneLocalRequest, options, check_mode=module.check_mode)
        conclude(module, lambda log: prune_local(host, log))
    # Imported only here: a host alone is pruned without them.
    from ansible_collections.vex.backup.plugins.module_utils._repository import prune  # noqa: PLC0415
    from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination  # noqa: PLC0415

    conclude(
        module,
        lambda log: prune.prune_host_and_bucket(
            request(PruneLocalRequest, options, check_mode=module.check_mode) if options["work_dir"] else None,
            request(
                prune.PruneRequest,
                options,
                log_database=LogDatabase.from_options(options) if options["spool_dir"] is not None else None,
                destination=Destination.from_options(options["destination"]),
                patience=patience_of(module),
                check_mode=module.check_mode,
            ),
            log,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
