# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The attributes of modules: check mode, diff mode and idempotency."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes of modules: check mode, diff mode and idempotency."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Whether the module can run in C(check_mode) and return its changes without making them.
  diff_mode:
    description: Whether the module returns its changes in diff mode.
  idempotent:
    description: Whether a second run with the same options and the same state reports no change.
"""
