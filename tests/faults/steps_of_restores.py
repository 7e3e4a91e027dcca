"""The modules that the role ``restore`` calls, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.faults.interference import Failed, Interference, Options, Result, require

if TYPE_CHECKING:
    from tests.faults.steps import Host


class Restoring:
    """One restore: ``roles/restore/tasks/main.yml``."""

    def __init__(self, host: Host, interference: Interference, socket: str) -> None:
        self._host = host
        self._interference = interference
        self._target = {"login_unix_socket": socket, "login_user": "root", "overwrite": True}
        self._folder = host.folder / "restore"
        self._log = str(self._folder / "restore.log")

    def run(self) -> str:
        """Restore; return the problem."""
        found = self._step(
            "find",
            "backup_download",
            {
                **self._host.destined,
                "hostname": self._host.hostname,
                "dest": str(self._folder),
                "manifest_only": True,
                "_ansible_check_mode": False,
            },
        )
        chosen = found["chosen"]
        opened = self._record("open", status=0, close_others=True, backup_run_uuid=found["backup"]["run_uuid"])
        problem = ""
        loaded: Result = {}
        try:
            loaded = self._load(chosen)
        except Failed as failed:
            problem = str(failed)
        self._record(
            "close",
            run_uuid=opened["run_uuid"],
            status=3 if problem else loaded["status"],
            notes=[f"[ERROR] {problem}"] if problem else [],
        )
        return problem

    def _load(self, chosen: Result) -> Result:
        place = self._folder / chosen["name"]
        log = {"run_log": self._log}
        downloaded = self._step(
            "download", "backup_download", {**self._host.destined, **log, "key": chosen["key"], "dest": str(place)}
        )
        self._step("unpack", "unarchive_7z", {**log, "src": downloaded["archive"], "dest": str(place)})
        return self._step(
            "load",
            "mysql_restore",
            {
                **self._target,
                **log,
                "path": str(place / chosen["name"]),
                "manifest": downloaded["manifest"],
                "discard": True,
            },
        )

    def _record(self, step: str, **options: Any) -> Result:
        record = self._host.record(kind="restore", server=self._host.hostname, run_log=self._log, **options)
        return self._step(step, "restore_log_record", record)

    def _step(self, step: str, module: str, options: Options) -> Result:
        return require(self._interference.run(self._host.modules, step, module, options), step)
