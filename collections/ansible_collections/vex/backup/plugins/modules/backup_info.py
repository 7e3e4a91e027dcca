#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List the backups that a bucket holds."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: List the backups that a bucket holds
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Lists a bucket, recognises the backups by their keys, and reads their manifests and proofs. It needs nothing but the
    bucket.
  - An archive without its manifest is listed too, with C(manifest) false. It is not a backup, since its upload did not
    end.
options:
  prefix:
    description: Prefix of all keys, the value of C(vex_backup_s3_prefix).
    type: str
    default: ""
  hostname:
    description: Host whose backups to list. Without it, the backups of every host.
    type: str
  manifest_keys:
    description: Manifests and proofs must be signed with one of these keys, the key in use or a former one. Without
      keys, all are accepted.
    type: list
    elements: str
    default: []
  probe:
    description: Only check that the store answers and may be listed, and list no backup.
    type: bool
    default: false
  timeout:
    description: Seconds that the module may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.patience
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: vex.backup.backup_download
"""

EXAMPLES = r"""
- name: List the backups of one host
  vex.backup.backup_info:
    destination:
      bucket: example-backups
    prefix: mysql
    hostname: db1
  register: backups
"""

RETURN = r"""
backups:
  description:
    - The backups, newest first, none with O(probe). Times are UTC, sizes bytes. C(held) is whether retention must not
      remove it.
    - C(manifest) is whether it is a whole backup. C(incomplete) is whether it is one without some tables, which the
      server could not read. With neither, its upload did not end.
    - C(fault) is why the backup cannot be verified, for example because its manifest belongs to another backup, or
      null. C(run_uuid) is the run that made it, according to its manifest, or null.
    - C(proven) is when the backup was last restored and compared, or null. C(proof) is when a proof was put beside it,
      and C(proof_fault) is why that proof is not believed, or null.
    - C(storage_class) is the archive's, by S3's name. An archive in V(GLACIER) or V(DEEP_ARCHIVE) must be thawed before
      it can be read.
  returned: success
  type: list
  elements: dict
  sample:
    - name: backup_20250720_161523
      hostname: db1
      key: mysql/db1/2025/07/backup_20250720_161523.zip
      size: 455081984
      etag: 01c8fe3563ffe17995d53ff0d06d0f1b-28
      taken: "2025-07-20 16:15:23"
      modified: "2025-07-20 16:16:02"
      manifest: true
      incomplete: false
      proof: "2025-07-21 02:00:42"
      held: false
      storage_class: STANDARD
      run_uuid: 0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b
      proven: "2025-07-21 02:00:41"
      fault: null
      proof_fault: null
message:
  description: A sentence that the bucket holds no backup, with the names of hosts like O(hostname) that have some.
  returned: when there is no backup
  type: str
  sample: "s3://example-backups/mysql holds no backup of db01: did you mean db01.example.com?"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    PATIENCE,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.list import ListRequest, list_backups, probe
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "prefix": {"type": "str", "default": ""},
            "hostname": {"type": "str"},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "probe": {"type": "bool", "default": False},
            "timeout": {"type": "int"},
            **DESTINATION,
            **PATIENCE,
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: (probe if module.params["probe"] else list_backups)(
            request(
                ListRequest,
                module.params,
                destination=Destination.from_options(module.params["destination"]),
                patience=patience_of(module),
            )
        ),
    )


if __name__ == "__main__":
    main()
