# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The copy of a stored backup to another destination."""

from __future__ import annotations

import dataclasses
import os
import shutil
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import build
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    log_database,
    log_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Copied, record_copy
from ansible_collections.vex.backup.plugins.module_utils._repository.download import DownloadRequest, download
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, upload

_PARALLEL = 4
_PART_SIZE = 16


@dataclasses.dataclass(frozen=True)
class CopyRequest:
    """The options of ``backup_copy``.

    :param name: the backup's; without it and *at*, the newest is copied
    :param at: the newest backup until this time is copied
    :param work_dir: the archive passes through its folder ``copy``
    :param manifest_keys: the manifest must be signed with one of them; without keys, every manifest is accepted
    :param patience: seconds to wait for a store, and for the log database, while it is away
    :param timeout: seconds for the download, and for the upload; 0 or ``None`` for no limit
    """

    source: Destination
    source_prefix: str
    target: Destination
    target_prefix: str
    hostname: str
    name: t.Optional[str]
    at: t.Optional[str]
    work_dir: str
    manifest_keys: t.Sequence[str] = dataclasses.field(repr=False)
    log_database: LogDatabase
    patience: int
    timeout: t.Optional[int]
    check_mode: bool


def copy_backup(request: CopyRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Copy one backup: download and verify it, then upload and verify it, the manifest last, and record the upload.

    A copy that failed leaves what it has downloaded, and the next one goes on from there.

    :returns: the result of ``backup_copy``
    :raises BackupError: as :func:`download` and :func:`upload`
    """
    if request.source.name == request.target.name:
        raise OptionError(f"{request.source.name} is both the source and the target: name another destination")
    found = download(_download_request(request), log)
    backup = found["chosen"]
    extension = os.path.splitext(found["archive"])[1][1:]
    key = build(request.target_prefix, request.hostname, backup["name"], extension)
    log.info(f"copying {backup['name']} from {request.source.name} to {request.target.name}")
    done = upload(_upload_request(request, found, key), log)
    result = {"name": backup["name"], "key": key, "url": done["url"], "changed": done["changed"]}
    if request.check_mode:
        return result
    shutil.rmtree(os.path.dirname(found["archive"]))
    problem = _record(request, backup["run_uuid"], done)
    return {**result, "message": problem, "warnings": [problem]} if problem else result


def _download_request(request: CopyRequest) -> DownloadRequest:
    return DownloadRequest(
        destination=request.source,
        key=None,
        prefix=request.source_prefix,
        hostname=request.hostname,
        name=request.name,
        at=request.at,
        dest=os.path.join(request.work_dir, "copy"),
        manifest_only=request.check_mode,
        manifest_keys=request.manifest_keys,
        thaw=False,
        thaw_timeout=0,
        parallel=_PARALLEL,
        patience=request.patience,
        timeout=request.timeout,
        check_mode=request.check_mode,
    )


def _upload_request(request: CopyRequest, found: t.Mapping[str, t.Any], key: str) -> UploadRequest:
    run = found["chosen"]["run_uuid"]
    return UploadRequest(
        destination=request.target,
        src=found["archive"],
        key=key,
        manifest=found["manifest"],
        run_uuid=None,
        metadata={"run-uuid": run} if run else {},
        part_size=_PART_SIZE,
        parallel=_PARALLEL,
        patience=request.patience,
        timeout=request.timeout,
        check_mode=request.check_mode,
    )


def _record(request: CopyRequest, run_uuid: t.Optional[str], done: t.Mapping[str, t.Any]) -> str:
    """Record the upload in the row of the backup's run; return a sentence when that was not possible."""
    name = request.target.name
    copied = Copied(name, request.target.type, done["bucket"], done["key"], done["sha256"], done["size"])
    times = (done["upload_started"], done["upload_finished"])

    def record() -> bool:
        with log_database(request.log_database) as connection:
            check_version(connection)
            return run_uuid is not None and record_copy(connection, run_uuid, copied, times)

    try:
        is_known = log_patience(request.patience).attempt(record)
    except LogDatabaseUnavailable as error:
        return f"{error}; the backup is in {name}, and the log tables do not show it: copy it again to record it"
    return "" if is_known else f"the log tables have no run of this backup, so they do not show that it is in {name}"
