# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The removal of old runs from a host's work directory."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import re
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import (
    ARCHIVE_FORMATS,
    MANIFEST,
    RUN_NAME_PATTERN,
)
from ansible_collections.vex.backup.plugins.module_utils._common.lock import removing
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import LOGS, RunLog
from ansible_collections.vex.backup.plugins.module_utils._log_db.abandoned_runs import is_alive
from ansible_collections.vex.backup.plugins.module_utils._store.pending import NOTE_PATTERN

# An empty file, which exists when the run's backup is in the bucket.
UPLOADED = ".uploaded"
# The same, when the backup is incomplete.
UPLOADED_INCOMPLETE = ".incomplete"
_NAME_LENGTH = len("backup_YYYYMMDD_HHMMSS")
# `{run}.partial` is left out: it belongs to a failed dump, which mysql_dump removes while it holds its lock.
_ENTRY = re.compile(
    rf"(?P<run>{RUN_NAME_PATTERN})"
    rf"(?P<rest>|{re.escape(LOGS)}|{re.escape(UPLOADED)}|{re.escape(UPLOADED_INCOMPLETE)}|\.removing"
    rf"|\.(?:{'|'.join(ARCHIVE_FORMATS)})(?:{re.escape(MANIFEST)}|{NOTE_PATTERN})?(?:\.partial)?)"
)
_NOTE = re.compile(rf"{NOTE_PATTERN}\Z")


@dataclasses.dataclass(frozen=True)
class PruneLocalRequest:
    """The options of ``backup_prune`` for a host.

    :param name: the run that has just been uploaded
    :param complete: whether its backup is whole; after an incomplete one, only older incomplete ones are removed
    :param keep_local: how many uploaded runs stay
    :param keep_failed: how many other runs stay, which failed
    :param abandoned_after: seconds without a sign of life after which a run that has not ended is no longer running
    """

    work_dir: str
    name: str
    complete: bool
    keep_local: int
    keep_failed: int
    abandoned_after: int
    check_mode: bool


def prune_local(request: PruneLocalRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Note that the run is uploaded, and remove the runs that are neither kept nor used by any process.

    :returns: the result of ``backup_prune``
    """
    names = os.listdir(request.work_dir)
    uploaded = f"{request.name}{UPLOADED if request.complete else UPLOADED_INCOMPLETE}"
    doomed = doomed_entries(
        names,
        request.name,
        request.keep_local,
        request.keep_failed,
        is_complete=request.complete,
        living=_living_runs(request, names),
    )
    noted = uploaded in names or (request.keep_local == 0 and request.complete)
    if not noted and not request.check_mode:
        os.close(os.open(os.path.join(request.work_dir, uploaded), os.O_WRONLY | os.O_CREAT, 0o600))
    removed = [
        name
        for _run, entries in itertools.groupby(doomed, lambda name: name[:_NAME_LENGTH])
        for name in _remove_run(request, list(entries), log)
    ]
    return {"changed": bool(removed) or not noted, "removed": removed}


def _living_runs(request: PruneLocalRequest, names: t.Sequence[str]) -> t.Set[str]:
    """Return the runs that have not ended, by the signs of life in their logs.

    After its upload, a run needs nothing but its logs, and holds their lock.
    """
    found = [match for match in map(_ENTRY.fullmatch, names) if match]
    ended = {match["run"] for match in found if match["rest"] in (UPLOADED, UPLOADED_INCOMPLETE)}
    others = {match["run"] for match in found} - ended - {request.name}
    return {run for run in others if is_alive(os.path.join(request.work_dir, run + LOGS), request.abandoned_after)}


def _remove_run(request: PruneLocalRequest, names: t.List[str], log: RunLog) -> t.List[str]:
    """Remove the entries of one run, all of them or, when one is in use, none; return their names."""
    paths = [os.path.join(request.work_dir, name) for name in names]
    with removing(paths) as used:
        if used is not None:
            log.info(f"keeping {', '.join(names)}: {used} is in use, or belongs to another account")
            return []
        for path in paths if not request.check_mode else ():
            log.info(f"removing {path}: {request.keep_local} uploaded and {request.keep_failed} other runs are kept")
            _remove(path)
    return names


def doomed_entries(
    names: t.Iterable[str],
    run: str,
    keep_local: int,
    keep_failed: int,
    *,
    is_complete: bool = True,
    living: t.Container[str] = (),
) -> t.List[str]:
    """Return the entries of a work directory to remove once *run* is uploaded.

    The newest *keep_local* uploaded runs stay, with all their entries, and so do the newest *keep_failed* of the
    others, without the incomplete ones. An incomplete run removes only older ones of its kind. Runs whose archive is to
    be uploaded stay, the logs of *run*, which its mail needs, and runs that have not ended or have a later name, which
    another process may be making.

    :param names: of all entries
    :param is_complete: whether the backup of *run* is whole
    :param living: the runs that have not ended; they take no place of a failed one
    :returns: in the order to remove them: a manifest before its archive, which is not a backup without it
    """
    matches = [match for match in map(_ENTRY.fullmatch, names) if match and match["run"] <= run]
    found = [match for match in matches if match["run"] not in living]
    incomplete = {match["run"] for match in found if match["rest"] == UPLOADED_INCOMPLETE}
    uploaded = {match["run"] for match in found if match["rest"] == UPLOADED} | {run}
    others = {match["run"] for match in found} - uploaded - incomplete
    pending = {match["run"] for match in found if _NOTE.search(match["rest"])}
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
