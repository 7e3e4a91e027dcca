"""What the address of a list of backups asks for, and the addresses of its other pages."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from webstatus.errors import BadRequest
from webstatus.i18n import mark
from webstatus.queries.conditions import Filter
from webstatus.queries.cursors import Cursor

STATUSES = {"running": 0, "success": 1, "warning": 2, "error": 3}
LONGEST = 200

TOO_LONG = mark("A busca é longa demais: use até 200 caracteres.")


def read(params: QueryParams) -> Filter:
    """The filter that *params* describe: ``search``, ``status`` (a key of :data:`STATUSES`), ``server``.

    :raises BadRequest: when the status is unknown, or a text too long
    """
    search, status, server = (params.get(name, "").strip() for name in ("search", "status", "server"))
    if len(search) > LONGEST or len(server) > LONGEST:
        raise BadRequest(TOO_LONG)
    if status and status not in STATUSES:
        raise BadRequest
    return Filter(search, STATUSES[status] if status else None, server)


def address(path: str, asked: Filter, cursor: Cursor | str | None = None) -> str:
    """The address of a page of what is asked for; of the first without a cursor."""
    status = next((word for word, number in STATUSES.items() if number == asked.status), "")
    params = {"search": asked.search, "status": status, "server": asked.server, "cursor": str(cursor or "")}
    query = urlencode({name: value for name, value in params.items() if value})
    return f"{path}?{query}" if query else path
