#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Upload a backup's archive and manifest to Azure Blob Storage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: azure_upload
short_description: Upload a backup's archive and manifest to Azure Blob Storage
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Uploads an archive to a container of Azure Blob Storage in blocks, several at a time.
  - Sends an MD5 with each block, which the server verifies, and compares size, SHA-256 and blocks of the blob with the
    file. The blob appears whole, by one request, once every block is there.
  - When the blob's blocks and MD5 do not show its contents, it is read back and compared. One that differs or cannot be
    read is removed, and the module fails.
  - Then uploads the manifest in the same way. An archive without its manifest is not a backup.
  - Never overwrites a blob. A failure removes the blocks that it has sent, or says that Azure removes them in a week.
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
  container:
    description: An existing container.
    type: str
    required: true
  key:
    description: Key of the archive.
    type: str
    required: true
  storage_class:
    description:
      - Access tier of the archive. The manifest gets the account's default.
      - A blob in V(Archive) must be thawed for hours before a restore, see O(vex.backup.backup_download#module:thaw).
    type: str
    choices: [Hot, Cool, Cold, Archive]
  run_uuid:
    description:
      - Run that made the archive. Until the upload has ended well, a note beside it, O(src) with C(.upload-azure.json)
        appended, lets M(vex.backup.backup_upload) upload the archive later.
    type: str
  metadata:
    description:
      - Metadata of both blobs, ASCII only. The module adds C(sha256).
      - Names are letters and digits, with single hyphens or underscores between them. Azure shows two underscores for a
        hyphen.
    type: dict
    default: {}
  part_size:
    description: Size of one block in MiB, from 5 to 4000. A file of more than 10000 blocks gets larger ones.
    type: int
    default: 16
  parallel:
    description: Number of blocks that are uploaded at a time.
    type: int
    default: 4
  timeout:
    description: Seconds that the whole upload may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.azure
  - vex.backup.patience
  - vex.backup.rate
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode O(src) may be absent, since the archive was not made either. The container must exist.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A blob with the file's size and, in its metadata, the file's SHA-256 is not uploaded again.
      - When O(key) holds something else, the module fails.
      - With credentials that may write but not read, a repeated upload fails, because it cannot be compared.
seealso:
  - module: vex.backup.archive_7z
"""

EXAMPLES = r"""
- name: Upload with the host's managed identity
  vex.backup.azure_upload:
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    manifest: /var/lib/vex-backup/backup_20250720_161523.zip.manifest.json
    account_name: examplebackups
    container: mysql
    key: "{{ 'backup_20250720_161523' | vex.backup.backup_key(ansible_facts['nodename'], prefix='mysql') }}"
    auth_source: msi
    storage_class: Cool

- name: Upload with a connection string, within an hour
  vex.backup.azure_upload:
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    container: backups
    key: db1/2025/07/backup_20250720_161523.zip
    connection_string: "{{ vault_connection_string }}"
    timeout: 3600
"""

RETURN = r"""
bucket:
  description: The container.
  returned: success
  type: str
  sample: mysql
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
  sample: https://examplebackups.blob.core.windows.net/mysql/mysql/db1/2025/07/backup_20250720_161523.zip
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
  returned: success, when the archive is in the container
  type: str
  sample: "0x8DD9A1E7F3C2B40"
parts:
  description: Number of blocks it was uploaded in.
  returned: success, when the archive is in the container
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
    AZURE,
    PATIENCE,
    RATE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AZURE_FAILURE
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "manifest": {"type": "path"},
            "container": {"type": "str", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "storage_class": {"type": "str", "choices": ["Hot", "Cool", "Cold", "Archive"]},
            "run_uuid": {"type": "str"},
            "metadata": {"type": "dict", "default": {}},
            "part_size": {"type": "int", "default": 16},
            "parallel": {"type": "int", "default": 4},
            "timeout": {"type": "int"},
            **AZURE,
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
                destination=Destination.of_type("azure", module.params),
                patience=patience_of(module),
                check_mode=module.check_mode,
            ),
            log,
        ),
        libraries=[("azure-storage-blob", AZURE_FAILURE)],
    )


if __name__ == "__main__":
    main()
