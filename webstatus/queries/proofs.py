"""The proofs of restore, and the time that each took."""

from __future__ import annotations

import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webstatus.formats import folded
from webstatus.models import Restore

PROOF = "verificacao"
# A proof with a warning found no difference either.
PROVEN = (1, 2)
LISTED = 20


class Comparison(NamedTuple):
    """The numbers of compared columns and definitions, of rows whose values were compared, and of all rows."""

    columns: int
    definitions: int
    sampled_rows: int
    rows: int


class Proof(NamedTuple):
    """A proven restore. ``end`` is UTC without a zone; ``recovery`` is the time until all data was back."""

    end: datetime.datetime
    recovery: datetime.timedelta
    comparison: Comparison | None


def newest(session: Session) -> dict[str, Proof]:
    """Read the last proof of every server that has one, by folded name: one step in the index for each."""
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
    """Read the last restores of a backup, with the proofs, newest first."""
    chosen = select(Restore).where(Restore.backup_id == backup).order_by(Restore.started_at.desc(), Restore.id.desc())
    return list(session.scalars(chosen.limit(LISTED)))


def proof_of(row: Restore) -> Proof | None:
    """Return the proof that a restore is; ``None`` when it proves nothing."""
    if row.kind != PROOF or row.status not in PROVEN or row.ended_at is None:
        return None
    return Proof(row.ended_at, (row.restored_at or row.ended_at) - row.started_at, comparison_of(row))


def comparison_of(row: Restore) -> Comparison | None:
    """Return what a restore compared; ``None`` where the row does not tell, as in rows of older releases."""
    known = row.compared if isinstance(row.compared, dict) else {}
    found = (known.get("columns"), known.get("definitions"), known.get("sampled_rows"), row.rows)
    numbers = [number for number in found if isinstance(number, int)]
    return Comparison(*numbers) if len(numbers) == len(found) else None
