#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Close runs that have not ended in time, and note which servers are overdue."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_watch
short_description: Close runs that have not ended in time, and note which servers are overdue
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Closes, as errors, the records of runs that began more than O(longest_run) hours ago and have not ended. A host that
    still runs backups closes its own abandoned runs sooner, when its next run opens.
  - Notes in C(servidor) which servers are overdue, and returns the newly overdue ones, so that they are reported once.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.login
  - vex.backup.log_db
  - vex.backup.patience
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  longest_run:
    description: Hours after which a run that has not ended is closed.
    type: int
    default: 48
  overdue:
    description: Names of the servers that are overdue now. All others are noted as not overdue.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Get the overdue servers
  ansible.builtin.command: vex-webstatus overdue
  register: vex_backup_overdue
  changed_when: false

- name: Note the overdue servers
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
      description: The sentence that was written to the record.
      type: str
overdue:
  description: The servers that are newly overdue.
  returned: success
  type: list
  elements: str
recovered:
  description: The servers that are no longer overdue.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    LOG_DB,
    PATIENCE,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._log_db.watch import WatchRequest, watch
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import PYMYSQL_FAILURE


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOG_DB,
            **PATIENCE,
            "longest_run": {"type": "int", "default": 48},
            "overdue": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda _log: watch(
            request(
                WatchRequest,
                module.params,
                log_database=LogDatabase.from_options(module.params),
                patience=patience_of(module),
            ),
            module.check_mode,
        ),
        libraries=[("PyMySQL", PYMYSQL_FAILURE)],
    )


if __name__ == "__main__":
    main()
