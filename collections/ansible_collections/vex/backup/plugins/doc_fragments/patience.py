# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option of modules that wait for a server that is away."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of modules that wait for a server that is away."""

    DOCUMENTATION = r"""
options:
  patience:
    description:
      - Seconds to try a request to the object store, the log database or the mail server again, with growing pauses,
        after a failure that may pass. V(0) tries once, as check mode does.
      - Failures that may pass are lost or refused connections, timeouts, and answers of a server that is overloaded or
        restarts. All others fail at once.
    type: int
    default: 600
"""
