"""The details of one backup."""

from __future__ import annotations

import datetime
from typing import Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from webstatus.models import Backup, Restore, Upload
from webstatus.queries.proofs import Proof, proof_of, restores

LogName = Literal["backup_script.log", "mydumper_log.log"]
LOGS = {"backup_script.log": Backup.run_log, "mydumper_log.log": Backup.dump_log}


class Details(NamedTuple):
    """A backup, its upload, the names of its :data:`LOGS`, and its last restores, newest first."""

    backup: Backup
    upload: Upload | None
    logs: tuple[str, ...]
    restores: list[Restore]

    @property
    def proof(self) -> Proof | None:
        """The last restore that proved the backup."""
        return next(filter(None, map(proof_of, self.restores)), None)


class Stage(NamedTuple):
    """A stage of a run, with its times (UTC without a zone); ``end`` is none while it runs."""

    name: Literal["dump", "pack", "upload"]
    start: datetime.datetime
    end: datetime.datetime | None


def details(session: Session, number: int) -> Details | None:
    """Read the backup of an id; return ``None`` when there is none."""
    has_logs = (column.is_not(None) for column in LOGS.values())
    found = session.execute(
        select(Backup, Upload, *has_logs).outerjoin(Upload, Upload.backup_id == Backup.id).where(Backup.id == number)
    ).first()
    if found is None:
        return None
    backup, upload, *has = found
    logs = tuple(name for name, there in zip(LOGS, has, strict=True) if there)
    return Details(backup, upload, logs, restores(session, number))


def log(session: Session, number: int, name: str) -> str | None:
    """Read one of the :data:`LOGS` of a backup; return ``None`` when the backup does not have it."""
    return session.scalar(select(LOGS[name]).where(Backup.id == number)) if name in LOGS else None


def stages(found: Details) -> list[Stage]:
    """Return the stages that the run has begun, in order."""
    backup, upload = found.backup, found.upload
    times = [
        Stage("dump", backup.dump_started_at, backup.dump_ended_at) if backup.dump_started_at else None,
        Stage("pack", backup.pack_started_at, backup.pack_ended_at) if backup.pack_started_at else None,
        Stage("upload", upload.started_at, upload.ended_at) if upload else None,
    ]
    return [stage for stage in times if stage]
