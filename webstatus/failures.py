"""Errors → answers: a page for people, JSON for programs, a traceback for nobody but the server's log."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from webstatus.errors import BadRequest, MethodNotAllowed, NotFound, NotSignedIn, WebError
from webstatus.headers import headers_of
from webstatus.i18n import translations
from webstatus.rendering import language_of, render

FOR_PROGRAMS = ("/api/", "/healthz", "/metrics")
OF_STARLETTE = {400: BadRequest, 404: NotFound, 405: MethodNotAllowed}

logger = logging.getLogger(__name__)


def told(request: Request, error: WebError) -> Response:
    """The answer to an error of ours."""
    if request.url.path.startswith(FOR_PROGRAMS) or isinstance(error, NotSignedIn):
        gettext = translations(language_of(request)).gettext
        body = {"error": HTTPStatus(error.status).phrase, "message": gettext(error.text)}
        return JSONResponse(body, status_code=error.status, headers=error.headers)
    response = render(request, "pages/error.html", error.status, code=error.status, title=error.title, text=error.text)
    response.headers.update(error.headers or {})
    return response


def of_starlette(request: Request, error: HTTPException) -> Response:
    """The answer to an address or a method that no route has."""
    ours = OF_STARLETTE.get(error.status_code, WebError)()
    ours.headers = dict(error.headers or {})
    return told(request, ours)


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to an error that nobody thought of; Starlette raises it again for the server's log."""
    logger.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    response = told(request, WebError())
    # Starlette makes this answer outside of all middleware.
    response.headers.update(headers_of(request.app.state.settings))
    return response


# Starlette calls each with the errors that it stands for here.
HANDLERS: dict[Any, Any] = {
    WebError: told,
    HTTPException: of_starlette,
    Exception: unexpected,
}
