# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The version of the layout of dumps and their manifests. A release restores the dumps of its own layout only."""

from __future__ import annotations

FORMAT = 2
