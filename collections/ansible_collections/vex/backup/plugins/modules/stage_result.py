#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell what a step that runs in the background came to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stage_result
short_description: Tell what a step that runs in the background came to
version_added: "1.1.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Looks once at a task that was started with O(ignore:async), as M(ansible.builtin.async_status) does. But when the
    task's processes are gone and left no result, because the host was restarted or they were killed, it fails, where
    M(ansible.builtin.async_status) says that the task is not finished, for ever.
options:
  results_file:
    description: What the task returned under this name when it was started.
    type: path
    required: true
extends_documentation_fragment:
  - vex.backup.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: ansible.builtin.async_status
"""

EXAMPLES = r"""
- name: Dump the server
  vex.backup.mysql_dump:
    path: /var/lib/vex-backup/backup_20260101_030000
  async: 86400
  poll: 0
  register: dump

- name: Wait until the server is dumped
  vex.backup.stage_result:
    results_file: "{{ dump.results_file }}"
  register: dumped
  until: dumped.finished | default(false)
  delay: 5
  retries: 17280
"""

RETURN = r"""
finished:
  description: Whether it has ended. Then there is also all that it returned, and this fails when it did.
  returned: always
  type: bool
  sample: true
"""

import json
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._common.async_result import stage_result
from ansible_collections.vex.backup.plugins.module_utils._errors import StageLost


def main() -> t.NoReturn:
    """Spec, one call, exit."""
    module = AnsibleModule(
        argument_spec={"results_file": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    try:
        result = stage_result(module.params["results_file"])
    except (StageLost, OSError) as error:
        module.fail_json(msg=str(error), finished=True, failure=type(error).__name__)
    # As the other module wrote it: `exit_json` would dress it, warnings included, a second time.
    sys.stdout.write(f"{json.dumps(result)}\n")
    # Ansible takes one that only returns for one that forgot to answer.
    raise SystemExit


if __name__ == "__main__":
    main()
