"""Headers of proxies: they count only from a trusted address, and only for the client's address."""

from __future__ import annotations

import json
import logging

import pytest

from tests.web.serving import Served, everything, serving


def asked(served: Served, *headers: str, path: str = "/api/v1/backups") -> str:
    """Request *path* with more headers; return the head of the response."""
    lines = [f"GET {path} HTTP/1.1", "Host: status.example.com", "Connection: close", *headers]
    with served.connect() as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        return everything(connection).decode("utf-8").partition("\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    ("trusted", "headers", "address"),
    [
        ([], ["X-Forwarded-For: 192.0.2.9"], "127.0.0.1"),
        (["10.0.0.0/8"], ["X-Forwarded-For: 192.0.2.9"], "127.0.0.1"),
        (["127.0.0.1"], [], "127.0.0.1"),
        (["127.0.0.1"], ["X-Forwarded-For: 192.0.2.9"], "192.0.2.9"),
        (["127.0.0.0/8"], ["X-Forwarded-For: 2001:db8::1"], "2001:db8::1"),
        # The client has sent the first one; the proxy has added the last one.
        (["127.0.0.1"], ["X-Forwarded-For: 10.0.0.1, 192.0.2.9"], "192.0.2.9"),
        (["127.0.0.1"], ["X-Forwarded-For: 127.0.0.1, 192.0.2.9"], "192.0.2.9"),
        (["127.0.0.1"], ["X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 192.0.2.9"], "192.0.2.9"),
        # Two proxies.
        (["127.0.0.1", "192.0.2.0/24"], ["X-Forwarded-For: 10.0.0.1, 198.51.100.7, 192.0.2.9"], "198.51.100.7"),
        (["127.0.0.1"], ["X-Forwarded-For: <script>"], "-"),
        (["127.0.0.1"], ["X-Forwarded-For: 192.0.2.9%\xa0x"], "192.0.2.9"),
        (["127.0.0.1"], ["Forwarded: for=192.0.2.9", "X-Real-IP: 192.0.2.9"], "127.0.0.1"),
    ],
)
def test_the_address_of_a_client(
    web_settings: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    trusted: list[str],
    headers: list[str],
    address: str,
) -> None:
    caplog.set_level(logging.INFO, "webstatus.security.trail")
    with serving({**web_settings, "trusted_proxies": trusted}) as served:
        assert asked(served, *headers).startswith("http/1.1 401 ")
    (line,) = [entry.getMessage() for entry in caplog.records if entry.name == "webstatus.security.trail"]
    assert line == f'address={address} action=negar_acesso login="" target={json.dumps("GET /api/v1/backups")}'


@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]])
def test_no_header_moves_the_app_or_weakens_it(web_settings: dict[str, str], trusted: list[str]) -> None:
    headers = (
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-Port: 1",
        "X-Script-Name: /evil",
        "X-Original-URL: /users",
        "X-Rewrite-URL: /users",
        "X-HTTP-Method-Override: POST",
    )
    with serving({**web_settings, "trusted_proxies": trusted, "plain_http": False}) as served:
        assert "\r\nlocation: /login?next=/users\r\n" in asked(served, *headers, path="/users")
        page = asked(served, *headers, path="/login")
    assert page.startswith("http/1.1 200 ")
    assert "evil" not in page
    assert "strict-transport-security: max-age=31536000" in page
    (cookie,) = [line for line in page.split("\r\n") if line.startswith("set-cookie:")]
    assert cookie.startswith("set-cookie: __host-vex_visitor=")
    assert "; secure" in cookie
