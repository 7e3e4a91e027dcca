"""The history as JSON. docs/reference/api.md describes it; failures.py makes the errors, which are JSON too."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

from starlette.responses import JSONResponse, Response

from webstatus.models import Backup, Upload
from webstatus.queries.proofs import Proof
from webstatus.root_path import address
from webstatus.security.guard import Context
from webstatus.views.backups import details_of, problems
from webstatus.views.backups_page import STATUSES, page_address, read_page

WORDS = {number: word for word, number in STATUSES.items()}


def backups(context: Context) -> Response:
    """Answer with a page of the history."""
    selected, page = read_page(context)
    path = address(context.request, "api-backups")
    return JSONResponse(
        {
            "total": page.total.number,
            "total_is_exact": not page.total.is_more,
            "page": page.number,
            "pages": page.pages,
            "previous": page_address(path, selected, page.previous) if page.number > 1 else None,
            "next": page_address(path, selected, page.next) if page.next else None,
            "backups": [_row(context, row) for row in page.rows],
        }
    )


def backup(context: Context) -> Response:
    """Answer with one backup."""
    found = details_of(context)
    backup = found.backup
    return JSONResponse(
        {
            "id": backup.id,
            "run": backup.run_uuid,
            "server": backup.hostname,
            "databases": backup.databases,
            "status": WORDS.get(backup.status),
            "stage": backup.stage,
            "server_version": backup.server_version,
            "tool": backup.tool,
            "binlog": backup.binlog_position,
            "size_mb": _number(backup.size),
            **_times(backup),
            "dump": _span(backup.dump_started_at, backup.dump_ended_at),
            "pack": _span(backup.pack_started_at, backup.pack_ended_at),
            "upload_status": _word(backup.upload_status),
            "uploads": [_upload(upload) for upload in backup.uploads],
            "upload": {**_upload(backup.uploads[0]), "status": _word(backup.upload_status)} if backup.uploads else None,
            "proof": _proof(found.proof),
            "problems": [{"level": WORDS[level], "text": text} for level, text in problems(found)],
        }
    )


def _row(context: Context, row: Backup) -> dict[str, Any]:
    return {
        "id": row.id,
        "address": address(context.request, "api-backup", id=row.id),
        "server": row.hostname,
        "status": WORDS.get(row.status),
        "stage": row.stage,
        "size_mb": _number(row.size),
        **_times(row),
        "upload_status": _word(row.upload_status),
    }


def _upload(upload: Upload) -> dict[str, Any]:
    return {
        "destination": upload.destination,
        "type": upload.destination_type,
        "status": WORDS.get(upload.status),
        "file": upload.file_name,
        "size_mb": _number(upload.size),
        "key": upload.key,
        "bucket": upload.bucket,
        "sha256": upload.sha256,
        "removed": _time(upload.removed_at),
        **_times(upload),
    }


def _proof(proof: Proof | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    return {
        "end": _time(proof.end),
        "recovery_seconds": int(proof.recovery.total_seconds()),
        "compared": proof.comparison._asdict() if proof.comparison else None,
    }


def _times(row: Backup | Upload) -> dict[str, str | None]:
    return _span(row.started_at, row.ended_at)


def _span(start: datetime.datetime | None, end: datetime.datetime | None) -> dict[str, str | None]:
    return {"start": _time(start), "end": _time(end)}


def _word(status: int | None) -> str | None:
    return None if status is None else WORDS.get(status)


def _time(moment: datetime.datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def _number(size: decimal.Decimal | None) -> float | None:
    return None if size is None else float(size)
