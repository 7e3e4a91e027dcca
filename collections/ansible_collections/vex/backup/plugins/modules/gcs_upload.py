#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Upload a backup's archive and manifest to Google Cloud Storage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gcs_upload
short_description: Upload a backup's archive and manifest to Google Cloud Storage
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Uploads an archive by a resumable upload, whose parts go one after another. After a failure that passes, it goes on
    with the bytes that Google does not have.
  - Sends the CRC32C of the file with the last part, without which there is no object, and compares the CRC32C that
    Google computed. An object that differs is removed, and the module fails.
  - Then uploads the manifest in the same way. An archive without its manifest is not a backup.
  - Never overwrites an object. An upload that fails is cancelled. Google removes what a killed one left after a week.
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
    description: Name of the archive in the bucket.
    type: str
    required: true
  storage_class:
    description:
      - Storage class of the archive, such as V(NEARLINE). All can be read at once.
      - The manifest gets the bucket's default.
    type: str
  run_uuid:
    description:
      - Run that made the archive. Until the upload has ended well, a note beside it, O(src) with C(.upload-gcs.json)
        appended, lets M(vex.backup.backup_upload) upload the archive later.
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
  timeout:
    description: Seconds that the whole upload may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.gcs
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
  - module: vex.backup.s3_upload
"""

EXAMPLES = r"""
- name: Upload with the service account of the machine
  vex.backup.gcs_upload:
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    manifest: /var/lib/vex-backup/backup_20250720_161523.zip.manifest.json
    bucket: example-backups
    key: "{{ 'backup_20250720_161523' | vex.backup.backup_key(ansible_facts['nodename'], prefix='mysql') }}"
    storage_class: NEARLINE

- name: Upload with a key of a service account, encrypted with a key of one's own
  vex.backup.gcs_upload:
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    bucket: example-backups
    key: db1/2025/07/backup_20250720_161523.zip
    auth_kind: serviceaccount
    service_account_contents: "{{ vault_service_account }}"
    kms_key_name: projects/example/locations/europe-west1/keyRings/backups/cryptoKeys/mysql
"""

RETURN = r"""
bucket:
  description: The bucket.
  returned: success
  type: str
  sample: example-backups
key:
  description: The archive's name in the bucket.
  returned: success
  type: str
  sample: mysql/db1/2025/07/backup_20250720_161523.zip
manifest_key:
  description: The manifest's name, null without a manifest, and in check mode when O(src) does not exist.
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
  sample: gs://example-backups/mysql/db1/2025/07/backup_20250720_161523.zip
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
  description: The archive's generation, which Google gives to each object that is written.
  returned: success, when the archive is in the bucket
  type: str
  sample: "1753028125338451"
parts:
  description: Number of parts it was uploaded in; 1 for an archive that was there.
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
    GCS,
    PATIENCE,
    RATE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_client import GCS_FAILURE
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
            "timeout": {"type": "int"},
            **GCS,
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
                destination=Destination.of_type("gcs", module.params),
                parallel=1,
                patience=patience_of(module),
                check_mode=module.check_mode,
            ),
            log,
        ),
        libraries=[("google-cloud-storage", GCS_FAILURE)],
    )


if __name__ == "__main__":
    main()
