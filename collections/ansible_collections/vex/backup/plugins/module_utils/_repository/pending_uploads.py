# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The uploads of archives whose own run could not upload them."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import (
    ARCHIVE_FORMATS,
    INCOMPLETE,
    RUN_NAME_PATTERN,
    manifest_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.notes import warning_note
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.status import SUCCESS
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, Interrupted, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._log_db.columns import RunFacts, UploadFacts
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._log_db.records import RunRecordRequest, record_run
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import UPLOADED, UPLOADED_INCOMPLETE
from ansible_collections.vex.backup.plugins.module_utils._store.pending import (
    PENDING,
    Pending,
    list_pending,
    read_pending,
    remove_pending,
)
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload

_ARCHIVE = re.compile(rf"(?P<run>{RUN_NAME_PATTERN})\.(?:{'|'.join(ARCHIVE_FORMATS)})")
_PART_MEBIBYTES = 16
_PARALLEL = 4


@dataclasses.dataclass(frozen=True)
class PendingRequest:
    """The options of ``backup_upload``.

    :param name: the run that is in progress, whose archive is left to it; ``None`` when none is
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds for each archive; 0 or ``None`` for no limit
    """

    s3: S3Settings
    work_dir: str
    hostname: str
    name: t.Optional[str]
    spool_dir: str
    log_database: LogDatabase
    patience: int
    timeout: t.Optional[int]
    check_mode: bool


def upload_pending(request: PendingRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Upload the archives that earlier runs could not upload, the oldest first, and complete their records.

    A failure does not raise an error: the result has a ``message``. After a failure of the store, no other is tried.

    :returns: the result of ``backup_upload``
    """
    found = [match for match in map(_ARCHIVE.fullmatch, list_pending(request.work_dir)) if match]
    uploaded: t.List[t.Dict[str, str]] = []
    problems: t.List[str] = []
    for match in found:
        # A later one may belong to another run in progress.
        if request.name is not None and match["run"] >= request.name:
            continue
        archive = os.path.join(request.work_dir, match[0])
        try:
            pending, message = _upload(request, archive, match["run"], log)
        except (BackupError, OSError) as error:
            problems.append(f"{match[0]} could not be uploaded: {error}; to give it up, remove {archive}{PENDING}")
            if isinstance(error, (StoreFailed, Interrupted)):
                break
            continue
        uploaded.append({"name": match["run"], "bucket": pending.bucket, "key": pending.key})
        problems += [message] if message else []
    result = {"changed": bool(uploaded), "uploaded": uploaded}
    return {**result, "message": "; ".join(problems), "warnings": problems} if problems else result


def _upload(request: PendingRequest, archive: str, run: str, log: RunLog) -> t.Tuple[Pending, str]:
    """Upload one archive; return where to, and why its record could not be completed, empty if it was."""
    pending = read_pending(archive)
    log.info(f"uploading {archive} of an earlier run to s3://{pending.bucket}/{pending.key}")
    done = upload(
        UploadRequest(
            s3=request.s3,
            src=archive,
            bucket=pending.bucket,
            key=pending.key,
            manifest=manifest_of(archive),
            storage_class=pending.storage_class,
            server_side_encryption=pending.server_side_encryption,
            kms_key_id=pending.kms_key_id,
            run_uuid=pending.run_uuid,
            metadata={"run-uuid": pending.run_uuid},
            part_size=_PART_MEBIBYTES,
            parallel=_PARALLEL,
            patience=request.patience,
            timeout=request.timeout,
            check_mode=request.check_mode,
        ),
        log,
    )
    if request.check_mode:
        return pending, ""
    uploaded = UPLOADED_INCOMPLETE if done["manifest_key"].endswith(INCOMPLETE) else UPLOADED
    os.close(os.open(os.path.join(request.work_dir, f"{run}{uploaded}"), os.O_WRONLY | os.O_CREAT, 0o600))
    remove_pending(archive)
    facts = UploadFacts(
        status=SUCCESS,
        key=pending.key,
        bucket=pending.bucket,
        sha256=done["sha256"],
        archive_bytes=done["size"],
        notes=[warning_note("uploaded by a later run")],
        started=done["upload_started"],
        finished=done["upload_finished"],
    )
    record = RunRecordRequest(
        request.log_database,
        request.spool_dir,
        RunFacts(hostname=request.hostname, run_uuid=pending.run_uuid, upload=facts),
    )
    return pending, record_run(record, log, check_mode=False).get("message", "")
