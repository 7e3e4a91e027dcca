# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One bound for a stage of several programs."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import CommandTimeout


class Deadline:
    """Counts down from the moment it is made.

    :param seconds: the bound; 0 for none
    :param stage: what is bounded, for the error
    """

    def __init__(self, seconds: int, stage: str) -> None:
        self._seconds = seconds
        self._stage = stage
        self._end = time.monotonic() + seconds

    def remaining(self) -> t.Optional[float]:
        """Seconds left, ``None`` for no bound.

        :raises CommandTimeout: when none are left
        """
        if not self._seconds:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise CommandTimeout(f"{self._stage} took longer than its timeout of {self._seconds} seconds")
        return left
