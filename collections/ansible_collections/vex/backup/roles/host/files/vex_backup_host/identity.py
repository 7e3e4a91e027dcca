# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who runs: the user whom the configuration belongs to, which root becomes."""

from __future__ import annotations

import os
import pwd

from .places import Places
from .statuses import Misconfigured


def become_user(places: Places) -> None:
    """Be the user of the configuration from here on, so that nothing in the work directory comes to be root's.

    :raises Misconfigured: when the host is not deployed, or somebody else runs this
    """
    try:
        owner = pwd.getpwuid(os.stat(places.settings).st_uid)
    except (OSError, KeyError):
        raise Misconfigured(
            f"{places.settings} is not there: run playbooks/deploy.yml for this host from the control node"
        ) from None
    if os.geteuid() == 0 and owner.pw_uid != 0:
        os.initgroups(owner.pw_name, owner.pw_gid)
        os.setgid(owner.pw_gid)
        os.setuid(owner.pw_uid)
    elif os.geteuid() != owner.pw_uid:
        raise Misconfigured(f"only root and {owner.pw_name} may run this: sudo vex-backup")
    os.umask(0o077)
    # Where root was may be closed to the user.
    os.chdir(places.home)
    if not os.access(places.configuration, os.R_OK):
        present = ", ".join(sorted(_servers(places.settings))) or "none"
        raise Misconfigured(
            f"{places.configuration} is not there or cannot be read; servers that are configured: {present}. "
            "Name one with --instance, or run playbooks/deploy.yml from the control node"
        )


def _servers(settings: str) -> list[str]:
    return [name[: -len(".yml")] for name in os.listdir(settings) if name.endswith(".yml")]
