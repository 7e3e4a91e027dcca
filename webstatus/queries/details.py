"""The details of one backup."""

from __future__ import annotations

import datetime
import decimal
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from webstatus.models import Backup, Restore
from webstatus.queries.proofs import Proof, proof_of, restores

LogName = Literal["backup_script.log", "mydumper_log.log"]
LOGS = {"backup_script.log": Backup.run_log, "mydumper_log.log": Backup.dump_log}


class Details(NamedTuple):
    """A backup with its uploads, the names of its :data:`LOGS`, and its last restores, newest first."""

    backup: Backup
    logs: tuple[str, ...]
    restores: list[Restore]

    @property
    def proof(self) -> Proof | None:
        """The last restore that proved the backup."""
        return next(filter(None, map(proof_of, self.restores)), None)


class WholeUpload(NamedTuple):
    """The uploads of one archive to its destinations, as one.

    ``start`` is the first, ``end`` the last, none while one of them runs; ``succeeded`` is the number of those that
    ended well.
    """

    file_name: str | None
    size: decimal.Decimal | None
    sha256: str | None
    start: datetime.datetime
    end: datetime.datetime | None
    status: int
    succeeded: int


class Stage(NamedTuple):
    """A stage of a run, with its times (UTC without a zone); ``end`` is none while it runs."""

    name: Literal["dump", "pack", "upload"]
    start: datetime.datetime
    end: datetime.datetime | None


def details(session: Session, number: int) -> Details | None:
    """Read the backup of an id; return ``None`` when there is none."""
    has_logs = (column.is_not(None) for column in LOGS.values())
    chosen = select(Backup, *has_logs).options(selectinload(Backup.uploads)).where(Backup.id == number)
    found = session.execute(chosen).first()
    if found is None:
        return None
    backup, *has = found
    logs = tuple(name for name, there in zip(LOGS, has, strict=True) if there)
    return Details(backup, logs, restores(session, number))


def whole_upload(backup: Backup) -> WholeUpload | None:
    """Return the uploads of a backup as one; ``None`` without one."""
    uploads, status = backup.uploads, backup.upload_status
    if status is None:
        return None
    ends = [upload.ended_at for upload in uploads if upload.ended_at]
    return WholeUpload(
        next((upload.file_name for upload in uploads if upload.file_name), None),
        next((upload.size for upload in uploads if upload.size is not None), None),
        next((upload.sha256 for upload in uploads if upload.sha256), None),
        min(upload.started_at for upload in uploads),
        max(ends) if len(ends) == len(uploads) else None,
        status,
        sum(upload.status in {1, 2} for upload in uploads),
    )


def log(session: Session, number: int, name: str) -> str | None:
    """Read one of the :data:`LOGS` of a backup; return ``None`` when the backup does not have it."""
    return session.scalar(select(LOGS[name]).where(Backup.id == number)) if name in LOGS else None


def stages(found: Details) -> list[Stage]:
    """Return the stages that the run has begun, in order."""
    backup, upload = found.backup, whole_upload(found.backup)
    times = [
        Stage("dump", backup.dump_started_at, backup.dump_ended_at) if backup.dump_started_at else None,
        Stage("pack", backup.pack_started_at, backup.pack_ended_at) if backup.pack_started_at else None,
        Stage("upload", upload.start, upload.end) if upload else None,
    ]
    return [stage for stage in times if stage]
