"""Form tokens: a form without the token of its own session is refused."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tests.web.people import Person
from tests.web.visitor import Visitor
from webstatus.app import ROUTES

SENT = sorted(
    (route.name, re.sub(r"{\w+:row}", "1", route.path))
    for route in ROUTES
    if isinstance(route, Route) and "POST" in (route.methods or ())
)


def test_the_routes_with_forms_are_found() -> None:
    assert {"login", "logout", "language", "user-new", "user", "user-delete", "profile-password"} <= dict(SENT).keys()


@pytest.fixture
def visitor(app: Starlette, administrator: Person) -> Visitor:
    """Return an administrator's visitor."""
    return Visitor(app).log_in(administrator)


@pytest.mark.parametrize(("name", "path"), SENT)
def test_a_form_without_the_right_token_is_refused(
    app: Starlette, visitor: Visitor, client: Person, name: str, path: str
) -> None:
    anothers, nobodys = Visitor(app).log_in(client).form_token(), Visitor(app).form_token()
    mine = visitor.form_token()
    for token in ("", "x", "\N{SNOWMAN}", anothers, nobodys, mine[:-1], mine.upper() if mine.upper() != mine else "0"):
        answer = visitor.post(path, token=token, language="en", login="x", senha="y")
        assert answer.status_code == 403, token
        assert "Formulário expirado" in answer.text
    assert visitor.http.post(path, data={"language": "en"}).status_code == 403
    # A token in the address is ignored.
    assert visitor.http.post(f"{path}?csrf_token={mine}", data={"language": "en"}).status_code == 403
    assert visitor.is_logged_in()


@pytest.mark.parametrize(("name", "path"), SENT)
def test_other_encodings_are_refused(visitor: Visitor, name: str, path: str) -> None:
    token = visitor.form_token()
    assert visitor.http.post(path, json={"csrf_token": token}).status_code == 400
    assert visitor.http.post(path, data={"csrf_token": token}, files={"f": b"x"}).status_code == 400
    plain = {"content-type": "text/plain"}
    assert visitor.http.post(path, content=f"csrf_token={token}", headers=plain).status_code == 400


def test_a_token_from_before_the_login_is_refused_after_it(app: Starlette, administrator: Person) -> None:
    visitor = Visitor(app)
    token = visitor.form_token()
    visitor.log_in(administrator)
    assert visitor.post("/logout", token=token).status_code == 403


def test_a_form_sent_after_the_session_ended_leads_to_the_login(app: Starlette, administrator: Person) -> None:
    visitor = Visitor(app).log_in(administrator)
    token = visitor.form_token()
    visitor.post("/logout")
    assert visitor.post("/users/1/delete", token=token).headers["location"] == "/login"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(visitor: Visitor, method: str) -> None:
    for _, path in SENT:
        assert visitor.http.request(method, path).status_code == 405


def test_a_head_request_changes_nothing(visitor: Visitor) -> None:
    for name, path in SENT:
        status = visitor.http.head(path).status_code
        assert status in {200, 303, 404, 405}, name
    assert visitor.is_logged_in()


def test_a_form_that_is_too_large_is_refused(visitor: Visitor) -> None:
    assert visitor.post("/language", language="en", filler="x" * 100_001).status_code == 413
    token = visitor.form_token()
    form = {"content-type": "application/x-www-form-urlencoded"}
    many = f"csrf_token={token}" + "&a=b" * 2000
    assert visitor.http.post("/language", content=many, headers=form).status_code == 400
