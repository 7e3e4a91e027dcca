# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Quoted identifiers in SQL."""

from __future__ import annotations


def quote_identifier(name: str) -> str:
    """Return *name* in backticks, as MySQL and MariaDB accept it under every SQL mode."""
    return "`" + name.replace("`", "``") + "`"
