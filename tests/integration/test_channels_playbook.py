"""Runs of ``playbooks/backup.yml`` and ``playbooks/watch.yml`` that tell channels and ping a dead-man switch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.notifying import CANARY, assert_documented
from tests.integration.watching import Watch
from tests.playbook import Installation, LogDatabase
from tests.restore.verifying import VERIFIER, Verifier
from tests.servers.http_sink import HttpSink
from tests.servers.mariadb import MariaDB
from tests.servers.smtp import SmtpSink

EVENTS = ["success", "warning", "error", "overdue", "proof_failed"]


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    """Run a server that takes every request."""
    with HttpSink() as server:
        yield server


def channels(sink: HttpSink) -> list[dict[str, Any]]:
    """Return a chat and a webhook. The key ``true`` is what YAML reads for ``on``."""
    return [
        {"url": f"ntfy://user:{CANARY}@{sink.address}/backups", "true": EVENTS},
        {"webhook": f"http://{sink.address}/hook/{CANARY}", "key": f"key-{CANARY}", "on": EVENTS},
    ]


def sort(sink: HttpSink) -> tuple[list[Any], list[Any], list[str]]:
    """Return what the chat and the webhook got, and the paths of the pings."""
    posts = [one.json for one in sink.received if one.method == "POST" and not one.path.startswith("/ping")]
    pings = [one.path.partition("?")[0] for one in sink.received if one.path.startswith("/ping")]
    hooks = [post for post in posts if "id" in post]
    for hook in hooks:
        assert_documented(hook)
    return [post for post in posts if "topic" in post], hooks, pings


def test_a_good_run_a_bad_run_and_a_night_without_the_channels(
    backup_setup: Installation, sample_databases: tuple[str, ...], sink: HttpSink
) -> None:
    setup = backup_setup
    setup.variables["vex_backup_notifications"] = channels(sink)
    setup.variables["vex_backup_ping_url"] = f"http://{sink.address}/ping/{CANARY}"
    good = setup.backup("-vvv")
    assert good.status == 0, good.output
    chats, hooks, pings = sort(sink)
    assert pings == [f"/ping/{CANARY}/start", f"/ping/{CANARY}"]
    (chat,), (hook,) = chats, hooks
    subject = str(good.mail["Subject"])
    assert (chat["title"], hook["title"], hook["event"]) == (subject, subject, "success")
    assert "Status Backup: Sucesso" in chat["message"]
    assert hook["facts"]["run_uuid"] == good.backup["run_uuid"]
    assert hook["facts"]["key"] == good.key

    # The dump fails, and the log of this run is the switch's, but not the channels'.
    bad = setup.backup(login_password="not it", ping_with_log=True, language="en")
    assert bad.status != 0
    chats, hooks, pings = sort(sink)
    assert pings[2:] == [f"/ping/{CANARY}/start", f"/ping/{CANARY}/fail"]
    assert "refused the login" in sink.received[-1].body.decode()
    assert (len(chats), len(hooks)) == (2, 2)
    assert hooks[1]["event"] == "error"
    assert "log" not in hooks[1]
    assert "Backup status: Error" in chats[1]["message"]
    assert "refused the login" in chats[1]["message"]

    # A failed message is treated like a failed mail.
    sink.stop()
    away = setup.backup()
    assert away.status != 0
    said = " ".join(away.output.split())
    for name in ("channel 1 (ntfy)", "channel 2 (webhook)"):
        assert f"{name} could not be reached: Connection refused; the message is kept in {setup.spool}/messages" in said
    assert "the server of the ping could not be reached: Connection refused" in said
    last = away.backups[-1]
    assert last["status_backup"] == 2
    assert "[WARNING] channel 1 (ntfy) could not be reached" in last["observacao"]
    sink.start()
    later = setup.backup()
    assert later.status == 0, later.output
    chats, hooks, _pings = sort(sink)
    assert (len(chats), len(hooks)) == (4, 4)
    assert sorted(hook["event"] for hook in hooks) == ["error", "success", "success", "success"]
    assert len({hook["id"] for hook in hooks}) == 4

    # No secret of a URL, and no password, is anywhere but in the requests' addresses and headers.
    secrets = (CANARY, setup.account[1], setup.log_database.writer[1], setup.store.secret_key)
    written = [path.read_bytes().decode("utf-8", "replace") for path in setup.work.rglob("*.log")]
    rows = [str(row) for row in later.backups]
    bodies = [one.body.decode() for one in sink.received]
    for text in (*written, *rows, *bodies, good.output, bad.output, away.output):
        for secret in secrets:
            assert secret not in text


def test_the_library_is_missing(
    backup_setup: Installation, sample_databases: tuple[str, ...], sink: HttpSink, tmp_path: Path
) -> None:
    """The backup is made and uploaded, and the run names what is missing."""
    hidden = tmp_path / "hidden/apprise"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not here')\n")
    setup = backup_setup
    setup.variables["vex_backup_notifications"] = channels(sink)
    setup.variables["ansible_python_interpreter"] = str(interpreter(tmp_path, setup, hidden.parent))
    run = setup.backup()
    assert run.status != 0
    assert "Apprise, which delivers to channels with a url, is not installed" in " ".join(run.output.split())
    assert (run.backup["status_backup"], run.upload["status_upload"]) == (2, 1)
    _chats, hooks, _pings = sort(sink)
    assert [hook["event"] for hook in hooks] == ["success"]


def interpreter(folder: Path, setup: Installation, hidden: Path) -> Path:
    """Write a Python interpreter for which the packages in *hidden* come first."""
    path = folder / "python"
    real = setup.variables["ansible_python_interpreter"]
    path.write_text(f'#!/bin/sh\nPYTHONPATH={hidden} exec {real} "$@"\n')
    path.chmod(0o700)
    return path


@pytest.fixture
def watch(
    log_mariadb: MariaDB, smtp: SmtpSink, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """Return a watch of a log database of its own."""
    database = LogDatabase(log_mariadb, tmp_path_factory.mktemp("database"))
    database.create()
    yield Watch(database, smtp, tmp_path)
    log_mariadb.execute(f"DROP DATABASE {database.name}")


def test_an_overdue_server(watch: Watch, sink: HttpSink) -> None:
    watch.variables["vex_backup_notifications"] = channels(sink)
    watch.expect("db-atrasado")
    watch.run("db-atrasado", hours_ago=72)
    sink.stop()
    away = watch()
    assert away.status != 0
    assert len(away.mails) == 1
    assert "channel 2 (webhook) could not be reached" in " ".join(away.output.split())
    sink.start()
    later = watch()
    assert later.status == 0, later.output
    assert later.mails == []
    (chat,), (hook,), _pings = sort(sink)
    assert chat["title"] == hook["title"] == "Backups atrasados ou interrompidos: db-atrasado"
    assert (hook["event"], hook["resolved"]) == ("overdue", False)
    assert [server["hostname"] for server in hook["facts"]["overdue"]] == ["db-atrasado"]
    watch.run("db-atrasado", hours_ago=0)
    assert watch().status == 0
    _chats, hooks, _pings = sort(sink)
    assert (len(hooks), hooks[1]["resolved"], hooks[1]["facts"]["recovered"]) == (2, True, ["db-atrasado"])
    assert CANARY not in away.output + later.output


def test_a_failed_proof(backup_setup: Installation, sink: HttpSink, tmp_path: Path) -> None:
    verifier = Verifier(backup_setup, tmp_path)
    verifier.variables["vex_backup_notifications"] = channels(sink)
    proving = verifier.run()
    assert proving.status != 0
    (chat,), (hook,), _pings = sort(sink)
    assert hook["event"] == "proof_failed"
    assert hook["title"] == chat["title"] == proving.mails[0]["Subject"]
    problem = f"no whole backup in the bucket of: {backup_setup.hostname}"
    facts = hook["facts"]
    assert (facts["hostname"], facts["failures"], facts["proven"]) == (VERIFIER, 1, [])
    assert facts["problems"][-1] == problem
    assert problem in chat["message"]
    assert CANARY not in proving.output
