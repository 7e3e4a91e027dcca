# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which runs a host still holds, and which of them it need not hold any longer."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import LOGS, RunLog

# `{run}.partial` is missing: the dump that failed in it is mysql_dump's, which holds its lock.
_ENTRY = re.compile(
    r"(?P<run>backup_\d{8}_\d{6})"
    r"(?P<rest>|\.logs|\.uploaded|\.removing|\.(?:zip|7z)(?:\.manifest\.json)?(?:\.partial)?)"
)
UPLOADED = ".uploaded"


def doomed_entries(names: t.Iterable[str], run: str, keep_local: int, keep_failed: int) -> t.List[str]:
    """Those of the *names* in a work directory that may go now that *run* is safe elsewhere.

    Of the runs that are safe elsewhere (a file ``{run}.uploaded`` says so), the newest *keep_local* stay with all that
    is theirs; of the others, which failed or are still at work, the newest *keep_failed*. The logs of *run* stay, its
    mail wants them. Runs with a later name are somebody else's.

    :returns: in a safe order: a manifest before its archive, which without it is no backup
    """
    found = [match for match in map(_ENTRY.fullmatch, names) if match and match["run"] <= run]
    safe = {match["run"] for match in found if match["rest"] == UPLOADED} | {run}
    others = {match["run"] for match in found} - safe
    kept = {*sorted(safe, reverse=True)[:keep_local], *sorted(others, reverse=True)[:keep_failed]}
    doomed = [match for match in found if match["run"] not in kept and (match["run"], match["rest"]) != (run, LOGS)]
    return [match[0] for match in sorted(doomed, key=lambda match: (match["run"], -len(match["rest"])))]


def prune(
    folder: str, run: str, keep_local: int, keep_failed: int, log: RunLog, *, check_mode: bool
) -> t.Dict[str, t.Any]:
    """Note that *run* is safe elsewhere, and remove what may go.

    :param folder: the work directory
    :returns: the module's result
    """
    names = os.listdir(folder)
    doomed = doomed_entries(names, run, keep_local, keep_failed)
    noted = f"{run}{UPLOADED}" in names or keep_local == 0
    if not noted and not check_mode:
        os.close(os.open(os.path.join(folder, f"{run}{UPLOADED}"), os.O_WRONLY | os.O_CREAT, 0o600))
    for name in [] if check_mode else doomed:
        log.info(f"removing {os.path.join(folder, name)}: {keep_local} uploaded and {keep_failed} other runs stay")
        _remove(os.path.join(folder, name))
    return {"changed": bool(doomed) or not noted, "removed": doomed}


def _remove(path: str) -> None:
    # Another run may be pruning too.
    with contextlib.suppress(FileNotFoundError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
