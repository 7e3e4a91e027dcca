#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unpack a backup and compare it with its manifest."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unarchive_7z
short_description: Unpack a backup and compare it with its manifest
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Unpacks an archive made by M(vex.backup.archive_7z) that has its manifest beside it.
  - Lists the archive first. Fails when it holds a path outside the backup's own directory, a link or a device.
  - The directory gets its name only after every file has the SHA-256 that the manifest gives, no file is missing, and
    the manifest inside the archive is the one beside it. A failure leaves nothing under that name.
options:
  src:
    description: Path of the archive. C(SRC.manifest.json) must exist.
    type: path
    required: true
  dest:
    description: Directory in which the backup's own directory, C(backup_YYYYMMDD_HHMMSS), is made. It must exist.
    type: path
    required: true
  password:
    description: Password that the archive was packed with. 7-Zip gets it on its standard input.
    type: str
  timeout:
    description: Seconds that all runs of 7-Zip together may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode O(src) may be absent, since the archive was not downloaded either.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A backup that was unpacked before is compared with its manifest, and not unpacked again.
      - When something else has the backup's name in O(dest), the module fails.
requirements:
  - 7-Zip (C(7zz), C(7z) or C(7za))
seealso:
  - module: vex.backup.backup_download
  - module: vex.backup.mysql_restore
"""

EXAMPLES = r"""
- name: Unpack a backup
  vex.backup.unarchive_7z:
    src: /var/backups/vex-backup/restore/backup_20250720_161523.zip
    dest: /var/backups/vex-backup/restore
    password: "{{ vault_archive_password }}"
"""

RETURN = r"""
path:
  description: The backup's directory.
  returned: success, when O(src) exists
  type: str
  sample: /var/backups/vex-backup/restore/backup_20250720_161523
backup:
  description: Summary of the manifest, as M(vex.backup.backup_download) returns it.
  returned: success, when O(src) exists
  type: dict
status:
  description: 1 for success, 3 for an error.
  returned: always
  type: int
  sample: 1
unpack_started:
  description: When unpacking started, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:23"
unpack_finished:
  description: When unpacking ended, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:24"
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._archive.unpack import UnpackRequest, unpack
from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, conclude, request


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "src": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "password": {"type": "str", "no_log": True},
            "timeout": {"type": "int"},
            **RUN_LOG,
        },
        supports_check_mode=True,
    )
    paths = {name: os.path.abspath(module.params[name]) for name in ("src", "dest")}
    unpacking = request(UnpackRequest, module.params, **paths, check_mode=module.check_mode)
    conclude(module, lambda log: unpack(unpacking, log))


if __name__ == "__main__":
    main()
