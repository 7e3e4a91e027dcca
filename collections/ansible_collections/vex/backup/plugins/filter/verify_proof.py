# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that decides the result of one proof."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.plugin_utils.verify_outcome import Backup, Stages, prove

DOCUMENTATION = r"""
name: verify_proof
short_description: Decide the result of the proof of one backup
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Decides the status, the notes and the figures of a proof from the results of its stages.
  - For the role P(vex.backup.verify#role).
options:
  _input:
    description:
      - The results of the stages, as registered. Stages that did not run may be left out.
      - The keys are C(downloaded), from M(vex.backup.backup_download), C(loaded), from M(vex.backup.mysql_restore),
        C(compared), from M(vex.backup.backup_compare), C(written), from M(vex.backup.backup_proof), and C(failure),
        the name and the message of the task that failed, or empty.
    type: dict
    required: true
  backup:
    description: The backup, as M(vex.backup.backup_info) lists it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the time to restore a backup
  ansible.builtin.debug:
    msg: "{{ (stages | vex.backup.verify_proof(backup)).recovery_seconds }}"
  vars:
    stages:
      downloaded: "{{ download_result }}"
      loaded: "{{ restore_result }}"
      compared: "{{ compare_result }}"
      failure: ""
"""

RETURN = r"""
_value:
  description:
    - C(status) and C(notes) are options of M(vex.backup.restore_log_record). C(problem) is a sentence, empty after a
      good proof.
    - C(tables), C(rows), C(compared), from M(vex.backup.mysql_restore), and C(recovery_seconds), from the start of the
      download until all data was restored, are null after a failure.
  type: dict
"""


def _filter(stages: t.Mapping[str, t.Any], backup: Backup) -> t.Dict[str, t.Any]:
    try:
        return dict(vars(prove(backup, Stages(**stages))))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"vex.backup.verify_proof: {error!r}") from None


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"verify_proof": _filter}
