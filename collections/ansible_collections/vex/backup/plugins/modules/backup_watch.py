#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Close runs that cannot be alive, and note which servers are overdue."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_watch
short_description: Close runs that have not ended, and note which servers are overdue
version_added: "1.1.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Closes, as errors, the records of runs that began more than O(longest_run) hours ago and have not ended. A host
    that is still there closes its own dead runs sooner, when its next one opens.
  - Notes in C(servidor) which servers are overdue, and returns those that were not noted before, to be told once.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  longest_run:
    description: Hours after which a run that has not ended is taken for dead.
    type: int
    default: 48
  overdue:
    description: Names of the servers that are overdue now. Others that were noted are noted as recovered.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Ask which servers are overdue
  ansible.builtin.command: vex-webstatus overdue
  register: vex_backup_overdue
  changed_when: false

- name: Note it
  vex.backup.backup_watch:
    login_host: log.example.com
    login_user: vex_backup_writer
    login_password: "{{ vault_vex_backup_log_db_password }}"
    overdue: "{{ vex_backup_overdue.stdout | from_json | map(attribute='hostname') }}"
  register: vex_backup_watched
"""

RETURN = r"""
closed:
  description: The runs whose records were closed.
  returned: success
  type: list
  elements: dict
  contains:
    hostname:
      description: The server.
      type: str
    run_uuid:
      description: Identity of the run.
      type: str
    message:
      description: What was written to the record.
      type: str
overdue:
  description: The servers that are overdue and were not noted before.
  returned: success
  type: list
  elements: str
recovered:
  description: The servers that were noted and are not overdue any more.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import LOG_DB, conclude
from ansible_collections.vex.backup.plugins.module_utils._log_db.overdue import watch
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE


def main() -> None:
    """Spec, call, exit."""
    module = AnsibleModule(
        argument_spec={
            **LOG_DB,
            "longest_run": {"type": "int", "default": 48},
            "overdue": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: watch(module.params, module.check_mode),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
