# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which runs a host still holds, and which of them it need not hold any longer."""

from __future__ import annotations

import os
import re
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._run_log import RunLog

_ENTRY = re.compile(r"(?P<run>backup_\d{8}_\d{6})(?P<rest>|\.logs|\.(?:zip|7z)(?:\.manifest\.json)?)")
_ARCHIVE = re.compile(r"\.(?:zip|7z)")
LOGS = ".logs"


def doomed_entries(names: t.Iterable[str], run: str, keep: int) -> t.List[str]:
    """Those of the *names* in a work directory that may go now that *run* is safe elsewhere.

    The newest *keep* archives stay, with their manifests and logs, and so do the logs of *run*. What is not of a
    finished run (``.partial``) is left alone, and so are runs with a later name: somebody else's, perhaps at work.

    :returns: in a safe order: a manifest before its archive, which without it is no backup
    """
    found = [match for match in map(_ENTRY.fullmatch, names) if match and match["run"] <= run]
    archived = sorted({match["run"] for match in found if _ARCHIVE.fullmatch(match["rest"])}, reverse=True)
    kept = set(archived[:keep])
    doomed = [match for match in found if match["run"] not in kept and (match["run"], match["rest"]) != (run, LOGS)]
    return [match[0] for match in sorted(doomed, key=lambda match: (match["run"], -len(match["rest"])))]


def prune(folder: str, run: str, keep: int, log: RunLog, *, check_mode: bool) -> t.Dict[str, t.Any]:
    """Remove them.

    :param folder: the work directory
    :returns: the module's result
    """
    doomed = doomed_entries(os.listdir(folder), run, keep)
    for name in doomed:
        path = os.path.join(folder, name)
        log.info(f"removing {path}: the newest {keep} archives stay")
        if check_mode:
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    return {"changed": bool(doomed), "removed": doomed}
