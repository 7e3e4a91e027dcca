#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a bucket with itself and with the log tables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_audit
short_description: Compare a bucket with itself and with the log tables
version_added: "1.1.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Looks for backups that the log tables do not know, uploads whose objects are gone, archives without a manifest,
    manifests without an archive, and sizes and checksums that differ. Each finding comes with its remedy.
  - Changes nothing. Findings are no failure of the module; a log database that is away is one of them.
options:
  bucket:
    description: The bucket.
    type: str
    required: true
  prefix:
    description: What keys start with, as C(vex_backup_s3_prefix) has it.
    type: str
    default: ""
  hostname:
    description: The host whose backups to look at; those of every host when absent.
    type: str
  deep:
    description: Whether to read every archive back and compare its SHA-256 with that of its manifest.
    type: bool
    default: false
  manifest_keys:
    description: One of these keys must have signed each manifest; the key in use, and former ones.
    type: list
    elements: str
    default: []
  retries:
    description: How often a request that failed for a reason that may pass is repeated, ever more slowly.
    type: int
    default: 5
  timeout:
    description: Seconds that the bucket may take; without it, or with V(0), there is no bound.
    type: int
extends_documentation_fragment:
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
seealso:
  - module: vex.backup.backup_info
  - module: vex.backup.backup_prune
"""

EXAMPLES = r"""
- name: Audit every host's backups
  vex.backup.backup_audit:
    bucket: example-backups
    prefix: mysql
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
  register: audit
  failed_when: audit is failed or audit.findings
"""

RETURN = r"""
backups:
  description: How many backups the bucket holds.
  returned: success
  type: int
  sample: 63
deep:
  description: Whether their archives were read back.
  returned: success
  type: bool
findings:
  description: What does not go together, by key.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(log_database), V(archive_without_manifest), V(stray), V(manifest_unusable), V(manifest_forged),
          V(size_differs), V(checksum_differs), V(object_without_row), V(row_without_object) or V(removed_but_there).
      type: str
    key:
      description: The object's key; empty for V(log_database).
      type: str
    detail:
      description: What was found.
      type: str
    remedy:
      description: What to do.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOG_DB, S3, conclude
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._repository.audit import audit
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import BOTO3_FAILURE


def main() -> None:
    """Spec, one call, exit."""
    module = AnsibleModule(
        argument_spec={
            **S3,
            **LOG_DB,
            "bucket": {"type": "str", "required": True},
            "prefix": {"type": "str", "default": ""},
            "hostname": {"type": "str"},
            "deep": {"type": "bool", "default": False},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "retries": {"type": "int", "default": 5},
            "timeout": {"type": "int"},
        },
        required_together=[("access_key", "secret_key")],
        mutually_exclusive=[("access_key", "profile")],
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: audit(module.params),
        libraries=[("boto3 >= 1.36", BOTO3_FAILURE), ("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
