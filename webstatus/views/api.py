"""The history for programs, as JSON. docs/reference/api.md describes it; errors are JSON too (failures.py)."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

from starlette.responses import JSONResponse, Response

from webstatus.models import Backup, Upload
from webstatus.queries import cursors
from webstatus.queries.history import Row, page_of
from webstatus.queries.proofs import Proof
from webstatus.rendering import address
from webstatus.security.guard import Context
from webstatus.views import asking
from webstatus.views.backups import details_of, problems

WORDS = {number: word for word, number in asking.STATUSES.items()}


def backups(context: Context) -> Response:
    """A page of the history."""
    params = context.request.query_params
    asked = asking.read(params)
    cursor = cursors.read(params.get("cursor", ""))
    counts = context.request.app.state.counts
    tally = counts.tally(context.session)
    page = page_of(context.session, counts, tally, asked, cursor, context.now, context.zone)
    path = address(context.request, "api-backups")
    previous = asking.address(path, asked, page.previous) if page.number > 1 else None
    return JSONResponse(
        {
            "total": page.total,
            "page": page.number,
            "pages": page.pages,
            "previous": previous,
            "next": asking.address(path, asked, page.next) if page.next else None,
            "backups": [_row(context, row) for row in page.rows],
        }
    )


def backup(context: Context) -> Response:
    """One backup."""
    found = details_of(context)
    backup = found.backup
    return JSONResponse(
        {
            "id": backup.id,
            "run": backup.run_uuid,
            "server": backup.hostname,
            "databases": backup.nome_database.split(", ") if backup.nome_database else [],
            "status": WORDS.get(backup.status_backup),
            "stage": backup.etapa,
            "server_version": backup.versao_servidor,
            "tool": backup.ferramenta,
            "binlog": backup.coordenadas_binlog,
            "size_mb": _number(backup.tamanho_arquivo),
            **_times(backup),
            "dump": _span(backup.inicio_dump, backup.fim_dump),
            "pack": _span(backup.inicio_compactacao, backup.fim_compactacao),
            "upload": _upload(found.upload),
            "proof": _proof(found.proof),
            "problems": [{"level": WORDS[level], "text": text} for level, text in problems(context, found)],
        }
    )


def _row(context: Context, row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "address": address(context.request, "api-backup", id=row.id),
        "server": row.hostname,
        "status": WORDS.get(row.status),
        "stage": row.stage,
        "size_mb": _number(row.size),
        **_span(row.start, row.end),
        "upload_status": None if row.upload_status is None else WORDS.get(row.upload_status),
    }


def _upload(upload: Upload | None) -> dict[str, Any] | None:
    if upload is None:
        return None
    return {
        "status": WORDS.get(upload.status_upload),
        "file": upload.nome_arquivo,
        "size_mb": _number(upload.tamanho_arquivo),
        "key": upload.caminho_arquivo,
        "bucket": upload.bucket,
        "sha256": upload.sha256,
        "removed": _time(upload.removido_em),
        **_times(upload),
    }


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    return None if proof is None else {"end": _time(proof.end), "recovery_seconds": int(proof.recovery.total_seconds())}


def _times(row: Backup | Upload) -> dict[str, str | None]:
    return _span(row.data_inicio, row.data_encerramento)


def _span(start: datetime.datetime | None, end: datetime.datetime | None) -> dict[str, str | None]:
    return {"start": _time(start), "end": _time(end)}


def _time(moment: datetime.datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def _number(size: decimal.Decimal | None) -> float | None:
    return None if size is None else float(size)
