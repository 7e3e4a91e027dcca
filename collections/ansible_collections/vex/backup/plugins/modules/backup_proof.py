#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the proof that a backup restores beside its archive."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_proof
short_description: Write the proof that a backup restores beside its archive
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Puts C(KEY.proof.json) into the bucket, beside an archive that was restored and compared. Lists of the bucket then
    show the backup as proven, and retention never removes a server's last proven backup.
  - The backup's manifest must still describe the archive that was restored.
options:
  key:
    description: Key of the archive.
    type: str
    required: true
  hostname:
    description: Name of the host where it was restored.
    type: str
    required: true
  server_version:
    description: Version of the server that it was restored to.
    type: str
    required: true
  sha256:
    description: SHA-256 of the archive, in hexadecimal.
    type: str
    required: true
  tables:
    description: Number of compared tables.
    type: int
    required: true
  rows:
    description: Number of rows in these tables.
    type: int
    required: true
  recovery_seconds:
    description: Seconds from the start of the download until all data was restored.
    type: int
    required: true
  notes:
    description: Data that was not compared, and the reason, a sentence each.
    type: list
    elements: str
    default: []
  manifest_key:
    description: Key that signs the proof. Hosts that have a key believe no proof without its signature.
    type: str
  manifest_keys:
    description: The manifest must be signed with one of these keys, the key in use or a former one. Without keys, every
      manifest is accepted.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds after which the module fails; no limit if absent or V(0).
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.patience
  - vex.backup.compared
attributes:
  check_mode:
    support: full
    details: In check mode the module checks that the archive exists, and writes no proof.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call writes a proof with its own time.
seealso:
  - module: vex.backup.backup_compare
"""

EXAMPLES = r"""
- name: Write the proof beside the archive
  vex.backup.backup_proof:
    destination:
      bucket: example-backups
    key: mysql/db1/2025/07/backup_20250720_161523.zip
    hostname: spare
    server_version: 10.11.18-MariaDB
    sha256: 94211bb018686b8c810543c6c57fda768e6a732d57ef5d3e5c9d06b7b9a620b1
    tables: 42
    rows: 1250000
    recovery_seconds: 83
    compared:
      columns: 310
      definitions: 57
      sampled_rows: 41200
      tables_sampled: 42
"""

RETURN = r"""
key:
  description: Key of the proof.
  returned: success
  type: str
  sample: mysql/db1/2025/07/backup_20250720_161523.zip.proof.json
url:
  description: Address of the proof.
  returned: success
  type: str
  sample: s3://example-backups/mysql/db1/2025/07/backup_20250720_161523.zip.proof.json
proven:
  description: Time of the proof, UTC.
  returned: success
  type: str
  sample: "2025-07-21 02:00:41"
message:
  description: A warning that the backup is signed and the proof is not.
  returned: when that is so
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    COMPARED,
    DESTINATION,
    PATIENCE,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._verify.proof import ProofRequest, put_proof


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "key": {"type": "str", "required": True, "no_log": False},
            "hostname": {"type": "str", "required": True},
            "server_version": {"type": "str", "required": True},
            "sha256": {"type": "str", "required": True},
            "tables": {"type": "int", "required": True},
            "rows": {"type": "int", "required": True},
            "recovery_seconds": {"type": "int", "required": True},
            "notes": {"type": "list", "elements": "str", "default": []},
            "manifest_key": {"type": "str", "no_log": True},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "timeout": {"type": "int"},
            **DESTINATION,
            **PATIENCE,
            **COMPARED,
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: put_proof(
            request(
                ProofRequest,
                module.params,
                destination=Destination.from_options(module.params["destination"]),
                patience=patience_of(module),
                check_mode=module.check_mode,
            )
        ),
    )


if __name__ == "__main__":
    main()
