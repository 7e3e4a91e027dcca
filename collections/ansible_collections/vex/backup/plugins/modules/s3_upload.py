#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Upload a backup's archive and manifest to an object store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_upload
short_description: Upload a backup's archive and manifest to an object store
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Uploads an archive to AWS S3 or a compatible server in parts, several at a time.
  - Sends a SHA-256 with each part, or an MD5 to a server that refuses checksum headers, and compares the server's size
    and checksum of the object with the file.
  - When the server keeps no SHA-256 and its ETag is not the MD5, the object is read back and compared. One that differs
    or cannot be read is removed, and the module fails.
  - Then uploads the manifest in the same way. An archive without its manifest is not a backup.
  - Never overwrites an object. A failure leaves no unfinished upload behind. Unfinished uploads of O(key) that a killed
    attempt left are aborted first.
options:
  src:
    description: Path of the archive to upload.
    type: path
    required: true
  manifest:
    description:
      - Path of its manifest, uploaded as C(KEY.manifest.json), or as C(KEY.incomplete.json) when it says that the dump
        lacks tables (C(status) 3). It must give the archive's SHA-256 as C(archive.sha256).
        The upload fails when O(src) has another.
      - Without it, only the archive is uploaded.
    type: path
  bucket:
    description: An existing bucket.
    type: str
    required: true
  key:
    description: Key of the archive.
    type: str
    required: true
  storage_class:
    description: Storage class of the archive, such as V(STANDARD_IA). The manifest gets the bucket's default.
    type: str
  run_uuid:
    description:
      - Run that made the archive. Until the upload has ended well, a note beside it, O(src) with C(.upload.json)
        appended, lets M(vex.backup.backup_upload) upload the archive later.
    type: str
  metadata:
    description:
      - Metadata of both objects, ASCII only. The module adds C(sha256).
    type: dict
    default: {}
  part_size:
    description: Size of one part in MiB, from 5 to 5120. A file of more than 10000 parts gets larger parts.
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
  - vex.backup.s3
  - vex.backup.encryption
  - vex.backup.patience
  - vex.backup.rate
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode O(src) may be absent, since the archive was not made either. The bucket must exist.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - An object with the file's size and, in its metadata, the file's SHA-256 is not uploaded again.
      - When O(key) holds something else, the module fails.
      - With credentials that may write but not read, a repeated upload fails, because it cannot be compared.
seealso:
  - module: vex.backup.archive_7z
"""

EXAMPLES = r"""
- name: Upload to AWS with the host's own role
  vex.backup.s3_upload:
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    manifest: /var/lib/vex-backup/backup_20250720_161523.zip.manifest.json
    bucket: example-backups
    key: "{{ 'backup_20250720_161523' | vex.backup.backup_key(ansible_facts['nodename'], prefix='mysql') }}"
    region: sa-east-1
    storage_class: STANDARD_IA

- name: Upload to a compatible server, within an hour
  vex.backup.s3_upload:
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    bucket: backups
    key: db1/2025/07/backup_20250720_161523.zip
    endpoint_url: https://s3.example.org
    access_key: "{{ vault_access_key }}"
    secret_key: "{{ vault_secret_key }}"
    timeout: 3600
"""

RETURN = r"""
bucket:
  description: The bucket.
  returned: success
  type: str
  sample: example-backups
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
  description: Names of the other archives beside O(src) whose upload did not end well, for M(vex.backup.backup_upload).
  returned: success
  type: list
  elements: str
  sample: []
url:
  description: Address of the archive.
  returned: success
  type: str
  sample: s3://example-backups/mysql/db1/2025/07/backup_20250720_161523.zip
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
etag:
  description: The server's ETag of the archive.
  returned: success, when the archive is in the bucket
  type: str
  sample: 01c8fe3563ffe17995d53ff0d06d0f1b-28
parts:
  description: Number of parts it was uploaded in.
  returned: success, when the archive is in the bucket
  type: int
  sample: 28
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
    ENCRYPTION,
    PATIENCE,
    RATE,
    RUN_LOG,
    S3,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import BOTO3_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "manifest": {"type": "path"},
            "bucket": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "storage_class": {"type": "str"},
            "run_uuid": {"type": "str"},
            "metadata": {"type": "dict", "default": {}},
            "part_size": {"type": "int", "default": 16},
            "parallel": {"type": "int", "default": 4},
            "timeout": {"type": "int"},
            **S3,
            **ENCRYPTION,
            **PATIENCE,
            **RATE,
            **RUN_LOG,
        },
        required_together=[("access_key", "secret_key")],
        mutually_exclusive=[("access_key", "profile")],
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: upload(
            request(
                UploadRequest,
                module.params,
                destination=Destination.of_type("s3", module.params),
                patience=patience_of(module),
                check_mode=module.check_mode,
            ),
            log,
        ),
        libraries=[("boto3 >= 1.36", BOTO3_FAILURE)],
    )


if __name__ == "__main__":
    main()
