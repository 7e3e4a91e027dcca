"""The command ``vex-backup`` of a host, run as cron and people run it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.roles.host.files.vex_backup_host import cli
from ansible_collections.vex.backup.roles.host.files.vex_backup_host.places import COLLECTION, Places
from tests.playbook import ROOT, Installation, write_private


class Command:
    """The command ``vex-backup`` on *host*, whose variables a test may change before a call."""

    def __init__(self, host: Installation, directory: Path) -> None:
        self.host = host
        self.release = directory / "release"
        names = ("settings", "home", "logs")
        for name in names:
            (directory / name).mkdir(mode=0o700, parents=True)
        self.places = Places(str(self.release), "server", *(str(directory / name) for name in names))
        self._install()

    def __call__(self, *arguments: str, **changes: Any) -> int:
        variables = {**self.host.variables, **{f"vex_backup_{name}": value for name, value in changes.items()}}
        write_private(Path(self.places.configuration), {"all": {"hosts": {self.host.hostname: variables}}})
        return cli.main(str(self.release), arguments)

    def _install(self) -> None:
        collection = self.release / COLLECTION
        collection.mkdir(parents=True)
        for part in (ROOT / COLLECTION).iterdir():
            (collection / part.name).symlink_to(part)
        (collection / "MANIFEST.json").write_text(json.dumps({"collection_info": {"version": "1.2.3"}}))
        (self.release / "venv").symlink_to(Path(sys.prefix))
        (self.release / "complete").touch()
