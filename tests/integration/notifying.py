"""Calls of ``backup_notify`` and ``backup_ping``, and the schema of what webhooks get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._notify.channels import NotifyRequest, notify
from ansible_collections.vex.backup.plugins.module_utils._notify.ping import PingRequest, ping

EVENTS = ["success", "warning", "error", "overdue", "proof_failed"]
TITLE = "Rotina de backup db1 20/07/2025 16:15:23"
TEXT = "Status Backup: Sucesso\nBanco de dados: vendas, <b>ação</b>"
# Parts of URLs that must be nowhere but in the requests.
CANARY = "canary5e1f"

SCHEMA = Path(__file__).parents[2] / "docs/reference/webhook.schema.json"


def assert_documented(body: Any) -> None:
    """Check the body that a webhook got against the documented schema."""
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(body)


class Notifier:
    """The calls of ``backup_notify`` for one list of channels and one spool."""

    def __init__(self, folder: Path, *channels: dict[str, Any]) -> None:
        self.channels = list(channels)
        self.run_log = folder / "backup_script.log"
        self.spool = folder / "spool"
        self.options: dict[str, Any] = {
            "event": "error",
            "resolved": False,
            "title": TITLE,
            "text": TEXT,
            "facts": {"hostname": "db1", "status": 3},
            "log_file": None,
            "timeout": 60,
            "patience": 0,
            "spool_dir": str(self.spool),
        }

    def __call__(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        defaults = {"url": None, "webhook": None, "key": None, "on": EVENTS, "with_log": False}
        channels = [{**defaults, **channel} for channel in self.channels]
        request = NotifyRequest(channels=channels, **{**self.options, **options})
        return notify(request, RunLog(str(self.run_log)), check_mode)

    def only_kept(self) -> dict[str, Any]:
        """Send only what is kept."""
        return self(event=None, title=None, text=None)

    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.spool / "messages").glob("*"))

    def written(self) -> str:
        """Return the text of every file that the calls wrote: the log and the spool."""
        files = [self.run_log, *(self.spool / "messages").glob("*")]
        return "".join(path.read_text() for path in files if path.exists())


def call_ping(url: str, folder: Path, **options: Any) -> dict[str, Any]:
    """Call ``backup_ping``; the run's log is in *folder*."""
    check_mode = options.pop("check_mode", False)
    defaults = {"state": "success", "run_uuid": None, "log_file": None, "timeout": 60, "patience": 0}
    request = PingRequest(url=url, **{**defaults, **options})
    return ping(request, RunLog(str(folder / "backup_script.log")), check_mode)
