#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Return the result of a task that runs in the background."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stage_result
short_description: Return the result of a task that runs in the background
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Checks once whether a task that was started with O(ignore:async) has ended, as M(ansible.builtin.async_status) does.
  - When the processes of the task ended without a result, because they were killed or the host was restarted, this
    module fails. M(ansible.builtin.async_status) would report such a task as not finished, without end.
options:
  results_file:
    description: The value that the task returned under this name when it was started.
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
    dump_log: /var/lib/vex-backup/mydumper_log.log
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
  description:
    - Whether the task has ended. Then the result has everything that the task returned, and this module fails when the
      task did.
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
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"results_file": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    try:
        result = stage_result(module.params["results_file"])
    except (StageLost, OSError) as error:
        module.fail_json(msg=str(error), finished=True, failure=type(error).__name__)
    # Printed as the other module wrote it: exit_json would add the warnings and the invocation a second time.
    sys.stdout.write(f"{json.dumps(result)}\n")
    # Ansible treats a module whose main() returns as one without a result.
    raise SystemExit


if __name__ == "__main__":
    main()
