# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The request for a restore: the options of the module ``mysql_restore``."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login


@dataclasses.dataclass(frozen=True)
class RestoreRequest:
    """The options of ``mysql_restore``, by name.

    ``target`` is the option ``as``, which is a keyword of Python. ``timeout`` is in seconds, 0 for no limit.
    """

    login: Login
    path: str
    discard: bool
    manifest: t.Optional[str]
    database: t.Optional[str]
    target: t.Optional[str]
    table: t.Optional[str]
    accounts: bool
    overwrite: bool
    threads: int
    binlog: bool
    make_definers: bool
    timeout: int
    check_mode: bool
