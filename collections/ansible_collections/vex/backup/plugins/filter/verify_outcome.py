# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter that decides the outcome of a run that proves backups."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.vex.backup.plugins.plugin_utils.verify_outcome import decide

DOCUMENTATION = r"""
name: verify_outcome
short_description: Decide the outcome of a run that proves backups
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Collects the backups that a run of the role P(vex.backup.verify#role) proved, left to the next run, and failed to
    prove.
options:
  _input:
    description:
      - The results of P(vex.backup.verify_proof#filter).
      - C(unrecorded) of each is empty, or the reason why the log database has no record of the proof.
    type: list
    elements: dict
    required: true
  missing:
    description: Names of wanted servers without a whole backup, from P(vex.backup.verify_choice#filter).
    type: list
    elements: str
    required: true
  failure:
    description: Name and message of a task that failed outside a proof; empty for none.
    type: str
    required: true
  mail:
    description: The result of M(vex.backup.backup_mail), an empty dictionary before the mail.
    type: dict
    required: true
  channels:
    description: The result of M(vex.backup.backup_notify), an empty dictionary before it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what failed
  ansible.builtin.debug:
    msg: "{{ (proofs | vex.backup.verify_outcome([], '', {}, {})).problems }}"
"""

RETURN = r"""
_value:
  description:
    - C(proven) and C(skipped) are keys of archives. C(problems) are sentences, none after a good run.
    - C(failures) is the number of backups that could not be proven, at least 1 if there is a problem.
  type: dict
"""


def _filter(
    proofs: t.Sequence[t.Mapping[str, t.Any]],
    missing: t.Sequence[str],
    failure: str,
    mail: t.Mapping[str, t.Any],
    channels: t.Mapping[str, t.Any],
) -> t.Dict[str, t.Any]:
    try:
        return dict(vars(decide(proofs, missing, failure, mail, channels)))
    except (AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"vex.backup.verify_outcome: {error!r}") from None


class FilterModule:
    """The filter plugin that Ansible loads."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"verify_outcome": _filter}
