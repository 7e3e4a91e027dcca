# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option of the run log, to which modules append their steps."""

from __future__ import annotations


class ModuleDocFragment:
    """The option of the run log, to which modules append their steps."""

    DOCUMENTATION = r"""
options:
  run_log:
    description:
      - File to append one line per step to, C(backup_script.log). Created with mode 0600 when absent.
      - Not written in check mode.
    type: path
"""
