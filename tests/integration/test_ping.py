"""``backup_ping``: what a dead-man switch gets, and its failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.notifying import CANARY, call_ping
from tests.servers.http_sink import HttpSink

RUN = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """Run a server that takes every request."""
    with HttpSink() as server:
        yield server


def test_the_pings_of_a_run(sink: HttpSink, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("begin\n" + "x" * 20_000 + "\nthe end of the log\n")
    url = f"http://{sink.address}/ping/{CANARY}/"
    for state in ("start", "success", "failure"):
        assert call_ping(url, tmp_path, state=state, run_uuid=RUN) == {"changed": True, "delivered": True}
    call_ping(f"{url}?key=a%20b", tmp_path, state="failure", log_file=str(log))
    start, success, failure, logged = sink.received
    assert [one.method for one in sink.received] == ["GET", "GET", "GET", "POST"]
    assert start.path == f"/ping/{CANARY}/start?rid={RUN}"
    assert success.path == f"/ping/{CANARY}?rid={RUN}"
    assert failure.path == f"/ping/{CANARY}/fail?rid={RUN}"
    assert logged.path == f"/ping/{CANARY}/fail?key=a+b"
    assert logged.body.endswith(b"the end of the log\n")
    assert len(logged.body) <= 10_000
    assert start.body == success.body == failure.body == b""


def test_a_ping_that_fails_is_a_warning_without_the_url(sink: HttpSink, tmp_path: Path) -> None:
    sink.mode = "refuse"
    url = f"http://{sink.address}/{CANARY}"
    refused = call_ping(url, tmp_path)
    assert refused["error"] == "the server of the ping cannot take it now: it answered 503"
    sink.mode = "normal"
    wrong = call_ping(f"gopher://{CANARY}", tmp_path)
    assert wrong["error"] == "the server of the ping: its address is not a valid http or https URL: check it"
    sink.stop()
    away = call_ping(url, tmp_path)
    assert away["error"] == "the server of the ping could not be reached: Connection refused"
    assert away["warnings"] == [away["error"]]
    assert away["delivered"] is False
    assert CANARY not in json.dumps([refused, wrong, away]) + (tmp_path / "backup_script.log").read_text()
    assert "rid" not in str(sink.received)


def test_check_mode_sends_nothing(sink: HttpSink, tmp_path: Path) -> None:
    url = f"http://{sink.address}/{CANARY}"
    assert call_ping(url, tmp_path, check_mode=True) == {"changed": False, "delivered": False}
    assert "not a valid" in call_ping("example.org", tmp_path, check_mode=True)["error"]
    assert sink.received == []
