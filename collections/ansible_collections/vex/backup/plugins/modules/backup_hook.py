#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the commands of users around a backup."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_hook
short_description: Run the commands of users around a backup
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Runs the hooks of one phase of a backup, one after the other.
  - A hook gets the facts of the run in its environment, and nothing of the environment of this module. Its input is
    empty and its working directory is C(/).
  - A hook that fails stops the others and fails this module, or is a warning, as its O(hooks.before_run[].on_failure)
    says.
  - At its time limit, and when this module is ended by a signal, a hook and the processes that it has started are ended
    by SIGTERM, and after 15 seconds by SIGKILL.
options:
  phase:
    description: The phase whose hooks run.
    type: str
    choices: [before_run, after_dump, after_success, after_failure]
    required: true
  hooks:
    description: The hooks of all phases. Each is checked before the first one of O(phase) runs.
    type: dict
    required: true
    suboptions:
      before_run:
        description: Hooks before the dump.
        type: list
        elements: dict
        suboptions: &hook
          command:
            description:
              - A list is a program and its arguments. The program is an absolute path, or a name that is found in the
                system's own directories of programs.
              - A text is a command of C(/bin/sh).
              - It must hold no secret, since every user of the host can read the arguments of programs.
            type: raw
            required: true
          timeout:
            description: Seconds that the hook may take.
            type: int
            default: 300
          on_failure:
            description: V(stop) fails this module when the hook fails. V(warn) returns a warning.
            type: str
            choices: [stop, warn]
            default: warn
      after_dump:
        description: Hooks between the dump and its packing.
        type: list
        elements: dict
        suboptions: *hook
      after_success:
        description: Hooks at the end of a run without problems.
        type: list
        elements: dict
        suboptions: *hook
      after_failure:
        description: Hooks at the end of a run with problems.
        type: list
        elements: dict
        suboptions: *hook
  facts:
    description: The facts of the run, each empty when it is not known. A path that does not exist becomes empty too.
    type: dict
    default: {}
    suboptions:
      hostname:
        description: Name of the server, C(VEX_BACKUP_HOSTNAME).
        type: str
        default: ""
      run_uuid:
        description: The run's UUID, C(VEX_BACKUP_RUN_UUID).
        type: str
        default: ""
      name:
        description: Name of the run, C(VEX_BACKUP_NAME).
        type: str
        default: ""
      started:
        description: Start of the run, UTC, C(VEX_BACKUP_STARTED).
        type: str
        default: ""
      status:
        description: Status of the backup, C(VEX_BACKUP_STATUS).
        type: str
        default: ""
      upload_status:
        description: Status of the upload, C(VEX_BACKUP_UPLOAD_STATUS).
        type: str
        default: ""
      databases:
        description: Names of the dumped databases, one a line, C(VEX_BACKUP_DATABASES).
        type: str
        default: ""
      dump_dir:
        description: Directory of the dump, C(VEX_BACKUP_DUMP_DIR).
        type: str
        default: ""
      dump_bytes:
        description: Size of the dumped data, C(VEX_BACKUP_DUMP_BYTES).
        type: str
        default: ""
      archive:
        description: Path of the archive, C(VEX_BACKUP_ARCHIVE).
        type: str
        default: ""
      archive_bytes:
        description: Size of the archive, C(VEX_BACKUP_BYTES).
        type: str
        default: ""
      bucket:
        description: Bucket of the uploaded archive, C(VEX_BACKUP_BUCKET).
        type: str
        default: ""
      key:
        description: Key of the uploaded archive, C(VEX_BACKUP_KEY).
        type: str
        default: ""
      run_log:
        description: Path of the run's log, C(VEX_BACKUP_LOG).
        type: str
        default: ""
      problems:
        description: The problems of the run, one a line, C(VEX_BACKUP_PROBLEMS).
        type: str
        default: ""
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
attributes:
  check_mode:
    support: full
    details: No hook runs. The module looks for the programs of the hooks of all phases, and fails when one is missing
      or not executable.
  diff_mode:
    support: none
  idempotent:
    support: none
seealso:
  - module: vex.backup.mysql_dump
"""

EXAMPLES = r"""
- name: Tell the storage before the dump
  vex.backup.backup_hook:
    phase: before_run
    hooks:
      before_run:
        - command: [/usr/local/sbin/mount-backups, --read-write]
          timeout: 60
          on_failure: stop
    facts:
      hostname: db1
"""

RETURN = r"""
ran:
  description: The names of the hooks that ran.
  returned: success
  type: list
  elements: str
  sample: [before_run 1 (/usr/local/sbin/mount-backups)]
hook_warnings:
  description: A sentence for each hook that failed and is only a warning.
  returned: always, but not when the hooks are not usable
  type: list
  elements: str
  sample: []
needs:
  description: The failure of each hook by its name, empty for one whose program is there.
  returned: in check mode
  type: dict
  sample: {"before_run 1 (/usr/local/sbin/mount-backups)": ""}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import RUN_LOG, conclude, request
from ansible_collections.vex.backup.plugins.module_utils._hooks.environment import VARIABLES, Facts
from ansible_collections.vex.backup.plugins.module_utils._hooks.hook import PHASES, STOP, WARN
from ansible_collections.vex.backup.plugins.module_utils._hooks.run_hooks import HookRequest, run_hooks


def main() -> None:
    """Run the module."""
    hook: t.Dict[str, t.Any] = {
        "command": {"type": "raw", "required": True},
        "timeout": {"type": "int", "default": 300},
        "on_failure": {"type": "str", "choices": [STOP, WARN], "default": WARN},
    }
    phases = {phase: {"type": "list", "elements": "dict", "options": hook} for phase in PHASES}
    facts = {fact: {"type": "str", "default": "", "no_log": False} for fact in VARIABLES.values()}
    module = AnsibleModule(
        argument_spec={
            "phase": {"type": "str", "choices": list(PHASES), "required": True},
            "hooks": {"type": "dict", "required": True, "options": phases},
            "facts": {"type": "dict", "default": {}, "options": facts, "apply_defaults": True},
            **RUN_LOG,
        },
        supports_check_mode=True,
    )
    hooks = request(HookRequest, module.params, facts=Facts(**module.params["facts"]), check_mode=module.check_mode)
    conclude(module, lambda log: run_hooks(hooks, log))


if __name__ == "__main__":
    main()
