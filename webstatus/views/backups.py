"""The list of backups, one backup and its logs."""

from __future__ import annotations

import functools
import re

from markupsafe import Markup
from starlette.responses import Response

from webstatus.cache import Cache
from webstatus.errors import NotFound
from webstatus.i18n import mark
from webstatus.queries import details as queries
from webstatus.queries.backups import Filter, Page
from webstatus.queries.details import Details
from webstatus.queries.fleet import server_names
from webstatus.queries.page_cursor import Cursor
from webstatus.queries.proofs import comparison_of
from webstatus.rendering import render
from webstatus.root_path import address
from webstatus.run_notes import Note, infos_of, notes_of
from webstatus.security.guard import Context
from webstatus.views.backups_page import STATUSES, page_address, read_page

NO_BACKUP = mark("Este backup não existe. Volte à lista de backups.")
NO_LOG = mark("Este backup não tem esse log.")
OPTION, SELECTED = Markup("<option>{}</option>"), Markup("<option selected>{}</option>")
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def backups(context: Context) -> Response:
    """Answer with the list."""
    selected, page = read_page(context)
    cache: Cache = context.request.app.state.cache
    servers = cache.get("servers", lambda: server_names(context.session))
    return render(
        context.request,
        "pages/backups.html",
        found=page,
        selected=selected,
        is_filtered=selected != Filter(),
        # The cached names may be older than the first backup.
        has_any=bool(page.rows or server_names(context.session)),
        server_options=_server_options(tuple(servers), selected.server),
        statuses=STATUSES,
        addresses=_addresses(address(context.request, "backups"), selected, page),
    )


def backup(context: Context) -> Response:
    """Answer with the details of one backup."""
    return _details_page(context, "pages/backup.html")


def backup_live(context: Context) -> Response:
    """Answer with the part of the details that changes: the page of a running backup asks for it again and again."""
    return _details_page(context, "partials/backup_details.html")


def backup_log(context: Context) -> Response:
    """Answer with a page that shows one log."""
    found, name, text = _log(context)
    return render(context.request, "pages/backup_log.html", backup=found.backup, name=name, text=text)


def backup_log_file(context: Context) -> Response:
    """Answer with one log as a file: plain text, under a name that is safe on every system."""
    found, name, text = _log(context)
    run = (found.backup.file_name or f"backup_{found.backup.id}").rpartition(".")
    parts = (found.backup.hostname, run[0] or run[2], name)
    file_name = "_".join(UNSAFE.sub("_", part).strip("._") for part in parts)
    return Response(
        text.encode("utf-8", "replace"),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def details_of(context: Context) -> Details:
    """Read the backup that the address names.

    :raises NotFound: when there is none
    """
    found = queries.details(context.session, context.request.path_params["id"])
    if found is None:
        raise NotFound(NO_BACKUP)
    return found


def problems(found: Details) -> list[Note]:
    """Return the warnings and errors of the backup, then of its uploads: of several with the destination's name."""
    backup = found.backup
    notes = notes_of(backup.notes, backup.status)
    for upload in backup.uploads:
        prefix = f"{upload.destination}: " if len(backup.uploads) > 1 else ""
        notes += [Note(level, prefix + text) for level, text in notes_of(upload.notes, upload.status)]
    return [note for note in notes if note.is_problem]


def left_out(found: Details) -> list[str]:
    """Return sentences on what the configuration left out of the backup."""
    return infos_of(found.backup.notes)


def _details_page(context: Context, template: str) -> Response:
    found = details_of(context)
    backup = found.backup
    return render(
        context.request,
        template,
        backup=backup,
        upload=queries.whole_upload(backup),
        logs=found.logs,
        stages=queries.stages(found),
        proof=found.proof,
        restores=[(row, comparison_of(row), notes_of(row.notes, row.status)) for row in found.restores],
        # The duration of a run in progress is measured until now.
        until=backup.ended_at or max(context.now, backup.started_at),
        problems=problems(found),
        left_out=left_out(found),
    )


def _log(context: Context) -> tuple[Details, str, str]:
    found = details_of(context)
    name = context.request.path_params["log"]
    text = queries.log(context.session, found.backup.id, name)
    if text is None:
        raise NotFound(NO_LOG)
    return found, name, text


def _server_options(names: tuple[str, ...], chosen: str) -> Markup:
    """Return the options of the select, with *chosen* selected; an unknown server becomes an option too."""
    options = _options(names)
    if not chosen:
        return options
    option, selected = OPTION.format(chosen), SELECTED.format(chosen)
    return Markup(options.replace(option, selected)) if option in options else selected + options  # noqa: S704 - escaped


@functools.lru_cache(maxsize=4)
def _options(names: tuple[str, ...]) -> Markup:
    # Escaping hundreds of names takes a quarter of the page's time.
    return Markup("\n").join(OPTION.format(name) for name in names)


def _addresses(path: str, selected: Filter, page: Page) -> dict[str, str | None]:
    """Return the addresses of the pages beside this one; none where there is no such page."""
    first = page_address(path, selected)
    return {
        "first": first if page.number > 1 else None,
        "previous": page_address(path, selected, page.previous) if page.number > 1 else None,
        "next": page_address(path, selected, page.next) if page.next else None,
        "last": page_address(path, selected, Cursor("last")) if page.next else None,
        "all": path,
    }
