# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statuses of a run, a dump, a restore and a proof, as the log tables store them."""

from __future__ import annotations

RUNNING = 0
SUCCESS = 1
WARNING = 2
ERROR = 3
