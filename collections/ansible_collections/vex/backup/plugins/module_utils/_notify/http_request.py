# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One HTTP request to a webhook or a ping's address; no error names the URL, which holds secrets."""

from __future__ import annotations

import http.client
import socket
import ssl
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils.urls import open_url

from ansible_collections.vex.backup.plugins.module_utils._errors import ChannelUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify.time_limit import TimeIsOver, time_limit

# Answers of a server that is overloaded or restarts: 408, 425 and 429, and all from 500 on.
PASSING = (408, 425, 429)
AGENT = "vex-backup"


class HttpRequest(t.NamedTuple):
    """A request: POST with a body, GET without. The whole exchange may take ``timeout`` seconds."""

    secret_url: str
    body: t.Optional[bytes]
    headers: t.Mapping[str, str]
    timeout: int

    def __repr__(self) -> str:
        return f"HttpRequest({'GET' if self.body is None else 'POST'})"


def is_http(url: str) -> bool:
    """Return whether *url* is an address that can be requested."""
    try:
        parts = urllib.parse.urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def request_once(request: HttpRequest, name: str) -> None:
    """Make a request. A redirect is a failure: to follow it would turn a POST into a GET.

    :param name: the server's name in errors
    :raises ChannelUndelivered: unless it is answered with success; with ``may_pass`` when a repetition may help
    """
    if not is_http(request.secret_url):
        raise ChannelUndelivered(f"{name}: its address is not a valid http or https URL: check it")
    try:
        with time_limit(request.timeout):
            open_url(
                request.secret_url,
                data=request.body,
                headers=dict(request.headers),
                method="GET" if request.body is None else "POST",
                timeout=request.timeout,
                http_agent=AGENT,
                follow_redirects="no",
                use_netrc=False,
            ).close()
    except urllib.error.HTTPError as error:
        error.close()
        raise answered(name, error.code) from None
    except TimeIsOver:
        raise _undelivered(f"{name} did not answer within {request.timeout} seconds") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(name, error) from None


def answered(name: str, status: int) -> ChannelUndelivered:
    """Return the error for an answer that is no success."""
    if status in PASSING or status >= 500:
        return _undelivered(f"{name} cannot take it now: it answered {status}")
    error = _undelivered(f"{name} refused it with the answer {status}: check its URL")
    error.may_pass = False
    return error


def _undelivered(message: str) -> ChannelUndelivered:
    error = ChannelUndelivered(message)
    error.may_pass = True
    return error


def _failed(name: str, error: Exception) -> ChannelUndelivered:
    """Return the error for an exchange without an answer. The text of *error* may hold the URL."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        refused = ChannelUndelivered(f"{name} has a certificate that is not valid: {reason.verify_message}")
        refused.may_pass = False
        return refused
    words = "the connection failed"
    if isinstance(reason, socket.gaierror):
        words = "its name could not be resolved"
    elif isinstance(reason, socket.timeout):
        words = "it did not answer in time"
    elif isinstance(reason, OSError) and reason.strerror:
        words = reason.strerror
    return _undelivered(f"{name} could not be reached: {words}")
