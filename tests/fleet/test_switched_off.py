"""A host that is switched off during a backup of the fleet is reported; the other hosts are backed up."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.fleet.conftest import RECIPES
from tests.fleet.fleet import SAMPLE, Member, backup
from tests.integration.log_db import run_module
from tests.integration.watching import DAILY, Watch
from tests.playbook import ATTACHMENTS, LogDatabase, attachments_of
from tests.servers.smtp import SmtpSink
from tests.web.people import make_person
from tests.web.visitor import Visitor
from webstatus.app import create_app
from webstatus.settings import load

# ansible-playbook's exit status.
UNREACHABLE = 4
OFF = "mysql-2"
TOKEN = "of-a-test" * 2


def test_the_others_are_backed_up_and_it_is_overdue(
    join: Callable[[str], Member], inventory_directory: Path, smtp: SmtpSink, tmp_path: Path
) -> None:
    members = {name: join(name) for name in RECIPES}
    for member in members.values():
        member.create_account()
        member.host.execute(*SAMPLE)
    off = members[OFF]
    off.host.switch_off()
    try:
        outcomes = backup(list(members.values()), inventory_directory)
    finally:
        off.switch_on()
        for member in members.values():
            member.host.execute("DROP DATABASE sample")
    for name in RECIPES.keys() - {OFF}:
        outcome = outcomes[name]
        assert outcome.backup["status_backup"] in {1, 2}, outcome.output
        assert outcome.upload["status_upload"] == 1
        assert outcome.upload["caminho_arquivo"] == outcome.key
        assert sorted(attachments_of(outcome.mail)) == ATTACHMENTS
    unreached = outcomes[OFF]
    assert unreached.status == UNREACHABLE, unreached.output
    assert f"fatal: [{off.hostname}]: UNREACHABLE!" in unreached.output
    assert (unreached.backups, unreached.mails, unreached.keys) == ([], [], [])

    expect_since_days(off)
    told = Watch(off.control.log_database, smtp, tmp_path)
    ((subject, text),) = told().mails
    assert off.hostname in subject
    assert re.search(
        rf"- {off.hostname}: previsto para .* UTC, tolerância de 60 min; último backup: \d\d/\d\d/20", text
    )
    assert told().mails == [], "once"
    assert_overdue(off.control.log_database, off.hostname)


def expect_since_days(member: Member) -> None:
    """Give a host a nightly schedule, and no backup in the last nights."""
    database = member.control.log_database
    user, password = database.writer
    login = {
        "login_unix_socket": database.server.socket,
        "login_user": user,
        "login_password": password,
        "login_database": database.name,
    }
    schedule = {"schedule": DAILY, "time_zone": "UTC", "tolerance_minutes": 60}
    recorded = run_module("backup_server_record", {**login, "hostname": member.hostname, **schedule})
    assert recorded["changed"], recorded
    database.server.execute(
        f"INSERT INTO {database.name}.backup_log (run_uuid, hostname, data_inicio, data_encerramento, status_backup)"
        f" SELECT UUID(), '{member.hostname}', UTC_TIMESTAMP() - INTERVAL 3 DAY, UTC_TIMESTAMP() - INTERVAL 3 DAY, 1"
    )


def assert_overdue(database: LogDatabase, hostname: str) -> None:
    """Check that the dashboard and the metrics show the host as overdue."""
    user, password = database.web
    settings = {
        "secret_key": TOKEN * 2,
        "log_db_unix_socket": database.server.socket,
        "log_db_name": database.name,
        "log_db_user": user,
        "log_db_password": password,
        "plain_http": "true",
        "metrics_token": TOKEN,
    }
    app = create_app(load(**settings))
    try:
        board = Visitor(app).log_in(make_person(settings, "Cliente")).get("/dashboard").text
        metrics = Visitor(app).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    finally:
        app.state.database.close()
    (row,) = [row for row in re.findall(r"<tr.*?</tr>", board, re.DOTALL) if hostname in row]
    assert 'class="status status-error"' in row
    assert "Atrasado" in row
    assert f'vex_backup_overdue{{server="{hostname}"}} 1.0' in metrics
    assert f'vex_backup_server_safe{{server="{hostname}"}} 0.0' in metrics
