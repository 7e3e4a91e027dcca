#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put the proof that a backup restores beside its archive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_proof
short_description: Put the proof that a backup restores beside its archive
version_added: "1.1.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Puts C(KEY.proof.json) into the bucket, beside an archive that was restored and compared. What lists the bucket
    shows the backup as proven then, and retention never removes the last one that is.
options:
  bucket:
    description: The bucket.
    type: str
    required: true
  key:
    description: Key of the archive.
    type: str
    required: true
  hostname:
    description: Where it was restored.
    type: str
    required: true
  server_version:
    description: The server that it was restored to.
    type: str
    required: true
  sha256:
    description: The archive's SHA-256, in hexadecimal.
    type: str
    required: true
  tables:
    description: How many tables were compared.
    type: int
    required: true
  rows:
    description: How many rows they hold.
    type: int
    required: true
  recovery_seconds:
    description: Seconds from the begin of the download until all data was back.
    type: int
    required: true
  notes:
    description: What was not compared, and why.
    type: list
    elements: str
    default: []
  retries:
    description: How often a request that failed for a reason that may pass is repeated, ever more slowly.
    type: int
    default: 5
  timeout:
    description: Seconds that it may take; without it, or with V(0), there is no bound.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.s3
attributes:
  check_mode:
    support: full
    details: In check mode the archive is looked for and nothing is put.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call puts a proof of its own time.
seealso:
  - module: vex.backup.backup_compare
"""

EXAMPLES = r"""
- name: Put the proof beside the archive
  vex.backup.backup_proof:
    bucket: example-backups
    key: mysql/db1/2025/07/backup_20250720_161523.zip
    hostname: spare
    server_version: 10.11.18-MariaDB
    sha256: 94211bb018686b8c810543c6c57fda768e6a732d57ef5d3e5c9d06b7b9a620b1
    tables: 42
    rows: 1250000
    recovery_seconds: 83
"""

RETURN = r"""
key:
  description: Key of the proof.
  returned: success
  type: str
  sample: mysql/db1/2025/07/backup_20250720_161523.zip.proof.json
url:
  description: The same as an address.
  returned: success
  type: str
  sample: s3://example-backups/mysql/db1/2025/07/backup_20250720_161523.zip.proof.json
proven:
  description: When, UTC.
  returned: success
  type: str
  sample: "2025-07-21 02:00:41"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import S3, conclude
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import BOTO3_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._verify.proof import put_proof


def main() -> None:
    """Spec, one call, exit."""
    module = AnsibleModule(
        argument_spec={
            "bucket": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "hostname": {"type": "str", "required": True},
            "server_version": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
            "tables": {"type": "int", "required": True},
            "rows": {"type": "int", "required": True},
            "recovery_seconds": {"type": "int", "required": True},
            "notes": {"type": "list", "elements": "str", "default": []},
            "retries": {"type": "int", "default": 5},
            "timeout": {"type": "int"},
            **S3,
        },
        required_together=[("access_key", "secret_key")],
        mutually_exclusive=[("access_key", "profile")],
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: put_proof(module.params, check_mode=module.check_mode),
        libraries=[("boto3 >= 1.36", BOTO3_FAILURE)],
    )


if __name__ == "__main__":
    main()
