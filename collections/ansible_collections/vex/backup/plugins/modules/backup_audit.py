#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a bucket with itself and with the log tables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_audit
short_description: Compare a bucket with itself and with the log tables
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Finds backups without a row in the log tables, rows whose objects are missing, archives without a manifest,
    manifests without an archive, uploads that have not ended, and sizes and checksums that differ. Each finding has a
    remedy.
  - Changes nothing. The module succeeds with findings. An unreachable log database is a finding too.
options:
  prefix:
    description: Prefix of all keys, the value of C(vex_backup_s3_prefix).
    type: str
    default: ""
  hostname:
    description: Host whose backups to audit. Without it, the backups of every host.
    type: str
  deep:
    description: Read every archive and compare its SHA-256 with its manifest.
    type: bool
    default: false
  manifest_keys:
    description: Manifests and proofs must be signed with one of these keys, the key in use or a former one. Without
      keys, all are accepted.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that the requests to the bucket may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
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
seealso:
  - module: vex.backup.backup_info
  - module: vex.backup.backup_prune
"""

EXAMPLES = r"""
- name: Audit every host's backups
  vex.backup.backup_audit:
    destination:
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
  description: Number of backups in the bucket.
  returned: success
  type: int
  sample: 63
deep:
  description: Whether their archives were read.
  returned: success
  type: bool
summary:
  description: The numbers of backups and of findings, for people.
  returned: success
  type: str
  sample: 63 backups, 1 finding
findings:
  description: The contradictions found, by key.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(log_database), V(archive_without_manifest), V(unfinished_upload), V(uploads_unknown), V(stray),
          V(manifest_unusable), V(manifest_forged), V(proof_malformed), V(proof_foreign), V(proof_stale),
          V(proof_unsigned), V(size_differs), V(checksum_differs), V(object_without_row), V(row_without_object) or
          V(removed_but_there).
      type: str
    key:
      description: The object's key; empty for V(log_database) and V(uploads_unknown).
      type: str
    detail:
      description: The fault.
      type: str
    remedy:
      description: The action that resolves it.
      type: str
    destination:
      description: Name of the destination.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    LOG_DB,
    PATIENCE,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._repository.audit import AuditRequest, audit
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **DESTINATION,
            **PATIENCE,
            **LOG_DB,
            "prefix": {"type": "str", "default": ""},
            "hostname": {"type": "str"},
            "deep": {"type": "bool", "default": False},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "timeout": {"type": "int"},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: audit(
            request(
                AuditRequest,
                module.params,
                destination=Destination.from_options(module.params["destination"]),
                log_database=LogDatabase.from_options(module.params),
                patience=patience_of(module),
            )
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
