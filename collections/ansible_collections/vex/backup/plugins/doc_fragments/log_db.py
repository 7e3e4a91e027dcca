# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the login to the log database."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the login to the log database."""

    DOCUMENTATION = r"""
options:
  login_database:
    description: Name of the log database.
    type: str
    default: vex_backup
  connect_timeout:
    description: Seconds to wait for the log database to answer.
    type: int
    default: 10
"""
