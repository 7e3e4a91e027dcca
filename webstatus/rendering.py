"""The rendering of pages from templates, in the language of the user and the time zone of the settings."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from webstatus import formats
from webstatus.i18n import LANGUAGES, PORTUGUESE, translations
from webstatus.notices import NOTICES, Notice
from webstatus.root_path import address, whole_path
from webstatus.security import cookies
from webstatus.settings import Settings

HERE = Path(__file__).parent
STATIC = HERE / "static"


@functools.cache
def environment(language: str, time_zone: str, root_path: str) -> jinja2.Environment:
    """Return the templates with filters and translations for one language and zone, and addresses of files."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    translator = translations(language)
    found.install_gettext_translations(translator, newstyle=True)  # type: ignore[attr-defined]
    zone = ZoneInfo(time_zone)
    found.filters.update(
        datetime=functools.partial(formats.show_datetime, zone=zone),
        date=functools.partial(formats.show_date, zone=zone),
        megabytes=formats.show_megabytes,
        number=functools.partial(formats.show_number, language=language),
        duration=functools.partial(formats.show_duration, ngettext=translator.ngettext),
        age=functools.partial(formats.show_age, ngettext=translator.ngettext),
        status_word=functools.partial(formats.status_word, gettext=translator.gettext),
        stage_word=functools.partial(formats.stage_word, gettext=translator.gettext),
        # For messages that are chosen in Python, where i18n.mark marks them.
        translated=translator.gettext,
    )
    files = functools.partial(static, root_path)
    found.globals.update(language=language, static=files, seconds_between=formats.seconds_between)
    return found


def render(request: Request, template: str, status: int = 200, *, here: str = "", **values: Any) -> HTMLResponse:
    """Render a page.

    :param template: under templates/
    :param here: the path of the page, where that of the request is not one; the switch of languages returns to it
    :param values: the values of this page, beside the values of all pages (see templates/base.html)
    """
    settings: Settings = request.app.state.settings
    context = getattr(request.state, "context", None)
    token = context.form_token if context else ""
    notice = read_notice(request)
    page = _templates(request).get_template(template)
    response = HTMLResponse(
        page.render(
            user=context.user if context else None,
            csrf_token=token,
            csrf_field=functools.partial(form_field, token),
            url=functools.partial(address, request),
            page=context.route if context else "",
            here=here or whole_path(request),
            notice=notice,
            **values,
        ),
        status_code=status,
    )
    if notice:
        cookies.drop_cookie(response, settings, cookies.NOTICE)
    return response


def fragment(request: Request, template: str, **values: Any) -> Markup:
    """Render a part of a page that is the same for all users: it has neither user nor token.

    :param template: under templates/
    :param values: the values of the part, beside the filters and ``url``
    """
    part = _templates(request).get_template(template)
    return Markup(part.render(url=functools.partial(address, request), **values))  # noqa: S704 - escaped by Jinja


def language_of(request: Request) -> str:
    """Return the language that the user chose, or Portuguese."""
    chosen = request.cookies.get(cookies.cookie_name(request.app.state.settings, cookies.LANGUAGE))
    return chosen if chosen in LANGUAGES else PORTUGUESE


def read_notice(request: Request) -> Notice | None:
    """Return the dialog that the previous request left for this page."""
    return NOTICES.get(cookies.read_signed(request, request.app.state.settings, cookies.NOTICE) or "")


def form_field(token: str) -> Markup:
    """Return the hidden field that every form has."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)


@functools.cache
def static(root_path: str, path: str) -> str:
    """Return the address of a file under static/. It changes with the content, so that browsers may cache the file."""
    version = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"{root_path}/static/{path}?v={version}"


def _templates(request: Request) -> jinja2.Environment:
    settings: Settings = request.app.state.settings
    return environment(language_of(request), settings.time_zone, settings.root_path)
