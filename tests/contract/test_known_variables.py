"""The variables of playbooks, inventories and the command ``vex-backup`` are known to the roles."""

from __future__ import annotations

import re

from ansible_collections.vex.backup.plugins.plugin_utils.known_variables import GIVEN, PREFIX, known_variables
from tests.playbook import ROOT

COLLECTION = ROOT / "collections/ansible_collections/vex/backup"
# Words of the files that are no variables: accounts, groups of hosts and a package.
OTHERS = {"vex_backup_host", "vex_backup_watch", "vex_backup_verify", "vex_backup_writer", "vex_backup_migrator"}
FILES = [
    *ROOT.glob("playbooks/**/*.yml"),
    *ROOT.glob("inventories/**/*.yml"),
    *(COLLECTION / "roles/host/files/vex_backup_host").glob("*.*"),
    *(COLLECTION / "plugins/callback").glob("*.py"),
]


def used() -> set[str]:
    """Return the names in these files."""
    found = {name for path in FILES for name in re.findall(rf"\b{PREFIX}\w+\b", path.read_text("utf-8"))}
    return {name for name in found - OTHERS if not name.endswith("_")}


def test_every_name_is_known() -> None:
    known = known_variables()
    assert used() - known.public - known.internal == set()


def test_no_name_is_listed_that_nothing_uses() -> None:
    assert used() >= GIVEN
