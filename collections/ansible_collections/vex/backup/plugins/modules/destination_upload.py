#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Upload a backup's archive and manifest to a destination of any type."""

from __future__ import annotations

DOCUMENTATION = r"""
module: destination_upload
short_description: Upload a backup's archive and manifest to a destination of any type
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Does what M(vex.backup.s3_upload) does, to the store that O(destination) names. The role calls it once for each
    destination of a server.
options:
  src:
    description: Path of the archive to upload.
    type: path
    required: true
  manifest:
    description: Path of its manifest, as for M(vex.backup.s3_upload). Without it, only the archive is uploaded.
    type: path
  key:
    description: Key of the archive.
    type: str
    required: true
  run_uuid:
    description:
      - Run that made the archive. Until the upload has ended well, a note beside it lets M(vex.backup.backup_upload)
        upload the archive later. Each destination has its own note, O(src) with C(.upload-NAME.json) appended, or with
        C(.upload.json) for the destination V(s3).
    type: str
  metadata:
    description:
      - Metadata of both objects, ASCII only. The module adds C(sha256).
    type: dict
    default: {}
  part_size:
    description: Size of one part in MiB, from 5 to 5120.
    type: int
    default: 16
  parallel:
    description: Number of parts that are uploaded at a time.
    type: int
    default: 4
  timeout:
    description: Seconds that the whole upload may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.patience
  - vex.backup.rate
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode O(src) may be absent, since the archive was not made either. The store must exist.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: As M(vex.backup.s3_upload).
seealso:
  - module: vex.backup.s3_upload
  - module: vex.backup.backup_upload
"""

EXAMPLES = r"""
- name: Upload to a second bucket
  vex.backup.destination_upload:
    destination:
      name: vault
      bucket: example-vault
      region: eu-central-1
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    manifest: /var/lib/vex-backup/backup_20250720_161523.zip.manifest.json
    key: mysql/db1/2025/07/backup_20250720_161523.zip
"""

RETURN = r"""
bucket:
  description: The bucket, container or directory.
  returned: success
  type: str
  sample: example-vault
key:
  description: The archive's key.
  returned: success
  type: str
  sample: mysql/db1/2025/07/backup_20250720_161523.zip
manifest_key:
  description: The manifest's key, null without a manifest, and in check mode when O(src) does not exist.
  returned: success
  type: str
  sample: mysql/db1/2025/07/backup_20250720_161523.zip.manifest.json
pending:
  description: Names of the other archives beside O(src) that the destination still lacks.
  returned: success
  type: list
  elements: str
  sample: []
url:
  description: Address of the archive.
  returned: success
  type: str
  sample: s3://example-vault/mysql/db1/2025/07/backup_20250720_161523.zip
size:
  description: The archive's size in bytes.
  returned: success, when O(src) exists
  type: int
  sample: 455081984
sha256:
  description: The archive's SHA-256 in hexadecimal.
  returned: success, when O(src) exists
  type: str
  sample: 94211bb018686b8c810543c6c57fda768e6a732d57ef5d3e5c9d06b7b9a620b1
status:
  description: 1 for success, 3 for an error.
  returned: always
  type: int
  sample: 1
upload_started:
  description: When the upload started, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:24"
upload_finished:
  description: When the upload ended, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:26"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    PATIENCE,
    RATE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "manifest": {"type": "path"},
            "key": {"type": "str", "required": True, "no_log": False},
            "run_uuid": {"type": "str"},
            "metadata": {"type": "dict", "default": {}},
            "part_size": {"type": "int", "default": 16},
            "parallel": {"type": "int", "default": 4},
            "timeout": {"type": "int"},
            **DESTINATION,
            **PATIENCE,
            **RATE,
            **RUN_LOG,
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: upload(
            request(
                UploadRequest,
                module.params,
                destination=Destination.from_options(module.params["destination"]),
                patience=patience_of(module),
                check_mode=module.check_mode,
            ),
            log,
        ),
    )


if __name__ == "__main__":
    main()
