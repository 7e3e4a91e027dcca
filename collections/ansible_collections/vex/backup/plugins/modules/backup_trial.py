#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Try in a bucket what backups do there."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: backup_trial
short_description: Try in a bucket what backups do there
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Lists a host's part of a bucket, writes a small object in the way of M(vex.backup.s3_upload), compares it, reads it
    and removes it, and begins and aborts a multipart upload. Fails with all refusals together, by the names of the
    rights.
  - Nothing is left behind, except where the bucket refuses the removal. The object always has the same key, and is not
    written again while it is there.
options:
  prefix:
    description: Prefix of all keys, the value of C(vex_backup_s3_prefix).
    type: str
    default: ""
  hostname:
    description: Host whose part of the bucket to try.
    type: str
    required: true
  retention:
    description: Require the rights that only retention needs. They are C(s3:ListBucket), C(s3:GetObject),
      C(s3:DeleteObject) and C(s3:ListBucketMultipartUploads).
    type: bool
    default: false
  timeout:
    description: Seconds that all requests together may take. Without it, or with V(0), there is no limit.
    type: int
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.destination
attributes:
  check_mode:
    support: none
    details: The module is skipped, unless its task has C(check_mode=false).
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: vex.backup.s3_upload
"""

EXAMPLES = r"""
- name: Try the bucket
  vex.backup.backup_trial:
    destination:
      bucket: example-backups
    prefix: mysql
    hostname: db1
    retention: true
"""

RETURN = r"""
bucket:
  description: The bucket.
  returned: when the server was asked
  type: str
  sample: example-backups
key:
  description: Key of the object that was written and removed.
  returned: when the server was asked
  type: str
  sample: mysql/db1/vex-backup-check
needs:
  description: What was tried, by name, with the message of its failure, empty for what succeeded. The names are
    V(list), V(write), V(read), V(remove) and V(parts). What an earlier failure kept from being tried is absent.
  returned: when the server was asked
  type: dict
  sample: {list: "", write: "", read: "", remove: "", parts: ""}
notes:
  description: Sentences on what did not fail, by the same names, such as an object that the bucket locks.
  returned: when the server was asked
  type: dict
  sample: {remove: "s3://example-backups/mysql/db1/vex-backup-check remains: locked by the bucket: a legal hold"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import DESTINATION, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.trial import TrialRequest, try_bucket


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **DESTINATION,
            "prefix": {"type": "str", "default": ""},
            "hostname": {"type": "str", "required": True},
            "retention": {"type": "bool", "default": False},
            "timeout": {"type": "int"},
        },
    )
    conclude(
        module,
        lambda _log: try_bucket(
            request(TrialRequest, module.params, destination=Destination.from_options(module.params["destination"]))
        ),
    )


if __name__ == "__main__":
    main()
