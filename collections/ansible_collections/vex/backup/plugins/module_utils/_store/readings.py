# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reading of an object again when its bytes are wrong: they may have been damaged on the way."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import TransferDamaged

MOST_READINGS = 3


def settle(read: t.Callable[[], t.Tuple[str, str]], url: str, tell: t.Callable[[str], None]) -> str:
    """Return the SHA-256 of the first reading that is right, or of the second of two that gave the same bytes.

    Only in the latter case is the object itself damaged.

    :param read: reads the object; returns the SHA-256 that it found and the right one
    :param tell: gets a sentence before a repetition
    :raises TransferDamaged: when each reading gave other bytes
    """
    last = None
    for left in reversed(range(MOST_READINGS)):
        found, right = read()
        if found in (right, last):
            return found
        if left:
            tell(f"{url} was read with SHA-256 {found} instead of {right}: reading it again")
        last = found
    raise TransferDamaged(
        f"{url} was read {MOST_READINGS} times and had other bytes each time: check the network, proxies and memory "
        "between the store and this host"
    )
