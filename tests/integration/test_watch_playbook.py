"""``playbooks/watch.yml``: its mails, each sent once, and its error messages."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.watching import DUE, NOW, Watch
from tests.playbook import LogDatabase, away
from tests.servers.mariadb import MariaDB
from tests.servers.smtp import SmtpSink

SHOWN = "%d/%m/%Y %H:%M:%S"


@pytest.fixture(scope="module")
def database(log_mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogDatabase]:
    """Return a log database of this module's own, since the watch reports all servers of a database."""
    made = LogDatabase(log_mariadb, tmp_path_factory.mktemp("database"))
    made.create()
    yield made
    log_mariadb.execute(f"DROP DATABASE {made.name}")


@pytest.fixture
def watch(database: LogDatabase, smtp: SmtpSink, tmp_path: Path) -> Iterator[Watch]:
    """Return a watch of ``database``, without servers and runs."""
    yield Watch(database, smtp, tmp_path)
    tables = ("backup_log", "servidor")
    database.server.execute(f"USE {database.name}", *(f"DELETE FROM {table}" for table in tables))


def test_each_server_is_reported_once_until_it_recovers(watch: Watch) -> None:
    for hostname in ("db-atrasado", "db-nunca", "db-em-dia"):
        watch.expect(hostname)
    watch.run("db-atrasado", hours_ago=72)
    watch.run("db-em-dia", hours_ago=1)
    first = watch()
    assert first.status == 0, first.output
    ((subject, text),) = first.mails
    assert subject == "Backups atrasados ou interrompidos: db-atrasado, db-nunca"
    due = (NOW - datetime.timedelta(hours=72)).replace(hour=DUE, minute=0, second=0)
    due += datetime.timedelta(days=due < NOW - datetime.timedelta(hours=72))
    last = NOW - datetime.timedelta(hours=72)
    says = f"previsto para {due:{SHOWN}} UTC, tolerância de 60 min; último backup: {last:{SHOWN}}"
    assert f"- db-atrasado: {says}" in text
    assert "- db-nunca: previsto para " in text
    assert "último backup: nenhum" in text
    assert "vex-backup check" in text
    assert "db-em-dia" not in text
    assert watch().mails == []

    watch.run("db-atrasado", hours_ago=0)
    (recovered,) = watch().mails
    assert recovered[0] == "Backups em dia de novo: db-atrasado"
    assert "Servidores que voltaram a ter backup\n  - db-atrasado\n" in recovered[1]

    watch.database.server.execute(
        f"UPDATE {watch.database.name}.backup_log SET data_inicio = data_inicio - INTERVAL 3 DAY"
    )
    ((subject, text),) = watch(language="en").mails
    assert subject == "Backups overdue or interrupted: db-atrasado, db-em-dia"
    # The recovery was reported before.
    assert "Servers that have a backup again" not in text


def test_a_report_that_was_not_mailed_is_mailed_later_and_once(watch: Watch) -> None:
    watch.expect("db-nunca")
    lacking = watch(mail_to=[])
    assert lacking.status == 2
    assert "Set vex_backup_mail_from and vex_backup_mail_to" in " ".join(lacking.output.split())
    watch.smtp.mode = "refuse"
    stuck = watch()
    assert stuck.status != 0
    assert "the mail server 127.0.0.1:" in stuck.output
    still = watch()
    assert still.status != 0, still.output
    assert "mails kept in" in still.output
    watch.smtp.mode = "normal"
    healed = watch()
    assert healed.status == 0, healed.output
    assert [subject for subject, _ in healed.mails] == ["Backups atrasados ou interrompidos: db-nunca"]
    assert watch().mails == []


def test_an_abandoned_run_is_closed_and_reported_once(watch: Watch) -> None:
    watch.run("db-morto", hours_ago=49, status=0)
    watch.run("db-lento", hours_ago=20, status=0)
    foreseen = watch("--check")
    assert (foreseen.status, foreseen.mails) == (0, [])
    done = watch()
    assert done.status == 0, done.output
    ((subject, text),) = done.mails
    assert subject == "Backups atrasados ou interrompidos: db-morto"
    says = "has not ended after 48 hours, in stage dump; closed by the watch"
    assert says in text
    rows = watch.database.rows("SELECT hostname, status_backup, observacao FROM backup_log ORDER BY hostname")
    assert [(row["hostname"], row["status_backup"]) for row in rows] == [("db-lento", 0), ("db-morto", 3)]
    assert says in rows[1]["observacao"]
    assert watch().mails == []


def test_an_unreachable_log_database_is_named(watch: Watch) -> None:
    with away(watch.database.server):
        found = watch()
    assert found.status != 0
    said = " ".join(found.output.split())
    assert "so the overdue servers are not known" in said
    assert "the log database does not answer" in said
    assert "Traceback" not in found.output
    assert found.mails == []
