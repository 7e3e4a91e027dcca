"""Backups of MySQL 9.7 and MariaDB 11.8 over SSH."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fleet.conftest import RECIPES
from tests.fleet.fleet import SAMPLE, Member, backup
from tests.playbook import ATTACHMENTS, attachments_of


def test_one_command_backs_up_all_hosts(join: Callable[[str], Member], inventory_directory: Path) -> None:
    """Each host gets its row, its object and its mail, by a socket or by TCP."""
    members = [join(name) for name in RECIPES]
    by_tcp = members[1]
    by_tcp.variables["vex_backup_login_host"] = "127.0.0.1"
    members[0].variables["vex_backup_mode"] = "instance"
    for member in members:
        member.create_account("127.0.0.1" if member is by_tcp else "localhost")
        member.host.execute(*SAMPLE)
    try:
        outcomes = backup(members, inventory_directory)
    finally:
        for member in members:
            member.host.execute("DROP DATABASE sample")
    for member in members:
        outcome = outcomes[member.host.name]
        assert outcome.status == 0, outcome.output
        assert outcome.backup["status_backup"] == 1, outcome.backup["observacao"]
        assert outcome.upload["status_upload"] == 1
        assert outcome.upload["caminho_arquivo"] == outcome.key
        assert sorted(attachments_of(outcome.mail)) == ATTACHMENTS
        assert not outcome.unfinished
