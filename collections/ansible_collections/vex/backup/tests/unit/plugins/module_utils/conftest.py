# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of Hypothesis: no deadline, since a busy machine would exceed it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("vex", deadline=None)
settings.load_profile("vex")
