#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Download a backup's archive and manifest from an object store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_download
short_description: Download a backup's archive and manifest from an object store
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Downloads an archive from AWS S3 or a compatible server in chunks, several at a time, and compares its size and
    SHA-256 with the manifest beside it. Only then do archive and manifest get their names.
  - An interrupted attempt leaves C(ARCHIVE.ETAG.partial), and the next attempt continues it.
  - When its bytes are wrong, it is downloaded again. Only if the same bytes come twice is the object damaged.
  - An archive without its manifest is not a backup, and is not downloaded.
options:
  key:
    description:
      - Key of the archive. Its manifest is C(KEY.manifest.json), or C(KEY.incomplete.json) for an incomplete backup.
      - Either this or O(hostname) is required.
    type: str
  prefix:
    description: Prefix of all keys, the value of C(vex_backup_s3_prefix). Only with O(hostname).
    type: str
  hostname:
    description:
      - Download the newest backup of this host, or the backup that O(name) or O(at) chooses, into a directory of its
        name in O(dest).
      - The choice needs nothing but the bucket.
    type: str
  name:
    description: Download the backup of O(hostname) with this name.
    type: str
  at:
    description:
      - Download the newest backup of O(hostname) taken until this time, C(YYYY-MM-DD [HH:MM[:SS]]) in UTC.
      - A date alone means its end.
    type: str
  dest:
    description: Directory for both. If it does not exist, it is made, readable for its owner alone.
    type: path
    required: true
  manifest_only:
    description: Download the manifest alone, to plan a restore.
    type: bool
    default: false
  manifest_keys:
    description: A manifest must be signed with one of these keys, the key in use or a former one. Without keys, every
      manifest is accepted.
    type: list
    elements: str
    default: []
  thaw:
    description:
      - Ask the store for an archive in cold storage (C(GLACIER), C(DEEP_ARCHIVE), or an archive tier of
        C(INTELLIGENT_TIERING)), and wait until it can be read, which takes hours. A request that is already in progress
        is waited for. The copy that can be read stays for seven days.
      - Without it, such an archive is an error. It has no effect in check mode.
    type: bool
    default: false
  thaw_timeout:
    description: Seconds that O(thaw) may take, before O(timeout) begins. With V(0), there is no limit.
    type: int
    default: 172800
  parallel:
    description: Number of chunks of 8 MiB that are downloaded at a time.
    type: int
    default: 4
  timeout:
    description: Seconds that the whole download may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
  - vex.backup.patience
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode the manifest is read and the archive must exist. O(dest) may be absent.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - An archive in O(dest) that has the manifest's size and SHA-256 is not downloaded again.
      - When something else has the archive's name in O(dest), the module fails.
seealso:
  - module: vex.backup.backup_info
  - module: vex.backup.archive_7z
"""

EXAMPLES = r"""
- name: Download a backup
  vex.backup.backup_download:
    destination:
      bucket: example-backups
      region: sa-east-1
    key: mysql/db1/2025/07/backup_20250720_161523.zip
    dest: /var/backups/vex-backup/restore

- name: Download the newest backup of a host that was taken until 9 o'clock
  vex.backup.backup_download:
    destination:
      bucket: example-backups
    prefix: mysql
    hostname: db1
    at: "2025-07-20 09:00"
    dest: /var/backups/vex-backup/restore
"""

RETURN = r"""
archive:
  description: Path of the archive.
  returned: success
  type: str
  sample: /var/backups/vex-backup/restore/backup_20250720_161523.zip
manifest:
  description: Path of its manifest.
  returned: success
  type: str
  sample: /var/backups/vex-backup/restore/backup_20250720_161523.zip.manifest.json
size:
  description: The archive's size in bytes.
  returned: success
  type: int
  sample: 455081984
sha256:
  description: The archive's SHA-256 in hexadecimal.
  returned: success
  type: str
  sample: 94211bb018686b8c810543c6c57fda768e6a732d57ef5d3e5c9d06b7b9a620b1
etag:
  description: The server's ETag of the archive.
  returned: success
  type: str
  sample: 01c8fe3563ffe17995d53ff0d06d0f1b-28
cold:
  description: Name of the cold storage that the archive must be thawed from, null when it can be read.
  returned: success
  type: str
  sample: null
chosen:
  description: The chosen backup, as RV(vex.backup.backup_info#module:backups) lists it.
  returned: success, with O(hostname)
  type: dict
backup:
  description: Summary of the manifest. Sizes are in bytes; C(bytes) is the size of the files in the archive.
  returned: success
  type: dict
  sample:
    name: backup_20250720_161523
    hostname: db1
    server: {product: mysql, version: 9.7.4}
    started: "2025-07-20 16:15:23"
    status: 1
    consistent: true
    mode: individual
    encryption_key_ids: []
    encrypted: false
    bytes: 455081000
    dump_bytes: 964000000
    archive_bytes: 455081984
    databases:
      - {name: shop, tables: 12, views: 2, programs: 3}
status:
  description: 1 for success, 3 for an error.
  returned: always
  type: int
  sample: 1
download_started:
  description: When the download started, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:24"
download_finished:
  description: When the download ended, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:26"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    DESTINATION,
    PATIENCE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.download import DownloadRequest, download
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "key": {"type": "str", "no_log": False},
            "prefix": {"type": "str"},
            "hostname": {"type": "str"},
            "name": {"type": "str"},
            "at": {"type": "str"},
            "dest": {"type": "path", "required": True},
            "manifest_only": {"type": "bool", "default": False},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "thaw": {"type": "bool", "default": False},
            "thaw_timeout": {"type": "int", "default": 172800},
            "parallel": {"type": "int", "default": 4},
            "timeout": {"type": "int"},
            **DESTINATION,
            **PATIENCE,
            **RUN_LOG,
        },
        required_one_of=[("key", "hostname")],
        required_by={"prefix": ["hostname"], "name": ["hostname"], "at": ["hostname"]},
        mutually_exclusive=[("key", "hostname"), ("name", "at")],
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: download(
            request(
                DownloadRequest,
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
