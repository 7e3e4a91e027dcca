#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetch a backup's archive and manifest from an object store."""

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_download
short_description: Fetch a backup's archive and manifest from an object store
version_added: "1.1.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Fetches an archive from AWS S3 or a compatible server in pieces of which several are under way at a time, and
    compares its size and SHA-256 with the manifest beside it. Only then do archive and manifest get their names.
  - What an attempt leaves that was broken off is C(ARCHIVE.ETAG.partial). The next one goes on from its end.
  - An archive without its manifest is not a backup, and is not fetched.
options:
  bucket:
    description: The bucket.
    type: str
    required: true
  key:
    description:
      - Key of the archive. Its manifest is C(KEY.manifest.json).
      - Either this or O(hostname) says what to fetch.
    type: str
  prefix:
    description: What keys start with, as C(vex_backup_s3_prefix) has it; with O(hostname).
    type: str
  hostname:
    description:
      - Fetch the newest backup of this host, unless O(name) or O(at) chooses another, into a directory of its name in
        O(dest).
      - Nothing is asked but the bucket.
    type: str
  name:
    description: The backup of O(hostname) that has this name.
    type: str
  at:
    description:
      - The newest backup of O(hostname) taken until this time, C(YYYY-MM-DD [HH:MM[:SS]]) in UTC.
      - A date alone means its end.
    type: str
  dest:
    description: Directory to fetch both into. It is made, for its owner alone, when it is not there.
    type: path
    required: true
  manifest_only:
    description: Whether to fetch the manifest alone, to see what a restore would do.
    type: bool
    default: false
  manifest_keys:
    description: Fetch only what one of these keys signed; the key in use, and former ones.
    type: list
    elements: str
    default: []
  parallel:
    description: Pieces of 8 MiB under way at a time.
    type: int
    default: 4
  retries:
    description: How often a request that failed for a reason that may pass is repeated, ever more slowly.
    type: int
    default: 5
  timeout:
    description: Seconds that the whole download may take; without it, or with V(0), there is no bound.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.s3
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode the manifest is read and the archive looked for, and O(dest) may be absent.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - An archive that is there and has the manifest's size and SHA-256 is not fetched again.
      - When something else has the archive's name in O(dest), the module fails.
seealso:
  - module: vex.backup.backup_info
  - module: vex.backup.archive_7z
"""

EXAMPLES = r"""
- name: Fetch a backup
  vex.backup.s3_download:
    bucket: example-backups
    key: mysql/db1/2025/07/backup_20250720_161523.zip
    dest: /var/backups/vex-backup/restore
    region: sa-east-1

- name: Fetch what a host had in the morning
  vex.backup.s3_download:
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
chosen:
  description: What is fetched, as RV(vex.backup.backup_info#module:backups) lists it.
  returned: success, with O(hostname)
  type: dict
backup:
  description: What the manifest says of the backup. Sizes are in bytes, C(bytes) being that of its files.
  returned: success
  type: dict
  sample:
    name: backup_20250720_161523
    hostname: db1
    server: {product: mysql, version: 9.7.4}
    started: "2025-07-20 16:15:23"
    status: 1
    consistent: true
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

from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, S3, Result, conclude
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._repository.download import Request, download
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import BOTO3_FAILURE


def main() -> None:
    """Spec, one call, exit."""
    module = AnsibleModule(
        argument_spec={
            "bucket": {"type": "str", "required": True},
            "key": {"type": "str", "no_log": False},
            "prefix": {"type": "str"},
            "hostname": {"type": "str"},
            "name": {"type": "str"},
            "at": {"type": "str"},
            "dest": {"type": "path", "required": True},
            "manifest_only": {"type": "bool", "default": False},
            "manifest_keys": {"type": "list", "elements": "str", "default": [], "no_log": True},
            "parallel": {"type": "int", "default": 4},
            "retries": {"type": "int", "default": 5},
            "timeout": {"type": "int"},
            **S3,
            **RUN_LOG,
        },
        required_together=[("access_key", "secret_key")],
        required_one_of=[("key", "hostname")],
        required_by={"prefix": ["hostname"], "name": ["hostname"], "at": ["hostname"]},
        mutually_exclusive=[("access_key", "profile"), ("key", "hostname"), ("name", "at")],
        supports_check_mode=True,
    )
    options = {name: module.params[name] for name in Request._fields if module.params.get(name) is not None}

    def action(log: RunLog) -> Result:
        with ending_children():
            return download(Request(s3=module.params, check_mode=module.check_mode, **options), log)

    conclude(module, action, libraries=[("boto3 >= 1.36", BOTO3_FAILURE)])


if __name__ == "__main__":
    main()
