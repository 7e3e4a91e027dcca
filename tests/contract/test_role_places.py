"""No other role writes into the folders of the role host, which uninstalling removes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROLES = Path(__file__).parents[2] / "collections/ansible_collections/vex/backup/roles"


@pytest.mark.parametrize("role", sorted(path.name for path in ROLES.iterdir() if path.name != "host"))
def test_no_other_role_writes_there(role: str) -> None:
    host = yaml.safe_load((ROLES / "host/vars/main.yml").read_text())
    folders = [Path(host["vex_backup_host_home"]), Path(host["vex_backup_host_logs"])]
    defaults = yaml.safe_load((ROLES / role / "defaults/main.yml").read_text())
    paths = [Path(value) for value in defaults.values() if str(value).startswith("/")]
    assert [path for path in paths for folder in folders if path.is_relative_to(folder)] == []
