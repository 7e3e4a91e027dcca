"""The modules that the roles ``backup``, ``restore`` and ``verify`` call, in their order, without Ansible between them.

A kill at every failpoint needs hundreds of runs, and a playbook takes ten times as long as its modules.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.vex.backup.plugins.module_utils._common import backup_key
from ansible_collections.vex.backup.plugins.plugin_utils import run_outcome, run_stages, verify_outcome
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import Target
from tests.destinations import destined
from tests.faults.interference import Failed, Interference, Killed, Options, Result, require
from tests.faults.module_server import Ended, ModuleServer
from tests.faults.steps_of_restores import Restoring
from tests.playbook import Installation


class Host:
    """A host whose backups are made, restored and proven module by module.

    :param installation: its configuration
    :param folder: for restores and proofs
    """

    def __init__(self, installation: Installation, modules: ModuleServer, folder: Path) -> None:
        self.installation = installation
        self.modules = modules
        self.folder = folder
        given = {name.removeprefix("vex_backup_"): value for name, value in installation.variables.items()}
        self._source = {name: given[name] for name in ("login_unix_socket", "login_user", "login_password")}
        self._log_db = {
            "login_unix_socket": given["log_db_unix_socket"],
            "login_user": given["log_db_user"],
            "login_password": given["log_db_password"],
            "login_database": given["log_db_name"],
        }
        self.store = {
            **{name: given[f"s3_{name}"] for name in ("endpoint_url", "access_key", "secret_key", "bucket")},
            "patience": 0,
        }
        self.destined = destined(self.store)
        self._mail = {
            **{name: given[name] for name in ("smtp_host", "smtp_port", "smtp_security")},
            "sender": given["mail_from"],
            "recipients": given["mail_to"],
            "timeout": 10,
            "patience": 0,
        }
        self.work = installation.work
        self.hostname = installation.hostname

    def backup(self, interference: Interference | None = None, **changes: Any) -> run_outcome.Outcome:
        """Make a backup, as the role does; *changes* are options of single steps, by ``step__option``.

        :raises Killed: when a module died
        """
        return _Backup(self, interference or Interference(), changes).run()

    def prove(self, interference: Interference | None = None) -> verify_outcome.Proof:
        """Prove the newest backup, as the role does.

        :raises Killed: when a module died
        """
        return _Proving(self, interference or Interference()).run()

    def restore(self, socket: str, interference: Interference | None = None) -> str:
        """Restore the newest backup into the server with this *socket*; return the problem, empty for none.

        :raises Killed: when a module died
        """
        return Restoring(self, interference or Interference(), socket).run()

    def prune(self, interference: Interference | None = None) -> Result:
        """Apply retention in the bucket, as ``vex-backup prune`` does; keep the newest backup.

        :raises Killed: when the module died
        """
        options = {**self.destined, **self.record(), "keep_last": 1, "unfinished_days": 1}
        return (interference or Interference()).run(self.modules, "prune", "backup_prune", options).result

    def record(self, **options: Any) -> Options:
        """Return the options of a module that writes records."""
        return {
            **self._log_db,
            "spool_dir": str(self.installation.spool),
            "hostname": self.hostname,
            "patience": 0,
            **options,
        }

    def mail(self, run_log: str, **options: Any) -> Options:
        """Return the options of ``backup_mail``."""
        return {
            **self._mail,
            "spool_dir": str(self.installation.spool),
            "run_log": run_log,
            **options,
        }

    @property
    def source(self) -> Options:
        """The login to the server that is backed up."""
        return self._source


class _Backup:
    """One backup: ``roles/backup/tasks/main.yml``."""

    def __init__(self, host: Host, interference: Interference, changes: Mapping[str, Any]) -> None:
        self._host = host
        self._interference = interference
        self._changes = changes
        self._results: dict[str, Result] = {}
        self._failure: run_stages.Failure | None = None

    def run(self) -> run_outcome.Outcome:
        """Make the backup."""
        host = self._host
        opened = self._step(
            "open",
            "backup_log_record",
            host.record(stage="dump", status=0, work_dir=str(host.work), abandoned_after=0),
        )
        if opened.failed:
            raise Killed(opened.message)
        self._results["opened"] = opened.result
        name = opened.result["name"]
        self._path = host.work / name
        self._archive = f"{self._path}.zip"
        self._run_log = f"{self._path}.logs/backup_script.log"
        self._key = backup_key.build("", host.hostname, name, "zip")
        self._identity = {"run_uuid": opened.result["run_uuid"]}
        target = Target("s3", "s3", str(host.store["bucket"]), self._key)
        self._plan = run_stages.Plan(host.hostname, name, f"{name}.zip", str(self._path), True, True, [target])
        for make in (self._dump, self._pack, self._upload):
            if self._failure is None:
                make()
        self._close()
        return self._decide()

    def _dump(self) -> None:
        self._stage(
            "dump",
            "mysql_dump",
            {
                **self._host.source,
                **self._identity,
                "path": str(self._path),
                "dump_log": f"{self._path}.logs/mydumper_log.log",
                "hostname": self._host.hostname,
                "threads": 2,
                "space_factor": 0,
                "keep_failed": 0,
            },
        )

    def _pack(self) -> None:
        if self._record("record pack", stage="pack", status=0, backup=self._decide().backup).failed:
            self._failure = run_stages.Failure("record pack", "the module died")
            return
        self._stage("pack", "archive_7z", {"source": str(self._path), "dest": self._archive, "remove_source": True})

    def _upload(self) -> None:
        decided = self._decide()
        begun = {"backup": decided.backup, "uploads": decided.begun}
        if self._record("record upload", stage="upload", status=0, **begun).failed:
            self._failure = run_stages.Failure("record upload", "the module died")
            return
        options = {
            **self._host.store,
            **self._identity,
            "src": self._archive,
            "manifest": f"{self._archive}.manifest.json",
            "key": self._key,
            "metadata": {"run-uuid": self._identity["run_uuid"]},
            "part_size": 5,
            "run_log": self._run_log,
        }
        ended = self._step("upload", "s3_upload", options)
        # Its failure ends no other step, as in the role.
        self._results["uploads"] = {"s3": {**ended.result, **({"msg": ended.message} if ended.failed else {})}}

    def _close(self) -> None:
        host, decided = self._host, self._decide()
        closed = self._record(
            "close",
            stage="mail",
            status=decided.status,
            backup=decided.backup,
            run_log_file=self._run_log,
            dump_log_file=f"{self._path}.logs/mydumper_log.log",
            uploads=decided.uploads,
        )
        self._results["closed"] = closed.result
        if decided.uploaded:
            self._prune(decided)
        decided = self._decide()
        text = f"{decided.status} {decided.upload_state} {'; '.join(decided.problems)}"
        mail = self._step(
            "mail",
            "backup_mail",
            host.mail(
                self._run_log,
                subject=f"Rotina de backup {host.hostname} {self._plan.name}",
                text=text,
                attachments=[{"path": self._run_log}],
            ),
        )
        self._results["mail"] = mail.result
        if decided.pending:
            self._earlier()
        decided = self._decide()
        if decided.late_problems:
            self._record("late", stage="mail", status=decided.status, backup={"notes": decided.backup["notes"]})

    def _prune(self, decided: run_outcome.Outcome) -> None:
        host = self._host
        options = {
            **host.destined,
            **host.record(),
            "run_log": self._run_log,
            "work_dir": str(host.work),
            "name": self._plan.name,
            "complete": decided.may_prune,
            "keep_local": 1,
            # A run that was killed a moment ago is over.
            "abandoned_after": 0,
            "keep_failed": 0,
            "keep_last": 1,
            "unfinished_days": 1,
        }
        self._results["prune"] = self._step("prune", "backup_prune", options).result

    def _earlier(self) -> None:
        host = self._host
        options = {**host.destined, **host.record(), "work_dir": str(host.work), "name": self._plan.name}
        ended = self._step("earlier", "backup_upload", {**options, "run_log": self._run_log})
        self._results["earlier"] = {"s3": ended.result}

    def _record(self, step: str, **options: Any) -> Ended:
        return self._step(step, "backup_log_record", self._host.record(**self._identity, **options))

    def _stage(self, name: str, module: str, options: Options) -> None:
        ended = self._step(name, module, {**options, "run_log": self._run_log})
        self._results[name] = ended.result
        if ended.failed:
            self._failure = run_stages.Failure(name, ended.message)

    def _step(self, step: str, module: str, options: Options) -> Ended:
        own = {name.partition("__")[2]: value for name, value in self._changes.items() if name.startswith(f"{step}__")}
        return self._interference.run(self._host.modules, step, module, {**options, **own})

    def _decide(self) -> run_outcome.Outcome:
        return run_outcome.decide(self._plan, run_stages.Stages(**self._results, failure=self._failure))


class _Proving:
    """One proof: ``roles/verify/tasks/main.yml``."""

    def __init__(self, host: Host, interference: Interference) -> None:
        self._host = host
        self._interference = interference
        self._folder = host.folder / "verify"
        # Each run has logs of its own, which tell it from others.
        logs = host.folder / "logs" / f"verify_{secrets.token_hex(4)}.logs"
        logs.mkdir(parents=True)
        self._log = str(logs / "verify.log")
        self._scratch = {"path": str(self._folder), "abandoned_after": 0, "run_log": self._log}

    def run(self) -> verify_outcome.Proof:
        """Prove the newest backup."""
        host = self._host
        work = Path(self._step("claim", "mysql_scratch", {**self._scratch, "state": "claimed"})["work"])
        listed = self._step("list", "backup_info", {**host.destined, "hostname": host.hostname})
        (backup, *_others) = verify_outcome.choose(listed["backups"], [host.hostname]).chosen
        opened = self._record("open", status=0, close_others=True)
        stages = verify_outcome.Stages()
        try:
            stages = self._restore_and_compare(backup, work, opened["run_uuid"])
        except Failed as failed:
            stages = verify_outcome.Stages(failure=str(failed))
        proof = verify_outcome.prove(backup, stages)
        known = {name: getattr(proof, name) for name in ("tables", "rows", "compared") if not proof.problem}
        self._record("close", run_uuid=opened["run_uuid"], status=proof.status, notes=proof.notes, **known)
        self._step("mail", "backup_mail", host.mail(self._log, subject=f"proof {proof.status}", text=proof.problem))
        self._step("remove", "mysql_scratch", {**self._scratch, "state": "absent"})
        return proof

    def _restore_and_compare(self, backup: Result, work: Path, run_uuid: str) -> verify_outcome.Stages:
        host, log = self._host, {"run_log": self._log}
        downloaded = self._step(
            "download", "backup_download", {**host.destined, **log, "key": backup["key"], "dest": str(work)}
        )
        unpack = {**log, "src": downloaded["archive"], "dest": str(work)}
        self._step("unpack", "unarchive_7z", unpack)
        scratch = self._step("scratch", "mysql_scratch", {**self._scratch, "product": "mariadb", "user": "root"})
        server = {"login_unix_socket": scratch["socket"], "login_user": "root", **log}
        dump = str(work / backup["name"])
        load = {**server, "path": dump, "manifest": downloaded["manifest"], "make_definers": True}
        loaded = self._step("load", "mysql_restore", load)
        self._record("record load", run_uuid=run_uuid, restored=loaded["restore_finished"])
        redump = {
            **server,
            "path": str(work / "restored"),
            "dump_log": f"{self._log}.dump",
            "compression": "none",
            "keep_failed": 0,
        }
        self._step("dump", "mysql_dump", redump)
        compare = {**log, "manifest": downloaded["manifest"], "dump": dump, "restored": str(work / "restored")}
        stages = verify_outcome.Stages(downloaded, loaded, self._step("compare", "backup_compare", compare))
        proof = verify_outcome.prove(backup, stages)
        written = {
            "key": backup["key"],
            "hostname": host.hostname,
            "server_version": scratch["server_version"],
            "sha256": downloaded["sha256"],
            **{name: getattr(proof, name) for name in ("tables", "rows", "recovery_seconds", "compared")},
            "notes": stages.compared["notes"],
        }
        self._step("proof", "backup_proof", {**host.destined, **written})
        return stages

    def _record(self, step: str, **options: Any) -> Result:
        record = self._host.record(kind="verify", server=self._host.hostname, run_log=self._log, **options)
        return self._step(step, "restore_log_record", record)

    def _step(self, step: str, module: str, options: Options) -> Result:
        return require(self._interference.run(self._host.modules, step, module, options), step)
