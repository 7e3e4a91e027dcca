"""The dashboard, and the part of it that the page asks for again and again."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from webstatus.formats import local
from webstatus.queries import dashboard as queries
from webstatus.queries import fleet
from webstatus.queries.conditions import Filter
from webstatus.queries.fleet import Condition, State
from webstatus.rendering import address, fragment, language_of, render
from webstatus.security.guard import Context
from webstatus.views import asking

# Seconds between two readings.
EVERY = 60
WHILE_RUNNING = 5


class Row(NamedTuple):
    """A server in the table; ``address`` is that of its backups."""

    state: State
    condition: Condition
    address: str


def dashboard(context: Context) -> Response:
    """The page."""
    return render(context.request, "pages/dashboard.html", content=_content(context))


def data(context: Context) -> Response:
    """What the page shows in place of what it has."""
    return HTMLResponse(_content(context))


def _content(context: Context) -> Markup:
    """What changes: the same for all who ask in the same language at about the same time."""
    shared = context.request.app.state.board
    made: Markup = shared.get(language_of(context.request), context.now, lambda: _made(context))
    return made


def _made(context: Context) -> Markup:
    found = queries.dashboard(context.session, context.now, context.zone)
    path = address(context.request, "backups")
    rows = [
        Row(state, state.condition(context.now), asking.address(path, Filter(server=state.hostname)))
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
        hour_labels=[part.start.strftime("%H:%M") for part in found.hours],
        minute_labels=[part.start.strftime("%H:%M") for part in found.minutes],
        day_labels=[part.start.strftime("%d/%m") for part in found.days],
        statuses={word: asking.address(path, Filter(status=number)) for word, number in asking.STATUSES.items()},
    )
