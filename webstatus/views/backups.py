"""The history of backups, one backup, its logs."""

from __future__ import annotations

import functools
import re
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from webstatus.errors import NotFound
from webstatus.i18n import mark
from webstatus.problems import Problem, problems_of
from webstatus.queries import cursors
from webstatus.queries import details as queries
from webstatus.queries.conditions import Filter
from webstatus.queries.details import Details
from webstatus.queries.history import Page, page_of
from webstatus.rendering import address, render
from webstatus.security.guard import Context
from webstatus.views import asking

NO_BACKUP = mark("Este backup não existe. Volte à lista de backups.")
NO_LOG = mark("Este backup não tem esse log.")
OPTION, SELECTED = Markup("<option>{}</option>"), Markup("<option selected>{}</option>")
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def backups(context: Context) -> Response:
    """The list."""
    params = context.request.query_params
    asked = asking.read(params)
    cursor = cursors.read(params.get("cursor", ""))
    counts = context.request.app.state.counts
    tally = counts.tally(context.session)
    page = page_of(context.session, counts, tally, asked, cursor, context.now, context.zone)
    path = address(context.request, "backups")
    return render(
        context.request,
        "pages/backups.html",
        found=page,
        asked=asked,
        is_filtered=asked != Filter(),
        has_any=tally.total > 0,
        server_options=_server_options(tuple(tally.servers), asked.server),
        statuses=asking.STATUSES,
        addresses=_addresses(path, asked, page),
    )


def backup(context: Context) -> Response:
    """The details of one."""
    return _details_page(context, "pages/backup.html")


def backup_live(context: Context) -> Response:
    """The part of the details that changes while the backup runs: what the page asks for by itself."""
    return _details_page(context, "partials/backup_details.html")


def backup_log(context: Context) -> Response:
    """One of its logs, to read."""
    found, name, text = _log(context)
    return render(context.request, "pages/backup_log.html", backup=found.backup, name=name, text=text)


def backup_log_file(context: Context) -> Response:
    """One of its logs, to keep: plain text whatever is in it, under a name that is safe everywhere."""
    found, name, text = _log(context)
    run = (found.backup.nome_arquivo or f"backup_{found.backup.id}").rpartition(".")
    parts = (found.backup.hostname, run[0] or run[2], name)
    file_name = "_".join(UNSAFE.sub("_", part).strip("._") for part in parts)
    return Response(
        text.encode("utf-8", "replace"),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def details_of(context: Context) -> Details:
    """The backup that the address names.

    :raises NotFound: when there is none
    """
    found = queries.details(context.session, context.request.path_params["id"])
    if found is None:
        raise NotFound(NO_BACKUP)
    return found


def problems(context: Context, found: Details) -> list[Problem]:
    """What went wrong, in the backup and in its upload."""
    backup, upload = found.backup, found.upload
    logs = (queries.log(context.session, backup.id, name) or "" for name in found.logs)
    listed = problems_of(backup.observacao, backup.status_backup, logs)
    return listed + (problems_of(upload.observacao, upload.status_upload, ()) if upload else [])


def _details_page(context: Context, template: str) -> Response:
    found = details_of(context)
    backup = found.backup
    return render(
        context.request,
        template,
        backup=backup,
        upload=found.upload,
        logs=found.logs,
        stages=queries.stages(found),
        proof=found.proof,
        restores=found.restores,
        # A run that lasts is measured until now.
        until=backup.data_encerramento or max(context.now, backup.data_inicio),
        problems=problems(context, found),
    )


def _log(context: Context) -> tuple[Details, str, str]:
    found = details_of(context)
    name = context.request.path_params["log"]
    text = queries.log(context.session, found.backup.id, name)
    if text is None:
        raise NotFound(NO_LOG)
    return found, name, text


def _server_options(names: tuple[str, ...], chosen: str) -> Markup:
    """The select's options, one of them chosen, be it known or not."""
    options = _options(names)
    if not chosen:
        return options
    option, selected = OPTION.format(chosen), SELECTED.format(chosen)
    return Markup(options.replace(option, selected)) if option in options else selected + options  # noqa: S704 - escaped


@functools.lru_cache(maxsize=4)
def _options(names: tuple[str, ...]) -> Markup:
    # Escaping hundreds of names takes a quarter of the page's time: it is done once.
    return Markup("\n").join(OPTION.format(name) for name in names)


def _addresses(path: str, asked: Filter, page: Page) -> dict[str, Any]:
    """Of the pages beside this one; none where there is none."""
    first = asking.address(path, asked)
    return {
        "first": first if page.number > 1 else None,
        "previous": (asking.address(path, asked, page.previous) if page.number > 2 else first)
        if page.number > 1
        else None,
        "next": asking.address(path, asked, page.next) if page.next else None,
        "last": asking.address(path, asked, "last") if page.next else None,
        "all": path,
    }
