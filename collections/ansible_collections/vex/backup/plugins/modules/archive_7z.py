#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pack a backup's directory with 7-Zip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: archive_7z
short_description: Pack a backup's directory with 7-Zip
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Packs a directory into one C(zip) or C(7z) archive, encrypted if a password is given.
  - The archive gets its name only after an integrity test has found every path and every byte of the directory in it.
    A failure leaves nothing under that name.
  - If the directory holds C(manifest.json), the module writes C(DEST.manifest.json) beside the archive, which is that
    manifest with the archive's size and checksum added.
options:
  source:
    description:
      - Directory to pack. The archive holds it under the last part of this path.
      - The module fails when it holds anything but directories and regular files, such as symbolic links.
    type: path
    required: true
  dest:
    description:
      - Path of the archive. It ends with C(.zip) or C(.7z), the same as O(format). Its directory must exist.
      - An existing archive is never replaced.
    type: path
    required: true
  format:
    description: Format of the archive. Only V(7z) can hide the names of the files.
    type: str
    choices: [zip, 7z]
    default: zip
  level:
    description:
      - Compression level of 7-Zip, from V(0), which only stores, to V(9).
      - V(auto) is V(0) when most of the directory's bytes are in compressed files, such as C(.zst) and C(.gz), and
        otherwise V(5), 7-Zip's default.
      - With O(format=7z), levels from V(5) on take hundreds of megabytes of memory.
    type: str
    choices: [auto, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
    default: auto
  password:
    description:
      - Encrypts the archive with AES-256. 7-Zip gets it on its standard input.
      - With O(format=7z), it may hold any printable characters, and the names of the files are encrypted too. With
        O(format=zip), it may hold up to 99 ASCII characters, and the names are not encrypted.
    type: str
  manifest_key:
    description: Key that signs the manifest beside the archive (HMAC-SHA256). At least 16 characters.
    type: str
  timeout:
    description: Seconds that all runs of 7-Zip together may take. Without it, or with V(0), there is no limit.
    type: int
  remove_source:
    description: Remove O(source) once the archive has its name.
    type: bool
    default: false
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: In check mode O(source) may be absent, since the dump was not made either. A small directory is packed in
      its place, and removed.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - When O(dest) exists and holds what is in O(source), or O(source) no longer exists, nothing changes.
      - When O(dest) holds something else, or its encryption does not match the options, the module fails.
requirements:
  - 7-Zip (C(7zz), C(7z) or C(7za))
seealso:
  - module: vex.backup.mysql_dump
  - module: vex.backup.s3_upload
"""

EXAMPLES = r"""
- name: Pack a dump that MyDumper has compressed
  vex.backup.archive_7z:
    source: /var/lib/vex-backup/backup_20250720_161523
    dest: /var/lib/vex-backup/backup_20250720_161523.zip

- name: Pack it encrypted, names included, and remove the directory
  vex.backup.archive_7z:
    source: /var/lib/vex-backup/backup_20250720_161523
    dest: /var/lib/vex-backup/backup_20250720_161523.7z
    format: 7z
    password: "{{ vault_archive_password }}"
    remove_source: true
"""

RETURN = r"""
archive:
  description: Path of the archive.
  returned: success
  type: str
  sample: /var/lib/vex-backup/backup_20250720_161523.zip
name:
  description: Name of the archive, without its directory.
  returned: success, but not for an archive that check mode would make
  type: str
  sample: backup_20250720_161523.zip
size:
  description: Its size in bytes.
  returned: success, but not for an archive that check mode would make
  type: int
  sample: 455081984
sha256:
  description: Its SHA-256 in hexadecimal.
  returned: success, but not for an archive that check mode would make
  type: str
  sample: 94211bb018686b8c810543c6c57fda768e6a732d57ef5d3e5c9d06b7b9a620b1
format:
  description: Its format.
  returned: success, but not for an archive that check mode would make
  type: str
  sample: zip
encrypted:
  description: Whether it is encrypted.
  returned: success, but not for an archive that check mode would make
  type: bool
  sample: false
level:
  description: Level it was packed with; 0 means stored.
  returned: success, but not for an archive that check mode would make
  type: int
  sample: 0
manifest:
  description: Path of the manifest beside it, null without one.
  returned: success, but not for an archive that check mode would make
  type: str
  sample: /var/lib/vex-backup/backup_20250720_161523.zip.manifest.json
tool_version:
  description: Version of 7-Zip.
  returned: success, but not for an archive that check mode would make
  type: str
  sample: 7-Zip 26.02
status:
  description: 1 for success, 3 for an error.
  returned: always
  type: int
  sample: 1
pack_started:
  description: When packing started, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:23"
pack_finished:
  description: When packing ended, UTC.
  returned: always
  type: str
  sample: "2025-07-20 16:15:24"
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._archive.pack import PackRequest, pack
from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import ARCHIVE_FORMATS


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "dest": {"type": "path", "required": True},
            "format": {"type": "str", "choices": list(ARCHIVE_FORMATS), "default": "zip"},
            "level": {"type": "str", "choices": ["auto", *"0123456789"], "default": "auto"},
            "password": {"type": "str", "no_log": True},
            "manifest_key": {"type": "str", "no_log": True},
            "timeout": {"type": "int"},
            "remove_source": {"type": "bool", "default": False},
            **RUN_LOG,
        },
        supports_check_mode=True,
    )
    paths = {name: os.path.abspath(module.params[name]) for name in ("source", "dest")}
    packing = request(PackRequest, module.params, **paths, check_mode=module.check_mode)
    conclude(module, lambda log: pack(packing, log))


if __name__ == "__main__":
    main()
