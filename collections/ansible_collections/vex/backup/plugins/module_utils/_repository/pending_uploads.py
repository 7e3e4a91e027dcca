# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The uploads of archives whose own run could not upload them."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import time
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import (
    ARCHIVE_FORMATS,
    INCOMPLETE,
    RUN_NAME_PATTERN,
    host_of,
    manifest_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.notes import warning_note
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.status import SUCCESS
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AlreadyRunning,
    BackupError,
    Interrupted,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import RunFacts, UploadFacts
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._log_db.records import RunRecordRequest, record_run
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import UPLOADED, UPLOADED_INCOMPLETE
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.pending import (
    Pending,
    list_pending,
    note_of,
    noted,
    read_pending,
)
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload

_ARCHIVE = re.compile(rf"(?P<run>{RUN_NAME_PATTERN})\.(?:{'|'.join(ARCHIVE_FORMATS)})")
_PARALLEL = 4


@dataclasses.dataclass(frozen=True)
class PendingRequest:
    """The options of ``backup_upload``.

    :param name: the run that is in progress, whose archive is left to it; ``None`` when none is
    :param time_limit: seconds after which no further archive is begun
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds for each archive; 0 or ``None`` for no limit
    :param rate: bytes a second; 0 for no limit
    """

    destination: Destination
    work_dir: str
    hostname: str
    name: t.Optional[str]
    spool_dir: str
    log_database: LogDatabase
    time_limit: int
    patience: int
    timeout: t.Optional[int]
    check_mode: bool
    rate: int


def upload_pending(request: PendingRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Upload the archives that earlier runs could not upload to a destination, the oldest first.

    Complete the records of these runs.

    A failure does not raise an error: the result has a ``message``. While the store is away, no other is tried.

    :returns: the result of ``backup_upload``
    """
    found = [
        match for match in map(_ARCHIVE.fullmatch, list_pending(request.work_dir, request.destination.name)) if match
    ]
    began = time.monotonic()
    uploaded: t.List[t.Dict[str, str]] = []
    left: t.List[str] = []
    problems: t.List[str] = []
    for match in found:
        # A later one may belong to another run in progress.
        if request.name is not None and match["run"] >= request.name:
            continue
        if time.monotonic() - began > request.time_limit:
            left.append(match["run"])
            continue
        archive = os.path.join(request.work_dir, match[0])
        try:
            done = _upload(request, archive, match["run"], log)
        except AlreadyRunning as error:
            log.info(str(error))
            continue
        except (BackupError, OSError) as error:
            note = note_of(archive, request.destination.name)
            problems.append(f"{match[0]} could not be uploaded: {error}; to give it up, remove {note}")
            if isinstance(error, Interrupted) or getattr(error, "may_pass", False):
                break
            continue
        uploaded.append({"name": match["run"], **{name: done[name] for name in ("bucket", "key", "url")}})
    if left:
        log.info(f"left to the next run, after {request.time_limit} seconds: {', '.join(left)}")
    result = {"changed": bool(uploaded), "uploaded": uploaded, "left": left}
    return {**result, "message": "; ".join(problems), "warnings": problems} if problems else result


def _upload(request: PendingRequest, archive: str, run: str, log: RunLog) -> t.Mapping[str, t.Any]:
    here = request.destination.name
    pending = read_pending(archive, here)
    log.info(f"uploading {archive} of an earlier run to {pending.key} in {pending.place}")
    # The note goes last: everything before it can be repeated.
    with noted(archive, here, None, log) if not request.check_mode else contextlib.nullcontext():
        done = upload(_upload_request(request, archive, pending), log)
        if not request.check_mode:
            uploaded = UPLOADED_INCOMPLETE if done["manifest_key"].endswith(INCOMPLETE) else UPLOADED
            os.close(os.open(os.path.join(request.work_dir, f"{run}{uploaded}"), os.O_WRONLY | os.O_CREAT, 0o600))
            _record(request, pending, done, log)
    return done


def _upload_request(request: PendingRequest, archive: str, pending: Pending) -> UploadRequest:
    return UploadRequest(
        destination=dataclasses.replace(request.destination, place=pending.place, storage_class=pending.storage_class),
        src=archive,
        key=pending.key,
        manifest=manifest_of(archive),
        run_uuid=None,
        metadata={"run-uuid": pending.run_uuid},
        part_size=pending.part_size,
        parallel=_PARALLEL,
        patience=request.patience,
        timeout=request.timeout,
        check_mode=request.check_mode,
        rate=request.rate,
    )


def _record(request: PendingRequest, pending: Pending, done: t.Mapping[str, t.Any], log: RunLog) -> None:
    facts = UploadFacts(
        destination=request.destination.name,
        type=request.destination.type,
        status=SUCCESS,
        key=pending.key,
        bucket=pending.place,
        sha256=done["sha256"],
        archive_bytes=done["size"],
        notes=[warning_note("uploaded by a later run")],
        started=done["upload_started"],
        finished=done["upload_finished"],
    )
    # The host may have another name now.
    hostname = host_of(pending.key) or request.hostname
    record = RunRecordRequest(
        request.log_database,
        request.spool_dir,
        RunFacts(hostname=hostname, run_uuid=pending.run_uuid, uploads=[facts]),
    )
    problem = record_run(record, log, check_mode=False).get("message")
    if problem:
        # The record is in the spool.
        log.warning(problem)
