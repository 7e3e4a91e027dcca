# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that lists the findings of a check of a host."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.plugin_utils.check_findings import Checks, findings_of
from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Stages
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import ended_by_item

DOCUMENTATION = r"""
name: check_findings
short_description: List the findings of a check of a host
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Returns one finding for each thing that a backup run needs, from the steps of a run in check mode.
options:
  _input:
    description: The results of the steps, as P(vex.backup.run_outcome#filter) takes them.
    type: dict
    required: true
  variables:
    description: The result of M(ansible.builtin.validate_argument_spec).
    type: dict
    required: true
  buckets:
    description: The result of M(vex.backup.backup_trial), a loop over the names of the destinations.
    type: dict
    required: true
  wrong_settings:
    description: A sentence on unknown variables, or on missing ones that a run needs; empty without any.
    type: str
    required: true
  is_uploaded:
    description: Whether the configuration asks for an upload.
    type: bool
    required: true
  is_mailed:
    description: Whether the configuration asks for a mail.
    type: bool
    required: true
  is_told:
    description: Whether the configuration asks for messages to channels.
    type: bool
    required: true
  is_pinged:
    description: Whether the configuration asks for pings.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Set what was found
  ansible.builtin.set_fact:
    vex_backup_findings: >-
      {{ vex_backup_stages | vex.backup.check_findings(variables=vex_backup_variables, buckets=vex_backup_bucket,
                                                       wrong_settings='', is_uploaded=true, is_mailed=true,
                                                       is_told=true, is_pinged=true) }}
"""

RETURN = r"""
_value:
  description:
    - The findings, each with C(name), C(ok) and C(detail). C(ok) is null for a need that was not checked.
  type: list
  elements: dict
"""


def _filter(stages: t.Mapping[str, t.Any], **checks: t.Any) -> t.List[t.Dict[str, t.Any]]:
    try:
        buckets = ended_by_item([checks.pop("buckets"), {}])
        typed = Checks(stages=Stages.from_registered(stages), buckets=buckets, **checks)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"vex.backup.check_findings: {error}") from None
    return [dataclasses.asdict(finding) for finding in findings_of(typed)]


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"check_findings": _filter}
