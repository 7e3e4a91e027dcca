# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The user who runs the command: the owner of the configuration. Root becomes that user."""

from __future__ import annotations

import os
import pwd

from .places import Places
from .statuses import Misconfigured


def become_user(places: Places) -> None:
    """Become the owner of the configuration, so that root never owns files in the work directory.

    :raises Misconfigured: when the host is not deployed, or another user runs this
    """
    try:
        owner = pwd.getpwuid(os.stat(places.settings).st_uid)
    except (OSError, KeyError):
        raise Misconfigured(
            f"{places.settings} does not exist: run playbooks/deploy.yml for this host from the control node"
        ) from None
    if os.geteuid() == 0 and owner.pw_uid != 0:
        os.initgroups(owner.pw_name, owner.pw_gid)
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
    elif os.geteuid() != owner.pw_uid:
        raise Misconfigured(f"only root and {owner.pw_name} may run this: sudo vex-backup")
    os.umask(0o077)
    # The user may not be allowed to enter root's working directory.
    os.chdir(places.home)
    if not os.access(places.configuration, os.R_OK):
        present = ", ".join(sorted(_servers(places.settings))) or "none"
        raise Misconfigured(
            f"{places.configuration} does not exist or cannot be read. Configured servers: {present}. "
            "Choose one with --instance, or run playbooks/deploy.yml from the control node"
        )


def _servers(settings: str) -> list[str]:
    return [name[: -len(".yml")] for name in os.listdir(settings) if name.endswith(".yml")]
