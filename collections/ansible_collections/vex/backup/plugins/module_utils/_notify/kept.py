# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and limits of the entries of the spools of mails and of channels."""

from __future__ import annotations

import datetime
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool

MAX_KEPT_DAYS = 7
NAME_FORMAT = "%Y%m%d%H%M%S"


def new_name() -> str:
    """Return the name of a new entry. Names sort by their time."""
    return f"{utc_now().strftime(NAME_FORMAT)}-{uuid.uuid4().hex}"


def drop_old(spool: Spool, what: str, limit: int) -> t.List[str]:
    """Drop the entries that are too old or more than *limit*, oldest first; return a sentence when any was dropped.

    :param what: the entries, such as ``mails``
    """
    oldest = (utc_now() - datetime.timedelta(days=MAX_KEPT_DAYS)).strftime(NAME_FORMAT)
    names = spool.names()
    dropped = [name for number, name in enumerate(names) if name < oldest or number < len(names) - limit]
    for name in dropped:
        spool.remove(name)
    if not dropped:
        return []
    return [f"{len(dropped)} undelivered {what} were dropped from {spool}: it keeps {limit}, for {MAX_KEPT_DAYS} days"]
