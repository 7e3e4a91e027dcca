# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removal of old runs from a host's work directory."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import (
    ARCHIVE_FORMATS,
    MANIFEST,
    RUN_NAME_PATTERN,
)
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import LOGS, RunLog
from ansible_collections.vex.backup.plugins.module_utils._store.pending import PENDING

# An empty file, which exists when the run's backup is in the bucket.
UPLOADED = ".uploaded"
# The same, when the backup is incomplete.
UPLOADED_INCOMPLETE = ".incomplete"
# `{run}.partial` is left out: it belongs to a failed dump, which mysql_dump removes while it holds its lock.
_ENTRY = re.compile(
    rf"(?P<run>{RUN_NAME_PATTERN})"
    rf"(?P<rest>|{re.escape(LOGS)}|{re.escape(UPLOADED)}|{re.escape(UPLOADED_INCOMPLETE)}|\.removing"
    rf"|\.(?:{'|'.join(ARCHIVE_FORMATS)})(?:{re.escape(MANIFEST)}|{re.escape(PENDING)})?(?:\.partial)?)"
)


@dataclasses.dataclass(frozen=True)
class PruneLocalRequest:
    """The options of ``backup_prune`` for a host.

    :param name: the run that has just been uploaded
    :param complete: whether its backup is whole; after an incomplete one, only older incomplete ones are removed
    :param keep_local: how many uploaded runs stay
    :param keep_failed: how many other runs stay, which failed or are still running
    """

    work_dir: str
    name: str
    complete: bool
    keep_local: int
    keep_failed: int
    check_mode: bool


def prune_local(request: PruneLocalRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Note that the run is uploaded, and remove the runs that are not kept.

    :returns: the result of ``backup_prune``
    """
    names = os.listdir(request.work_dir)
    uploaded = f"{request.name}{UPLOADED if request.complete else UPLOADED_INCOMPLETE}"
    doomed = doomed_entries(names, request.name, request.keep_local, request.keep_failed, is_complete=request.complete)
    noted = uploaded in names or (request.keep_local == 0 and request.complete)
    if not request.check_mode:
        if not noted:
            os.close(os.open(os.path.join(request.work_dir, uploaded), os.O_WRONLY | os.O_CREAT, 0o600))
        for name in doomed:
            path = os.path.join(request.work_dir, name)
            log.info(f"removing {path}: {request.keep_local} uploaded and {request.keep_failed} other runs are kept")
            _remove(path)
    return {"changed": bool(doomed) or not noted, "removed": doomed}


def doomed_entries(
    names: t.Iterable[str], run: str, keep_local: int, keep_failed: int, *, is_complete: bool = True
) -> t.List[str]:
    """Return the entries of a work directory to remove once *run* is uploaded.

    The newest *keep_local* uploaded runs stay, with all their entries, and so do the newest *keep_failed* of the
    others, without the incomplete ones. An incomplete run removes only older ones of its kind. Runs whose archive is to
    be uploaded stay, the logs of *run*, which its mail needs, and runs with a later name, which another process may be
    making.

    :param names: of all entries
    :param is_complete: whether the backup of *run* is whole
    :returns: in the order to remove them: a manifest before its archive, which is not a backup without it
    """
    found = [match for match in map(_ENTRY.fullmatch, names) if match and match["run"] <= run]
    incomplete = {match["run"] for match in found if match["rest"] == UPLOADED_INCOMPLETE}
    uploaded = {match["run"] for match in found if match["rest"] == UPLOADED} | {run}
    others = {match["run"] for match in found} - uploaded - incomplete
    pending = {match["run"] for match in found if match["rest"].endswith(PENDING)}
    kept = {*sorted(uploaded, reverse=True)[:keep_local], *sorted(others, reverse=True)[:keep_failed], *pending}
    if not is_complete:
        kept |= {run, *uploaded, *others}
    doomed = [match for match in found if match["run"] not in kept and (match["run"], match["rest"]) != (run, LOGS)]
    return [match[0] for match in sorted(doomed, key=lambda match: (match["run"], -len(match["rest"])))]


def _remove(path: str) -> None:
    # Another run may be pruning at the same time.
    with contextlib.suppress(FileNotFoundError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
