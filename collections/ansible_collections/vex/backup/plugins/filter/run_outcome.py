# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that decides the outcome of a backup run."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import decided, undecided
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Plan, Stages

DOCUMENTATION = r"""
name: run_outcome
short_description: Decide the outcome of a backup run
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Decides both statuses, the notes, the sizes and the times of a run from the results of its stages so far.
  - The role P(vex.backup.backup#role) sets the result as C(vex_backup_result) after each stage.
  - The filter never fails, so that the record of a run is always closed. Stages or a plan of another shape make an
    outcome with status 3 and a problem that names the reason.
options:
  _input:
    description:
      - The results of the run's stages, as registered. A stage that did not run is an empty dictionary.
      - The keys are C(opened), C(before_run), C(dump), C(after_dump), C(pack), C(uploads), C(closed), C(earlier),
        C(prune), C(prunes), C(after_run), C(mail), C(channels), C(ping), and C(failure), with C(task) and C(message) of
        the task that ended the run early, or empty.
      - For a stage that runs in the background, a list of the results of its task and of the task that waited for it.
        C(uploads), C(earlier) and C(prunes) are such lists of loops over the names of the destinations.
    type: dict
    required: true
  plan:
    description:
      - The plan of the run.
      - The keys are C(hostname), C(name), C(archive_name), C(dump_path), C(is_packed), C(is_uploaded),
        C(archive_format), and C(stores), as P(vex.backup.destinations#filter) returns them.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Decide the outcome so far
  ansible.builtin.set_fact:
    vex_backup_result: "{{ vex_backup_stages | vex.backup.run_outcome(vex_backup_plan) }}"
"""

RETURN = r"""
_value:
  description:
    - The outcome. C(status) is the status of the backup, C(upload_status) of all uploads or null, C(verdict) of the
      whole run.
    - C(destinations) tells the state of each.
    - C(notes) holds levelled lines. C(problems) holds sentences, and is empty after a good run.
    - C(backup) and C(uploads) are options of M(vex.backup.backup_log_record).
    - C(summary) is the part for the summary of all hosts.
  type: dict
"""


def _filter(stages: t.Mapping[str, t.Any], plan: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    try:
        return decided(Plan.from_role(plan), Stages.from_registered(stages))
    except Exception as error:  # noqa: BLE001 - a failure here would keep the run's record open, whatever its kind
        return undecided(plan, stages, error)


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"run_outcome": _filter}
