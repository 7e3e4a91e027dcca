# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What check mode, diff mode and repetition mean; each module says how it keeps to it."""

from __future__ import annotations


class ModuleDocFragment:
    """What check mode, diff mode and repetition mean; each module says how it keeps to it."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what it would change, without changing it.
  diff_mode:
    description: Returns what changed, or would change, in diff mode.
  idempotent:
    description: Running it again with the same options and state reports no change.
"""
