# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Thirty nights of a server whose tables grow, shrink and vanish, and the alarms expected."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import Size, Sizes

SILENCED = ["shop.staging_*", "shop.excluded"]
NIGHTS = range(1, 31)
# The dump of this night failed, and is no backup.
FAILED = 10


def night(number: int) -> Sizes:
    """Return the sizes of one night."""
    shop: t.Dict[str, t.Optional[int]] = {
        "growing": 1000 + 200 * number,
        "doubling": min(100 * 2**number, 10_000),
        "shrinking": int(10_000 * 0.97**number),
        "melting": int(20_000 * 0.9**number),
        "steady": 20_000,
        # Deleted and filled again, every night by another part.
        "waving": 10_000 - 500 * (number % 5),
        "small": 90 if number % 2 else 0,
        "truncated": 50_000 if number < 20 else 0,
        "emptied_once": 4000 if number != 25 else 0,
        "staging_orders": 80_000 if number % 3 else 0,
        "log": None,
    }
    shop.update({"vanishing": 700} if number < 15 else {})
    shop.update({"returning": 300} if number != 13 else {})
    shop.update({"old_name": 3000} if number < 22 else {"new_name": 3000})
    shop.update({"new": 5000} if number >= 8 else {})
    shop.update({"excluded": 6000} if number < 17 else {})
    # Tables of a few nights, such as copies before a change.
    shop.update({f"copy_{number // 3}": 9000})
    sizes = {"shop": {name: Size(rows, (rows or 0) * 10) for name, rows in shop.items()}}
    # The columns of a table get twenty times as wide for one night.
    sizes["shop"]["steady"] = Size(20_000, 4_000_000 if number == 28 else 200_000)
    if number < 18:
        sizes["crm"] = {"people": Size(40, 400), "notes": Size(10, 100)}
    if number >= 12:
        sizes["blog"] = {"posts": Size(1000 if number < 24 else 1, 10)}
    return sizes


# By alarm: the nights with an alarm of it.
EXPECTED = {
    # 10 % less each night: more than 30 % below the median of six nights and more, until it has few rows.
    "lost shop.melting": range(7, 31),
    # The median forgets them after six nights.
    "gone shop.vanishing": range(15, 21),
    "gone crm": range(18, 24),
    "lost shop.truncated": range(20, 26),
    "gone shop.old_name": range(22, 28),
    "lost blog.posts": range(24, 30),
    # One night, and no alarm when they are back.
    "gone shop.returning": [13],
    "lost shop.emptied_once": [25],
    "dump": [28],
}


def described(sentence: str) -> str:
    """Return the kind of an alarm, and its table or database."""
    found = re.match(r"(?:table|database) (\S+) (has lost|is no longer)|the (dump)", sentence)
    assert found, sentence
    return "dump" if found[3] else f"{'lost' if found[2] == 'has lost' else 'gone'} {found[1]}"


def expected() -> t.Dict[str, t.List[int]]:
    """Return the nights of each alarm."""
    return {name: [number for number in nights if number != FAILED] for name, nights in EXPECTED.items()}
