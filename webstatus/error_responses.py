"""Responses to errors: a page for browsers, JSON for programs. A traceback goes only to the server's log."""

from __future__ import annotations

import json
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
from webstatus.root_path import path_below

PROGRAM_PATHS = ("/api/", "/healthz", "/metrics")
ERRORS_BY_STATUS = {400: BadRequest, 404: NotFound, 405: MethodNotAllowed}

logger = logging.getLogger(__name__)


def respond(request: Request, error: WebError) -> Response:
    """Return the response to one of the app's errors."""
    if path_below(request).startswith(PROGRAM_PATHS) or isinstance(error, NotSignedIn):
        gettext = translations(language_of(request)).gettext
        body = {"error": HTTPStatus(error.status).phrase, "message": gettext(error.text)}
        return JSONResponse(body, status_code=error.status, headers=error.headers)
    response = render(request, "pages/error.html", error.status, code=error.status, title=error.title, text=error.text)
    response.headers.update(error.headers or {})
    return response


def respond_to_starlette(request: Request, error: HTTPException) -> Response:
    """Return the response to an error of Starlette, such as an unknown address or method."""
    own = ERRORS_BY_STATUS.get(error.status_code, WebError)()
    own.headers = dict(error.headers or {})
    return respond(request, own)


def respond_to_unexpected(request: Request, error: Exception) -> Response:
    """Return the response to an unexpected error. Starlette raises the error again, for the server's log."""
    logger.error("%s %s failed: %s", request.method, json.dumps(request.url.path), type(error).__name__)
    response = respond(request, WebError())
    # Starlette sends this response outside of the middleware that adds the headers.
    response.headers.update(headers_of(request.app.state.settings))
    return response


# Any: Starlette calls each function only with the errors of its key, which its types cannot express.
HANDLERS: dict[Any, Any] = {
    WebError: respond,
    HTTPException: respond_to_starlette,
    Exception: respond_to_unexpected,
}
