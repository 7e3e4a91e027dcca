"""The dashboard, and the part of it that the page reloads."""

from __future__ import annotations

import gzip
from collections import Counter
from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from webstatus.cache import Cache
from webstatus.formats import local
from webstatus.queries import dashboard as queries
from webstatus.queries import fleet
from webstatus.queries.backups import Filter
from webstatus.queries.dashboard import Slice
from webstatus.queries.fleet import Condition, State
from webstatus.rendering import fragment, language_of, render
from webstatus.root_path import address
from webstatus.security.guard import Context
from webstatus.views.backups_page import STATUSES, page_address

# Seconds between two readings.
EVERY = 60
WHILE_RUNNING = 5


class Content(NamedTuple):
    """The part of the page that changes, as it is and compressed with gzip."""

    html: Markup
    packed: bytes


class Row(NamedTuple):
    """A server in the table; ``address`` leads to its backups."""

    state: State
    condition: Condition
    address: str


def dashboard(context: Context) -> Response:
    """Answer with the page."""
    return render(context.request, "pages/dashboard.html", content=_content(context).html)


def data(context: Context) -> Response:
    """Answer with the part of the page that changes."""
    content, headers = _content(context), {"Vary": "Accept-Encoding"}
    if "gzip" not in context.request.headers.get("accept-encoding", ""):
        return Response(content.html, media_type="text/html", headers=headers)
    # A twentieth of the size with 500 servers. It has no secret or request data that the length could reveal (BREACH).
    return Response(content.packed, media_type="text/html", headers={**headers, "Content-Encoding": "gzip"})


def _content(context: Context) -> Content:
    """Return the part that changes. For one language it is made once every few seconds."""

    def make() -> Content:
        html = _render(context)
        return Content(html, gzip.compress(html.encode("utf-8"), 5))

    cache: Cache = context.request.app.state.cache
    return cache.get(f"dashboard {language_of(context.request)}", make)


def _render(context: Context) -> Markup:
    found = queries.dashboard(context.session, context.now, context.zone)
    path = address(context.request, "backups")
    rows = [
        Row(state, state.condition(context.now), page_address(path, Filter(server=state.hostname)))
        for state in found.servers
    ]
    rows.sort(key=lambda row: -row.condition)
    conditions = Counter(row.condition for row in rows)
    return fragment(
        context.request,
        "partials/dashboard.html",
        found=found,
        now=context.now,
        read_at=local(context.now, context.zone),
        every=WHILE_RUNNING if found.running else EVERY,
        rows=rows,
        conditions=conditions,
        Condition=Condition,
        danger=sum(number for condition, number in conditions.items() if condition.is_danger),
        warned=sum(state.last is not None and state.last.status == fleet.WARNING for state in found.servers),
        oldest=min((state for state in found.servers if state.backup), key=fleet.finished, default=None),
        hour_labels=_hour_labels(found.hours),
        minute_labels=[part.start.strftime("%H:%M") for part in found.minutes],
        day_labels=[part.start.strftime("%d/%m") for part in found.days],
        statuses={word: page_address(path, Filter(status=number)) for word, number in STATUSES.items()},
    )


def _hour_labels(hours: list[Slice]) -> list[str]:
    """Return labels such as ``01:00``, with the name of the zone for an hour that the clocks repeat."""
    labels = [hour.start.strftime("%H:%M") for hour in hours]
    return [
        f"{label} {hour.start.tzname()}" if labels.count(label) > 1 else label
        for label, hour in zip(labels, hours, strict=True)
    ]
