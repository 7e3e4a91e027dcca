# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attributes of modules: check mode, diff mode and idempotency."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules: check mode, diff mode and idempotency."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Whether the module can run in C(check_mode) and return what it would change, without changing it.
  diff_mode:
    description: Whether the module returns in diff mode what changed, or would change.
  idempotent:
    description: Whether a second run with the same options and the same state reports no change.
"""
