# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of Hypothesis: no limits that a busy machine exceeds, and failures that can be repeated."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("vex", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("vex")
