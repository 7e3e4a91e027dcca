#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove backups that need not be kept any longer."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_prune
short_description: Remove backups that need not be kept any longer
version_added: "1.0.0"
description:
  - On the host, with O(work_dir), once a backup is safe elsewhere, which it notes there. The newest runs that are safe
    elsewhere stay with their archives, manifests and logs, and so do the newest of the others, which failed or are
    still at work. Those before them go. Dumps in progress, and runs with a later name than O(name), are left alone.
  - In the bucket, with O(bucket), the backups of O(hostname) that no rule keeps go, each with its manifest and proof,
    the manifest first. With all of O(keep_last), O(keep_daily), O(keep_weekly), O(keep_monthly) and O(keep_yearly) at
    V(0), everything stays.
  - In any case the newest good one stays, the newest that was proven to restore, what is held, and what the bucket
    has locked. What has no manifest, or one that does not vouch for it, neither counts nor goes.
  - Nothing goes while the newest in the bucket is not whole, or while this host's clock is behind it.
  - Uploads that began O(unfinished_days) before the newest backup and have not ended are aborted.
  - What the bucket refuses makes no backup worse, so it is no failure but a RV(message) and a warning.
author:
  - Vex Backup (@vex-backup)
options:
  work_dir:
    description: The work directory. Needs O(name).
    type: path
  name:
    description: The run that is safe elsewhere. Its own logs stay. Nothing goes from a bucket that does not hold it.
    type: str
  keep_local:
    description: How many runs that are safe elsewhere stay on this host.
    type: int
    default: 1
  keep_failed:
    description: How many other runs stay.
    type: int
    default: 1
  bucket:
    description: The bucket. Needs O(hostname).
    type: str
    version_added: "1.1.0"
  prefix:
    description: What keys start with, as C(vex_backup_s3_prefix) has it.
    type: str
    default: ""
    version_added: "1.1.0"
  hostname:
    description: The host whose backups are looked at.
    type: str
    version_added: "1.1.0"
  keep_last:
    description: How many of the newest stay; at least one does.
    type: int
    default: 0
    version_added: "1.1.0"
  keep_daily:
    description: The newest of each of so many days stays, in UTC. Only days with a backup count, so it is with all.
    type: int
    default: 0
    version_added: "1.1.0"
  keep_weekly:
    description: The newest of each of so many weeks stays; weeks begin on Monday.
    type: int
    default: 0
    version_added: "1.1.0"
  keep_monthly:
    description: The newest of each of so many months stays.
    type: int
    default: 0
    version_added: "1.1.0"
  keep_yearly:
    description: The newest of each of so many years stays.
    type: int
    default: 0
    version_added: "1.1.0"
  unfinished_days:
    description: Days after which an upload that has not ended never will.
    type: int
    default: 7
    version_added: "1.1.0"
  manifest_keys:
    description: Believe only manifests that one of these keys signed; the key in use, and former ones.
    type: list
    elements: str
    default: []
    version_added: "1.1.0"
  spool_dir:
    description:
      - Where it is kept what went while the log database is away, to be noted there later.
      - Without it, what goes from the bucket is not noted in the log tables.
    type: path
    version_added: "1.1.0"
  retries:
    description: How often a request that failed for a reason that may pass is repeated, ever more slowly.
    type: int
    default: 5
    version_added: "1.1.0"
  timeout:
    description: Seconds that the bucket may take; without it, or with V(0), there is no bound.
    type: int
    version_added: "1.1.0"
extends_documentation_fragment:
  - vex.backup.run_log
  - vex.backup.attributes
  - vex.backup.s3
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

- name: Keep two weeks of days, two months of weeks and a year of months in the bucket
  vex.backup.backup_prune:
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
  description: What went, or would go, from the work directory, by name.
  returned: success, with O(work_dir)
  type: list
  elements: str
  sample: [backup_20251231_030000.zip.manifest.json, backup_20251231_030000.zip, backup_20251231_030000.logs]
decisions:
  description: What becomes of each backup of the host in the bucket, newest first, and why.
  returned: success, with O(bucket)
  type: list
  elements: dict
  contains:
    name:
      description: The backup.
      type: str
    key:
      description: The archive's key.
      type: str
    keep:
      description: Whether it stays.
      type: bool
    reason:
      description: Why.
      type: str
    removed:
      description: Whether it went; never in check mode.
      type: bool
  sample:
    - name: backup_20260101_030000
      key: mysql/db1/2026/01/backup_20260101_030000.zip
      keep: true
      reason: 1 of the newest 1; daily 1 of 14, 2026-01-01
      removed: false
markers:
  description:
    - Keys of what the bucket still holds, hidden behind a delete marker, because it keeps versions. They take room
      until a rule of the bucket itself removes them.
  returned: success, with O(bucket)
  type: list
  elements: str
aborted:
  description: Keys of the uploads that were aborted, or would be.
  returned: success, with O(bucket)
  type: list
  elements: str
leftovers:
  description: Keys of archives whose upload ended O(unfinished_days) ago without a manifest, for a person to look at.
  returned: success, with O(bucket)
  type: list
  elements: str
message:
  description: What the bucket or the log database refused, and what kept all of the backups.
  returned: when there is something
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOG_DB, RUN_LOG, S3, Result, conclude
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_local import prune


def main() -> None:
    """Spec, call, exit."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            **S3,
            **LOG_DB,
            "work_dir": {"type": "path"},
            "name": {"type": "str"},
            "keep_local": {"type": "int", "default": 1},
            "keep_failed": {"type": "int", "default": 1},
            "bucket": {"type": "str"},
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
            "retries": {"type": "int", "default": 5},
            "timeout": {"type": "int"},
        },
        required_one_of=[("work_dir", "bucket")],
        required_by={"work_dir": "name", "bucket": "hostname"},
        required_together=[("access_key", "secret_key")],
        mutually_exclusive=[("access_key", "profile")],
        supports_check_mode=True,
    )
    if module.params["bucket"] is None:
        conclude(module, lambda log: _prune_host(module, log))
    # Only here: loading boto3 takes longer than all that is done without it.
    from ansible_collections.vex.backup.plugins.module_utils._repository.prune import prune_bucket  # noqa: PLC0415
    from ansible_collections.vex.backup.plugins.module_utils._store.s3 import BOTO3_FAILURE  # noqa: PLC0415

    def action(log: RunLog) -> Result:
        here = _prune_host(module, log)
        with ending_children():
            there = prune_bucket(module.params, log, check_mode=module.check_mode)
        return {**here, **there, "changed": here["changed"] or there["changed"]}

    conclude(module, action, libraries=[("boto3 >= 1.36", BOTO3_FAILURE), ("PyMySQL", PYMYSQL_FAILURE)])


def _prune_host(module: AnsibleModule, log: RunLog) -> Result:
    options = module.params
    if options["work_dir"] is None:
        return {"changed": False}
    return prune(
        options["work_dir"],
        options["name"],
        options["keep_local"],
        options["keep_failed"],
        log,
        check_mode=module.check_mode,
    )


if __name__ == "__main__":
    main()
