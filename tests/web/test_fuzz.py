"""Every route with drawn paths, queries, cookies, headers and forms: an answer, never an error 500."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote_from_bytes

import bcrypt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from tests.playbook import LogDatabase
from tests.web.backups import add, clear
from tests.web.people import make_person
from tests.web.visitor import Visitor
from webstatus.app import ROUTES, create_app
from webstatus.security import passwords
from webstatus.settings import load

FIELDS = (
    "login nome senha repetir_senha senha_atual privilegio ativo validade language next csrf_token search status server"
    " page cursor before after x"
).split()
COOKIES = ("vex_session", "vex_visitor", "vex_device_1", "vex_notice", "vex_language", "other")
NASTY = (
    *(
        b"",
        b"\0",
        b"\xff",
        b"%",
        b"_",
        b"'\"\\",
        b"<script>",
        b"\r\n",
        b"a" * 3000,
        b"\xf0\x9f\x92\xa9",
        b"\xed\xa0\x80",
    ),
    *(b"-1", b"0", b"9" * 400, b"1e3", b"\xd9\xa3", b"2025-13-99", b"31/02/2025 25:61:61", b"99/99/9999", b"6.21 GB"),
    *(
        b"\xed\xa0\x80",
        b"1" * 40 + b" GB",
        b"error",
        b"..//\\",
        b"user-created",
        b"en",
        b"pt-BR",
        b"before:1:x",
        b"x.y.z",
    ),
)
VALUE = st.one_of(st.sampled_from(NASTY), st.text(max_size=30).map(lambda text: text.encode()), st.binary(max_size=30))
PAIRS = st.lists(st.tuples(st.sampled_from(FIELDS), VALUE), max_size=7)
# `logout` would end the session with which the others are tried.
TRIED = [route for route in ROUTES if isinstance(route, Route) and route.name not in {"logout", "profile-session-end"}]


class Drawn(NamedTuple):
    """One request. ``numbers`` fill the numbers of the path."""

    route: Route
    numbers: list[bytes]
    query: list[tuple[str, bytes]]
    form: list[tuple[str, bytes]]
    cookies: list[tuple[str, bytes]]
    headers: list[tuple[str, bytes]]
    keeps: bool


REQUEST = st.builds(
    Drawn,
    st.sampled_from(TRIED),
    # None of them is a user, a session or a token of another test.
    st.lists(st.sampled_from([b"0", b"999999999999999999", b"VICTIM", b"BACKUP"]) | VALUE, min_size=2, max_size=2),
    PAIRS,
    PAIRS,
    st.lists(st.tuples(st.sampled_from(COOKIES), VALUE.map(lambda value: value.translate(None, b"\r\n"))), max_size=3),
    st.lists(
        st.tuples(
            st.sampled_from(["host", "user-agent", "authorization", "accept-language", "content-type", "x-y"]),
            VALUE.map(lambda value: value.translate(None, b"\r\n\0")),
        ),
        max_size=2,
    ),
    st.booleans(),
)


class Tried(NamedTuple):
    """An administrator's visitor with the token of its forms, and the numbers that stand for words in paths."""

    visitor: Visitor
    token: str
    numbers: dict[bytes, bytes]


@pytest.fixture(scope="module")
def tried(web_settings: dict[str, str], web_database: LogDatabase) -> Iterator[Tried]:
    made = create_app(load(**web_settings))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "UNKNOWN_USER_HASH", bcrypt.hashpw(b"x", bcrypt.gensalt(4)).decode())
        visitor = Visitor(made).log_in(make_person(web_settings, "Administrador"))
        victim = make_person(web_settings, "Cliente")
        backup = add(web_database, upload={"status_upload": 1}, log_dump="dump\n", observacao="[ERROR] x")
        yield Tried(visitor, visitor.form_token(), {b"VICTIM": b"%d" % victim.id, b"BACKUP": b"%d" % backup})
        assert visitor.is_logged_in(), "the session has ended: later requests tested nothing"
    clear(web_database)
    made.state.database.close()


def encoded(pairs: list[tuple[str, bytes]]) -> str:
    return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs)


def send(tried: Tried, drawn: Drawn) -> None:
    numbers = iter([tried.numbers.get(number, number) for number in drawn.numbers])
    parts = [
        quote_from_bytes(next(numbers), safe="") if part.startswith("{") and part != "{log}" else part
        for part in drawn.route.path.replace("{log}", "mydumper_log.log").split("/")
    ]
    path = "/".join(parts) + ("?" + encoded(drawn.query) if drawn.query else "")
    visitor = tried.visitor
    cookies = [(name, value) for name, value in drawn.cookies if not (drawn.keeps and name == "vex_session")]
    if drawn.keeps:
        cookies.append(("vex_session", visitor.session_cookie.encode()))
    token = [("csrf_token", tried.token.encode())] if drawn.keeps else []
    # HEAD is GET without a body.
    for method in sorted((drawn.route.methods or set()) - {"HEAD"}):
        headers = [(b"cookie", b"; ".join(name.encode() + b"=" + value for name, value in cookies))]
        headers += [(name.encode(), value) for name, value in drawn.headers]
        body = encoded([*token, *drawn.form]) if method == "POST" else ""
        if method == "POST" and "content-type" not in dict(drawn.headers):
            headers.append((b"content-type", b"application/x-www-form-urlencoded"))
        answer = visitor.http.request(method, path, content=body, headers=headers)
        assert answer.status_code < 500, (method, path, body, headers, answer.text[:300])
        assert "Traceback" not in answer.text


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(REQUEST)
def test_no_request_is_an_error_of_the_app(tried: Tried, drawn: Drawn) -> None:
    send(tried, drawn)


@pytest.mark.parametrize("value", NASTY, ids=lambda value: repr(value[:12]))
def test_each_nasty_value_in_every_place(tried: Tried, value: bytes) -> None:
    for route in TRIED:
        pairs = [(name, value) for name in FIELDS if name != "csrf_token"]
        cookies = [(name, value.translate(None, b"\r\n")) for name in COOKIES if name != "vex_session"]
        send(tried, Drawn(route, [b"VICTIM", value], pairs, pairs, cookies, [], keeps=True))
