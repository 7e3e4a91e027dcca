# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pings of a dead-man switch, as Healthchecks takes them: at the start of a run, and at its good or bad end."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse

from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ChannelUndelivered
from ansible_collections.vex.backup.plugins.module_utils._notify.channel import end_of_log
from ansible_collections.vex.backup.plugins.module_utils._notify.http_request import HttpRequest, is_http, request_once

NAME = "the server of the ping"
# What follows the path of the URL, by state.
ENDINGS = {"start": "/start", "success": "", "failure": "/fail"}


@dataclasses.dataclass(frozen=True)
class PingRequest:
    """The options of ``backup_ping``. The URL holds a secret."""

    url: str = dataclasses.field(repr=False)
    state: str
    run_uuid: t.Optional[str]
    log_file: t.Optional[str]
    timeout: int
    patience: int


def ping(request: PingRequest, log: RunLog, check_mode: bool) -> t.Dict[str, t.Any]:
    """Send a ping. One that fails is not kept for later: a late ping would say that an old run is in progress or good.

    :param check_mode: only check the URL
    :returns: the module's result
    """
    try:
        if not is_http(request.url):
            raise ChannelUndelivered(f"{NAME}: its address is not a valid http or https URL: check it")
        if not check_mode:
            _send(request, Patience(request.patience, NAME, log))
    except ChannelUndelivered as error:
        log.warning(str(error))
        return {"changed": False, "delivered": False, "error": str(error), "warnings": [str(error)]}
    return {"changed": not check_mode, "delivered": not check_mode}


def _send(request: PingRequest, patience: Patience) -> None:
    body = end_of_log(request.log_file).encode("utf-8") or None
    headers = {"Content-Type": "text/plain; charset=utf-8"} if body else {}
    address = address_of(request.url, request.state, request.run_uuid)
    patience.attempt(lambda: request_once(HttpRequest(address, body, headers, request.timeout), NAME))


def address_of(url: str, state: str, run_uuid: t.Optional[str]) -> str:
    """Return the address for a state; ``rid``, the run, lets the server measure the time between two pings."""
    parts = urllib.parse.urlsplit(url)
    query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    if run_uuid:
        query.append(("rid", run_uuid))
    path = parts.path.rstrip("/") + ENDINGS[state]
    return parts._replace(path=path, query=urllib.parse.urlencode(query)).geturl()
