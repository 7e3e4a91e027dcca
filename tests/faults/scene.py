"""A host whose servers are behind proxies that break connections, and what is seen of a run with a fault."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Outcome
from tests.faults.interference import Interference, Options
from tests.faults.module_server import Ended, ModuleServer
from tests.faults.steps import Host
from tests.faults.traces import check_archive_in_bucket, check_nothing_left, check_whole, spooled
from tests.playbook import Installation
from tests.servers.fault_proxy import FaultProxy

# No run with a fault may take longer, in seconds; each waits for a patience of much less.
DEADLINE = 400
WORDS = {None: "none", 0: "open", 1: "success", 2: "warning", 3: "error"}


class Seen(NamedTuple):
    """The outcome of a run with a fault, in words.

    ``backup`` and ``upload`` are the statuses in the tables, else in the record that waits; ``record`` and ``mail`` are
    where these are.
    """

    backup: str
    upload: str
    record: str
    mail: str

    def __str__(self) -> str:
        parts = (f"Backup: {self.backup}", f"upload: {self.upload}", f"record: {self.record}", f"mail: {self.mail}")
        return ", ".join(parts)


class Watched(Interference):
    """A run whose output is kept, with actions before its steps."""

    def __init__(self, before: Mapping[str, Callable[[], object]]) -> None:
        super().__init__()
        self.output = ""
        self.run_uuid = ""
        self._before = before

    def run(self, modules: ModuleServer, step: str, module: str, options: Options) -> Ended:
        """Run one module."""
        if action := self._before.get(step):
            action()
        return super().run(modules, step, module, options)

    def call(self, modules: ModuleServer, module: str, options: Options, environment: Mapping[str, str]) -> Ended:
        """Call the module, and keep its output."""
        ended = super().call(modules, module, options, environment)
        self.output += ended.output
        self.run_uuid = self.run_uuid or ended.result.get("run_uuid", "")
        return ended


class Scene:
    """A host behind proxies.

    :param make: returns an installation
    """

    def __init__(self, make: Callable[[], Installation], modules: ModuleServer, folder: Path) -> None:
        self._exits = contextlib.ExitStack()
        sockets = Path(self._exits.enter_context(tempfile.TemporaryDirectory(prefix="vex-")))
        installation = make()
        store = installation.store.endpoint.rpartition(":")[2]
        self.store = self._exits.enter_context(FaultProxy(("127.0.0.1", int(store))))
        self.mail = self._exits.enter_context(FaultProxy(("127.0.0.1", installation.sink.port)))
        log = installation.log_database.server.socket
        self.log = self._exits.enter_context(FaultProxy(log, sockets / "log"))
        self.source = self._exits.enter_context(FaultProxy(installation.source.socket, sockets / "source"))
        installation.variables.update(
            vex_backup_s3_endpoint_url=f"http://127.0.0.1:{self.store.port}",
            vex_backup_smtp_port=self.mail.port,
            vex_backup_log_db_unix_socket=self.log.path,
            vex_backup_login_unix_socket=self.source.path,
        )
        self.host = Host(installation, modules, folder)
        #: Called before a step of the next run.
        self.before: dict[str, Callable[[], object]] = {}

    def close(self) -> None:
        """End the proxies."""
        self._exits.close()

    def backup(self, changes: Mapping[str, Any]) -> tuple[Seen, str]:
        """Make a backup with the fault; return what is seen, and everything that it says."""
        host = self.host
        host.installation.sink.clear()
        watched = Watched(self.before)
        began = time.monotonic()
        outcome = host.backup(watched, **changes)
        assert time.monotonic() - began < DEADLINE, "the run hung"
        assert "Traceback" not in watched.output, watched.output
        assert not outcome.problems or outcome.verdict == 3
        return self._see(outcome, watched.run_uuid), " ".join(f"{'; '.join(outcome.problems)} {watched.output}".split())

    @contextlib.contextmanager
    def renamed(self, hostname: str) -> Iterator[None]:
        """Give the host another name during the block."""
        host, before = self.host, self.host.hostname
        host.hostname = host.installation.hostname = hostname
        try:
            yield
        finally:
            host.hostname = host.installation.hostname = before

    def recover(self) -> None:
        """Check that everything is whole, make a backup without a fault, and check that nothing else is left."""
        for proxy in (self.store, self.mail, self.log, self.source):
            proxy.set(None)
            proxy.drop_all()
        self.before.clear()
        check_whole(self.host)
        recovered = self.host.backup()
        assert (recovered.status, recovered.problems) == (1, []), recovered.problems
        check_whole(self.host)
        check_nothing_left(self.host)

    def _see(self, outcome: Outcome, run_uuid: str) -> Seen:
        installation = self.host.installation
        rows = installation.log_database.rows("SELECT * FROM backup_log WHERE run_uuid = %s", run_uuid)
        is_written = bool(rows) and rows[0]["status_backup"] == outcome.status
        if is_written:
            assert rows[0]["data_encerramento"] is not None
            query = "SELECT status_upload FROM upload_s3_log WHERE backup_id = %s"
            found = [row["status_upload"] for row in installation.log_database.rows(query, rows[0]["id"])]
            assert found == [outcome.upload_status] * (outcome.upload_status is not None)
        if outcome.upload_status == 1:
            key = outcome.location.partition(f"s3://{installation.store.bucket}/")[2]
            check_archive_in_bucket(self.host, key)
        kinds = {Path(path).parent.name for path in spooled(self.host) if path.endswith(".json")}
        return Seen(
            WORDS[outcome.status],
            WORDS[outcome.upload_status],
            "written" if is_written else "in the spool" if "records" in kinds else "lost",
            "sent" if installation.sink.messages else "in the spool" if "mails" in kinds else "none",
        )
