#!/usr/bin/python
# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ping a dead-man switch."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_ping
short_description: Ping a dead-man switch
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - Tells a service such as Healthchecks that a run starts, or how it has ended. The service raises the alarm when a
    ping is missing.
  - While the service cannot be reached or cannot take the ping now, it is tried again for O(patience) seconds. A ping
    that fails is not kept for the next run, which pings for itself. The module succeeds with a warning then.
  - Nothing that the module returns or logs holds the URL.
extends_documentation_fragment:
  - vex.backup.attributes
  - vex.backup.run_log
  - vex.backup.patience
attributes:
  check_mode:
    support: full
    details: Nothing is sent. The module checks the URL.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call sends a ping.
options:
  url:
    description: Address of the check, over http or https. Its path is extended by C(/start) and C(/fail).
    type: str
    required: true
  state:
    description: What the ping tells.
    type: str
    choices: [start, success, failure]
    required: true
  run_uuid:
    description: The run, sent as C(rid), so that the service can measure its time.
    type: str
  log_file:
    description: Log whose end, at most 10,000 bytes, is sent with the ping. Without it, no log is sent.
    type: path
  timeout:
    description: Seconds that the exchange may take.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Tell that the backup is made
  vex.backup.backup_ping:
    url: "{{ vault_ping_url }}"
    state: success
    run_uuid: 0f8fad5b-d9cb-469f-a165-70867728950e
"""

RETURN = r"""
delivered:
  description: Whether the service accepted the ping.
  returned: success
  type: bool
error:
  description: Reason why it did not.
  returned: when it did not
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.vex.backup.plugins.module_utils._arguments import (
    PATIENCE,
    RUN_LOG,
    conclude,
    patience_of,
    request,
)
from ansible_collections.vex.backup.plugins.module_utils._notify.ping import PingRequest, ping


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RUN_LOG,
            **PATIENCE,
            "url": {"type": "str", "required": True, "no_log": True},
            "state": {"type": "str", "choices": ["start", "success", "failure"], "required": True},
            "run_uuid": {"type": "str"},
            "log_file": {"type": "path"},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    conclude(
        module,
        lambda log: ping(request(PingRequest, module.params, patience=patience_of(module)), log, module.check_mode),
    )


if __name__ == "__main__":
    main()
