#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy a backup's archive and manifest into a directory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: directory_copy
short_description: Copy a backup's archive and manifest into a directory
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Copies an archive into a directory, such as one on another disk or on a mounted share (NFS, SMB).
  - A copy gets its name when it is whole, written to the disk and read again with the right SHA-256. No other file is
    replaced.
  - Then copies the manifest in the same way. An archive without its manifest is not a backup.
  - A failure leaves no unfinished file behind. Unfinished files of O(key) that a killed attempt left are removed first.
options:
  src:
    description: Path of the archive to copy.
    type: path
    required: true
  manifest:
    description:
      - Path of its manifest, copied as C(KEY.manifest.json), or as C(KEY.incomplete.json) when it says that the dump
        lacks tables (C(status) 3). It must give the archive's SHA-256 as C(archive.sha256).
        The copy fails when O(src) has another.
      - Without it, only the archive is copied.
    type: path
  path:
    description:
      - Absolute path of an existing directory. It is never made.
      - Give one below the mount point, which is not there while the share is not mounted.
    type: path
    required: true
  key:
    description: Path of the archive below O(path).
    type: str
    required: true
  run_uuid:
    description:
      - Run that made the archive. Until the copy has ended well, a note beside it, O(src) with
        C(.upload-directory.json) appended, lets M(vex.backup.backup_upload) upload the archive later.
    type: str
  parallel:
    description: Number of parts that are copied at a time.
    type: int
    default: 4
  timeout:
    description: Seconds that the whole copy may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.patience
  - vex.backup.rate
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode O(src) may be absent, since the archive was not made either. O(path) must exist.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A file with the archive's size and SHA-256 is not copied again.
      - When O(key) holds something else, the module fails.
seealso:
  - module: vex.backup.archive_7z
  - module: vex.backup.s3_upload
"""

EXAMPLES = r"""
- name: Copy a backup to a share that is mounted at /mnt/nas
  vex.backup.directory_copy:
    src: /var/lib/vex-backup/backup_20250720_161523.zip
    manifest: /var/lib/vex-backup/backup_20250720_161523.zip.manifest.json
    path: /mnt/nas/backups
    key: "{{ 'backup_20250720_161523' | vex.backup.backup_key(ansible_facts['nodename'], prefix='mysql') }}"
"""

RETURN = r"""
bucket:
  description: The directory.
  returned: success
  type: str
  sample: /mnt/nas/backups
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
  description: Names of the other archives beside O(src) whose copy did not end well, for M(vex.backup.backup_upload).
  returned: success
  type: list
  elements: str
  sample: []
url:
  description: Address of the archive.
  returned: success
  type: str
  sample: file:///mnt/nas/backups/mysql/db1/2025/07/backup_20250720_161523.zip
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
  description: A word that is another one when the file is replaced.
  returned: success, when the archive is in the directory
  type: str
  sample: 185ea1b2c3d4e5f6-1b20f000-2a
status:
  description: 1 for success, 3 for an error.
  returned: always
  type: int
  sample: 1
upload_started:
  description: When the copy started, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:24"
upload_finished:
  description: When the copy ended, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:26"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    PATIENCE,
    RATE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload

# In MiB. A directory does not care.
PART_SIZE = 16


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "manifest": {"type": "path"},
            "path": {"type": "path", "required": True},
            "key": {"type": "str", "required": True, "no_log": False},
            "run_uuid": {"type": "str"},
            "parallel": {"type": "int", "default": 4},
            "timeout": {"type": "int"},
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
                destination=Destination.of_type("directory", module.params),
                patience=patience_of(module),
                check_mode=module.check_mode,
                metadata={},
                part_size=PART_SIZE,
            ),
            log,
        ),
    )


if __name__ == "__main__":
    main()
