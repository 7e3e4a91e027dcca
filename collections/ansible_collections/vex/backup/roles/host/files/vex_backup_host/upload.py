# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup upload``: upload the archives that earlier runs could not upload."""

from __future__ import annotations

import sys
import typing as t

from .answer import ask
from .places import Places
from .run import only_run
from .statuses import DONE, FAILED


def upload(places: Places) -> int:
    """Upload what is left, the oldest first, and print each archive's address.

    :returns: the command's exit status
    :raises InProgress: when a run is in progress; it uploads them at its end
    """
    with only_run(places):
        results = ask(places, "upload").found
    lines: t.List[str] = []
    messages: t.List[str] = []
    for found in results:
        where = f" to {found['vex_backup_to']}" if len(results) > 1 else ""
        uploaded = found.get("uploaded", [])
        lines += [f"uploaded     {one['name']}  {one['url']}" for one in uploaded]
        lines += [f"left         {name}  for the next call{where}" for name in found.get("left", [])]
        message = found.get("message") or (found.get("msg") if found.get("failed") else None)
        messages += [f"{message}{where}"] if message else []
    if not lines and not messages:
        lines = ["There is nothing to upload."]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stderr.write("".join(f"vex-backup: {message}\n" for message in messages))
    return FAILED if messages else DONE
