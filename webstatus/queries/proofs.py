"""Which backups were restored to prove that they can be, and what that took."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webstatus.formats import folded
from webstatus.models import Restore

PROOF = "verificacao"
# With a warning, too, all that could be compared was equal.
PROVEN = (1, 2)
LISTED = 20


class Proof(NamedTuple):
    """A backup came back: ``end`` is when that was known, UTC without a zone, ``recovery`` what it took to have it."""

    end: datetime.datetime
    recovery: datetime.timedelta


def newest(session: Session) -> dict[str, Proof]:
    """The last proof of every server that has one, by its folded name: one step in the index for each."""
    last = (
        select(Restore.kind, Restore.status, Restore.source_server, func.max(Restore.ended_at).label("end"))
        .where(Restore.kind == PROOF, Restore.status.in_(PROVEN))
        .group_by(Restore.kind, Restore.status, Restore.source_server)
        .subquery()
    )
    rows = session.scalars(
        select(Restore).join(
            last,
            and_(
                Restore.kind == last.c.kind,
                Restore.status == last.c.status,
                Restore.source_server == last.c.source_server,
                Restore.ended_at == last.c.end,
            ),
        )
    )
    found: dict[str, Proof] = {}
    for row in rows:
        proof, key = proof_of(row), folded(row.source_server or "")
        if proof and (key not in found or found[key].end < proof.end):
            found[key] = proof
    return found


def restores(session: Session, backup: int) -> list[Restore]:
    """The last restores of one backup, proofs included, newest first."""
    chosen = select(Restore).where(Restore.backup_id == backup).order_by(Restore.started_at.desc(), Restore.id.desc())
    return list(session.scalars(chosen.limit(LISTED)))


def proof_of(row: Restore) -> Proof | None:
    """What a restore proves; ``None`` when it does not."""
    if row.kind != PROOF or row.status not in PROVEN or row.ended_at is None:
        return None
    return Proof(row.ended_at, (row.restored_at or row.ended_at) - row.started_at)
