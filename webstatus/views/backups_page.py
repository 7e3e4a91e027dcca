"""The page of the history that an address asks for, and the addresses of its other pages."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from webstatus.errors import BadRequest
from webstatus.formats import local
from webstatus.i18n import mark
from webstatus.queries import page_cursor
from webstatus.queries.backups import Filter, Page, page_of, selection_of
from webstatus.queries.fleet import server_names
from webstatus.queries.page_cursor import Cursor
from webstatus.queries.search_terms import terms_of
from webstatus.security.guard import Context

STATUSES = {"running": 0, "success": 1, "warning": 2, "error": 3}
# Characters.
LONGEST_TEXT = 200

TOO_LONG = mark("A busca é longa demais: use até 200 caracteres.")


class Found(NamedTuple):
    """A page of the backups that the filter ``selected`` finds."""

    selected: Filter
    page: Page


def read_page(context: Context) -> Found:
    """Read the page that the address asks for.

    :raises BadRequest: when a parameter is not valid
    """
    params = context.request.query_params
    selected, cursor = read_filter(params), page_cursor.read(params.get("cursor", ""))
    terms = terms_of(selected.search, context.zone, local(context.now, context.zone).year)
    chosen = selection_of(selected, terms, server_names(context.session) if terms else [])
    return Found(selected, page_of(context.session, context.request.app.state.cache, chosen, cursor))


def read_filter(params: QueryParams) -> Filter:
    """Read the parameters ``search``, ``status`` (a key of :data:`STATUSES`) and ``server``.

    :raises BadRequest: when the status is unknown, or a text too long
    """
    search, status, server = (params.get(name, "").strip() for name in ("search", "status", "server"))
    if len(search) > LONGEST_TEXT or len(server) > LONGEST_TEXT:
        raise BadRequest(TOO_LONG)
    if status and status not in STATUSES:
        raise BadRequest
    return Filter(search, STATUSES[status] if status else None, server)


def page_address(path: str, selected: Filter, cursor: Cursor | None = None) -> str:
    """Return the address of a page, or of the first page without a cursor."""
    status = next((word for word, number in STATUSES.items() if number == selected.status), "")
    params = {"search": selected.search, "status": status, "server": selected.server, "cursor": str(cursor or "")}
    query = urlencode({name: value for name, value in params.items() if value})
    return f"{path}?{query}" if query else path
