"""``backup_notify`` by Apprise and to webhooks: each message arrives once, and no secret anywhere else."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.spool import Spool
from ansible_collections.vex.backup.plugins.module_utils._notify import channels as channels_module
from ansible_collections.vex.backup.plugins.module_utils._notify import sender as sender_module
from tests.integration.notifying import CANARY, EVENTS, TEXT, TITLE, Notifier
from tests.servers.http_sink import HttpSink
from tests.servers.smtp import SmtpSink

# Apprise imports it on Pythons that still have it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
TOKENS = f"T1JJ3T3L2/A1BRTD4JD/{CANARY}TIiajkdnlazkcO"


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """Run a server that takes every request."""
    with HttpSink() as server:
        yield server


def ntfy(sink: HttpSink) -> dict[str, Any]:
    return {"url": f"ntfy://user:{CANARY}@{sink.address}/backups"}


def test_each_event_arrives_once_in_each_shape(
    sink: HttpSink, smtp: SmtpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apprise.plugins.slack import NotifySlack

    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://{sink.address}/services")
    notifier = Notifier(
        tmp_path,
        {"webhook": f"http://{sink.address}/hook?token={CANARY}"},
        ntfy(sink),
        {"url": f"slack://{TOKENS}"},
        {"url": f"mmost://{sink.address}/{CANARY}"},
        {"url": f"mailto://127.0.0.1:{smtp.port}?from=vex@example.org&to=dba@example.org&mode=insecure"},
    )
    names = ["webhook", "ntfy", "slack", "mmost", "mailto"]
    for number, event in enumerate(EVENTS, 1):
        result = notifier(event=event)
        assert "error" not in result, result["error"]
        assert result == {
            "changed": True,
            "delivered": [f"channel {position} ({name})" for position, name in enumerate(names, 1)],
            "spooled": [],
            "retried": [],
            "kept": 0,
        }
        assert len(sink.received) == 4 * number
        assert len(smtp.messages) == number
    hook, topic, slack, mattermost = sink.received[:4]
    assert hook.json["text"] == TEXT
    assert topic.json["topic"] == "backups"
    assert topic.json["title"] == TITLE
    assert "<b>ação</b>" in topic.json["message"]
    assert slack.path.startswith("/services/T1JJ3T3L2/")
    assert TITLE in slack.body.decode("unicode_escape")
    assert TITLE in mattermost.json["text"]
    assert smtp.messages[0]["Subject"] == TITLE
    # Only the request line and the login carry secrets.
    assert CANARY not in "".join(one.body.decode() for one in sink.received)
    assert CANARY not in notifier.written()


def test_a_channel_is_told_of_its_events_alone(sink: HttpSink, tmp_path: Path) -> None:
    notifier = Notifier(tmp_path, {"webhook": f"http://{sink.address}/", "on": ["overdue"]})
    assert notifier(event="success")["delivered"] == []
    assert not notifier(event="success")["changed"]
    assert notifier(event="overdue")["delivered"] == ["channel 1 (webhook)"]
    assert len(sink.received) == 1


def test_a_webhook_gets_a_signed_body(sink: HttpSink, tmp_path: Path) -> None:
    notifier = Notifier(tmp_path, {"webhook": f"http://{sink.address}/hook", "key": CANARY})
    notifier(event="overdue", resolved=True)
    (one,) = sink.received
    expected = hmac.new(CANARY.encode(), one.body, hashlib.sha256).hexdigest()
    assert one.method == "POST"
    assert one.headers["X-Vex-Backup-Signature"] == f"sha256={expected}"
    assert one.headers["X-Vex-Backup-Delivery"] == one.json["id"]
    assert one.headers["Content-Type"] == "application/json"
    assert one.json["event"] == "overdue"
    assert one.json["resolved"] is True
    assert one.json["facts"] == {"hostname": "db1", "status": 3}
    assert "log" not in one.json


def test_logs_go_only_to_channels_that_ask_for_them(sink: HttpSink, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("begin\n" + "x" * 20_000 + "\nthe end of the log\n")
    topic = ntfy(sink)
    notifier = Notifier(
        tmp_path,
        *({"webhook": f"http://{sink.address}/without"}, {"webhook": f"http://{sink.address}/with", "with_log": True}),
        *(topic, {**topic, "with_log": True}),
    )
    notifier(log_file=str(log))
    without, with_log, plain, logged = sink.received
    assert "log" not in without.json
    assert with_log.json["log"].endswith("the end of the log\n")
    assert len(with_log.json["log"]) <= 10_000
    assert "begin" not in with_log.json["log"]
    assert "end of the log" not in plain.body.decode()
    assert logged.json["message"].endswith("the end of the log")
    assert logged.json["message"].startswith("Status Backup: Sucesso")
    notifier(log_file=str(tmp_path / "gone"))
    assert sink.received[5].json["log"] == f"{tmp_path}/gone could not be read: No such file or directory"


def test_a_night_without_the_sinks(sink: HttpSink, smtp: SmtpSink, tmp_path: Path) -> None:
    """While the sinks are away, messages are kept; the next call delivers each once."""
    notifier = Notifier(
        tmp_path,
        {"webhook": f"http://{sink.address}/hook?token={CANARY}", "key": CANARY},
        ntfy(sink),
        {"url": f"mailto://127.0.0.1:{smtp.port}?from=vex@example.org&to=dba@example.org&mode=insecure"},
    )
    sink.stop()
    smtp.stop()
    first = notifier(title="night 1")
    assert first["delivered"] == []
    assert first["spooled"] == ["channel 1 (webhook)", "channel 2 (ntfy)", "channel 3 (mailto)"]
    assert first["error"] == "; ".join(first["warnings"])
    for name in first["spooled"]:
        assert f"{name} could not be reached: Connection refused; the message is kept in " in first["error"]
    assert notifier(title="night 2")["kept"] == 6
    assert [path.stat().st_mode & 0o777 for path in (notifier.spool / "messages").glob("*")] == [0o600] * 6
    assert CANARY not in notifier.written()
    assert CANARY not in json.dumps(first)
    sink.start()
    smtp.start()
    third = notifier(title="night 3")
    assert third["kept"] == 0
    assert sorted(third["retried"]) == sorted(f"{name}: night {night}" for name in first["spooled"] for night in (1, 2))
    assert "error" not in third
    assert notifier.only_kept()["changed"] is False
    assert sorted(mail["Subject"] for mail in smtp.messages) == ["night 1", "night 2", "night 3"]
    titles = sorted(one.json["title"] for one in sink.received)
    assert titles == ["night 1"] * 2 + ["night 2"] * 2 + ["night 3"] * 2
    assert len({one.json["id"] for one in sink.received if "id" in one.json}) == 3


def test_patience_waits_for_a_sink_that_comes_back(sink: HttpSink, tmp_path: Path) -> None:
    """A channel that answers gets the message at once, and once; the other one when it is back."""

    class Recovering(HttpSink):
        """Refuses the first two requests."""

        @property
        def mode(self) -> Any:
            return "refuse" if self.refused < 2 else "normal"

        @mode.setter
        def mode(self, mode: Any) -> None:
            """Ignore it."""

    with Recovering() as late:
        notifier = Notifier(tmp_path, {"webhook": f"http://{late.address}/"}, ntfy(late), ntfy(sink))
        result = notifier(patience=120)
        assert sorted(result["delivered"]) == ["channel 1 (webhook)", "channel 2 (ntfy)", "channel 3 (ntfy)"]
        assert (result["spooled"], result["kept"], "error" in result) == ([], 0, False)
        assert len(late.received) == 2
        assert len(sink.received) == 1
    log = notifier.run_log.read_text()
    assert "channel 1 (webhook) cannot take it now: it answered 503" in log
    assert "a channel answers again" in log


def test_a_refused_message_is_not_repeated_in_the_same_call(sink: HttpSink, tmp_path: Path) -> None:
    sink.mode, sink.status = "refuse", 404
    notifier = Notifier(tmp_path, {"webhook": f"http://{sink.address}/"}, ntfy(sink))
    result = notifier(patience=600)
    assert sink.refused == 2
    assert "channel 1 (webhook) refused it with the answer 404: check its URL" in result["error"]
    assert "channel 2 (ntfy) refused it with the answer 404: check its URL" in result["error"]
    sink.mode = "normal"
    assert notifier()["kept"] == 0
    assert len(sink.received) == 4
    # Followed, a redirect would turn the message into a GET.
    sink.mode, sink.status = "refuse", 302
    notifier.channels = notifier.channels[:1]
    assert "refused it with the answer 302" in notifier()["error"]
    assert sink.refused == 3


def test_a_lost_answer(sink: HttpSink, tmp_path: Path) -> None:
    """A chat is not told twice; a webhook is, and knows the message by its id."""
    sink.mode = "drop"
    notifier = Notifier(tmp_path, ntfy(sink), {"webhook": f"http://{sink.address}/"})
    result = notifier()
    assert "channel 1 (ntfy): the connection failed before its answer; the message may be lost" in result["error"]
    assert result["spooled"] == ["channel 2 (webhook)"]
    sink.mode = "normal"
    assert notifier.only_kept()["retried"] == [f"channel 2 (webhook): {TITLE}"]
    topic, first, second = sink.received
    assert "topic" in topic.json
    assert first.json["id"] == second.json["id"]


def test_a_kept_message_whose_answer_is_lost(sink: HttpSink, tmp_path: Path) -> None:
    sink.stop()
    notifier = Notifier(tmp_path, ntfy(sink))
    notifier()
    sink.start()
    sink.mode = "drop"
    result = notifier.only_kept()
    assert result["kept"] == 0
    assert f"the message {TITLE!r} for channel 1 (ntfy) may be lost, and is not sent again" in result["error"]
    assert len(sink.received) == 1


def test_a_server_that_hangs(sink: HttpSink, tmp_path: Path) -> None:
    sink.mode = "hang"
    notifier = Notifier(tmp_path, {"webhook": f"http://{sink.address}/"}, {"url": f"{ntfy(sink)['url']}?rto=60"})
    result = notifier(timeout=1)
    assert "channel 1 (webhook) did not answer within 1 seconds; the message is kept" in result["error"] or (
        "channel 1 (webhook) could not be reached: it did not answer in time" in result["error"]
    )
    assert "channel 2 (ntfy) did not answer within 1 seconds; the message may be lost" in result["error"]


def test_a_failing_channel_does_not_hold_up_the_others(sink: HttpSink, tmp_path: Path) -> None:
    with HttpSink() as other:
        notifier = Notifier(tmp_path, {"webhook": f"http://{other.address}/"}, {"webhook": f"http://{sink.address}/"})
        other.stop()
        sink.stop()
        notifier(title="one")
        notifier(title="two")
        sink.start()
        third = notifier(title="three")
        assert third["delivered"] == ["channel 2 (webhook)"]
        assert sorted(third["retried"]) == ["channel 2 (webhook): one", "channel 2 (webhook): two"]
        assert third["kept"] == 3
        other.start()
        assert len(notifier.only_kept()["retried"]) == 3


def test_the_list_of_channels_changes(sink: HttpSink, tmp_path: Path) -> None:
    """A kept message follows its URL; one for a URL that is gone is said to be lost, and goes to nobody else."""
    sink.stop()
    one, two = ({"webhook": f"http://{sink.address}/{name}"} for name in ("one", "two"))
    notifier = Notifier(tmp_path, one, two)
    notifier()
    sink.start()
    notifier.channels = [two, one]
    notifier.only_kept()
    assert sorted(request.path for request in sink.received) == ["/one", "/two"]
    sink.stop()
    notifier()
    sink.start()
    notifier.channels = [{"webhook": f"http://{sink.address}/corrected"}]
    result = notifier.only_kept()
    assert sink.received[2:] == []
    lost = "the message {!r} for channel {} (webhook) is lost: the channel is no longer configured"
    assert sorted(result["error"].split("; ")) == [lost.format(TITLE, position) for position in (1, 2)]
    assert result["kept"] == 0


def test_a_channel_that_cannot_be_used_keeps_the_others_from_nothing(
    sink: HttpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> None:
        raise AttributeError(CANARY)

    monkeypatch.setattr(sender_module, "AppriseSender", fail)
    webhook = {"webhook": f"http://{sink.address}/"}
    notifier = Notifier(tmp_path, {"url": f"slack://{CANARY}"}, {"url": ""}, webhook)
    result = notifier()
    assert result["delivered"] == ["channel 3 (webhook)"]
    assert "channel 1 (slack) could not be used: AttributeError; check it" in result["error"]
    assert "channel 2 (webhook): its address is not a valid http or https URL" in result["error"]
    assert CANARY not in str(result) + notifier.written()
    assert "earlier messages for it are still kept" in notifier.only_kept()["error"]


def test_old_and_damaged_messages(sink: HttpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink.stop()
    notifier = Notifier(tmp_path, {"webhook": f"http://{sink.address}/"})
    notifier()
    (path,) = (notifier.spool / "messages").glob("*")
    path.rename(path.with_name("20200101000000-x.json"))
    Spool(str(notifier.spool), "messages").write("20990101000000-x", {"message": {}})
    result = notifier()
    assert "1 undelivered messages were dropped from " in result["error"]
    assert ".corrupt" in result["error"]
    monkeypatch.setattr(channels_module, "MAX_KEPT", 1)
    assert notifier()["kept"] == 1


def test_a_spool_that_cannot_be_written(sink: HttpSink, tmp_path: Path) -> None:
    sink.stop()
    notifier = Notifier(tmp_path, {"webhook": f"http://{sink.address}/"})
    notifier.spool.write_text("a file")
    result = notifier()
    assert result["spooled"] == []
    assert "the message could not be kept in " in result["error"]
    assert "and is lost" in result["error"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_wrong_channels(sink: HttpSink, tmp_path: Path, check_mode: bool) -> None:
    """Each one is named, without its URL; the others are told."""
    notifier = Notifier(
        tmp_path,
        {"url": CANARY},
        {"url": f"nonsense://{CANARY}"},
        {"url": f"slack://{CANARY}"},
        {"webhook": f"ftp://{CANARY}/"},
        {"url": f"ntfy://{sink.address}/one-{CANARY}/two"},
        {"webhook": f"http://{sink.address}/"},
        {"webhook": "http://[::1"},
    )
    result = notifier(check_mode=check_mode)
    assert "channel 1: Apprise does not know such a URL" in result["error"]
    assert "channel 2 (nonsense): Apprise does not know such a URL" in result["error"]
    assert "channel 3 (slack): Apprise does not know such a URL" in result["error"]
    assert "channel 4 (webhook): its address is not a valid http or https URL" in result["error"]
    assert "channel 5 (ntfy) names 2 receivers" in result["error"]
    assert "channel 7 (webhook): its address" in result["error"]
    assert result["delivered"] == ([] if check_mode else ["channel 6 (webhook)"])
    assert len(sink.received) == (0 if check_mode else 1)
    assert notifier.spool.exists() is not check_mode
    assert CANARY not in json.dumps(result)
    if not check_mode:
        assert CANARY not in notifier.run_log.read_text()


def test_without_apprise(sink: HttpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without the library tells webhooks, and names what is missing."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    notifier = Notifier(tmp_path, ntfy(sink), ntfy(sink), {"webhook": f"http://{sink.address}/"})
    result = notifier(patience=600)
    assert result["delivered"] == ["channel 3 (webhook)"]
    assert result["error"].startswith("Apprise, which delivers to channels with a url, is not installed: install ")
    assert len(result["warnings"]) == 1
    assert result["kept"] == 2
    assert "is not installed" in notifier(check_mode=True)["error"]
    monkeypatch.undo()
    assert len(notifier.only_kept()["retried"]) == 2
