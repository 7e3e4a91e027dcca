"""What machines watch: whether the app works, and the servers' backups as metrics."""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from webstatus.queries import dashboard, fleet
from webstatus.queries.fleet import Run, State
from webstatus.security.guard import Context

STATUSES = {fleet.RUNNING: "running", fleet.SUCCESS: "success", fleet.WARNING: "warning", fleet.ERROR: "error"}
MEGABYTE = 1_000_000


def healthz(context: Context) -> Response:
    """Whether the log database answers and has the schema: the session says so before anything is asked of it."""
    context.session.execute(text("SELECT 1"))
    return JSONResponse({"status": "ok"})


def metrics(context: Context) -> Response:
    """Every server's backups, for Prometheus; docs/reference/metrics.md says what each means."""
    registry = CollectorRegistry(auto_describe=False)
    today = dashboard.today(context.session, context.now, context.zone)
    registry.register(Fleet(fleet.fleet(context.session), context.now, today))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class Fleet(Collector):
    """The metrics of one moment.

    :param now: UTC without a zone
    :param today: the backups that began today, by status
    """

    def __init__(self, servers: Iterable[State], now: datetime.datetime, today: dict[int, int]) -> None:
        self._servers = list(servers)
        self._now = now
        self._today = today

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        backups = [(state.hostname, state.backup) for state in self._servers if state.backup]
        yield _per_server(
            "vex_backup_last_success_timestamp_seconds",
            "When the server's last backup ended, as a Unix time.",
            ((hostname, calendar.timegm(run.finished.timetuple())) for hostname, run in backups),
        )
        yield _per_server(
            "vex_backup_last_success_age_seconds",
            "Seconds since the server's last backup ended.",
            ((hostname, (self._now - run.finished).total_seconds()) for hostname, run in backups),
        )
        yield _per_server(
            "vex_backup_last_success_duration_seconds",
            "Seconds that the server's last backup took.",
            ((hostname, (run.finished - run.start).total_seconds()) for hostname, run in backups),
        )
        yield _per_server(
            "vex_backup_last_success_dump_bytes",
            "Size of the last backup's dump, to two decimals of a megabyte.",
            ((hostname, float(run.size) * MEGABYTE) for hostname, run in backups if run.size is not None),
        )
        yield _per_server(
            "vex_backup_last_success_archive_bytes",
            "Size of the last backup's uploaded archive, to two decimals of a megabyte.",
            ((host, float(run.archive_size) * MEGABYTE) for host, run in backups if run.archive_size is not None),
        )
        yield _per_server(
            "vex_backup_last_status",
            "Status of the server's last run that ended: 1 success, 2 warning, 3 error.",
            ((state.hostname, state.last.status) for state in self._servers if state.last),
        )
        yield _per_server(
            "vex_backup_last_upload_ok",
            "Whether the last run's upload is whole, or there was none to make.",
            ((state.hostname, _is_uploaded(state.last)) for state in self._servers if state.last),
        )
        yield _per_server(
            "vex_backup_overdue",
            "Whether a backup should have been made by the server's schedule and tolerance, and was not.",
            ((state.hostname, state.is_overdue(self._now)) for state in self._servers if state.schedule),
        )
        yield _per_server(
            "vex_backup_server_safe",
            "Whether the server has the backup that it should have.",
            ((state.hostname, not state.condition(self._now).is_danger) for state in self._servers),
        )
        proofs = [(state.hostname, state.proof) for state in self._servers if state.proof]
        yield _per_server(
            "vex_backup_last_proof_timestamp_seconds",
            "When a backup of the server was last proven to restore, as a Unix time.",
            ((hostname, calendar.timegm(proof.end.timetuple())) for hostname, proof in proofs),
        )
        yield _per_server(
            "vex_backup_last_proof_age_seconds",
            "Seconds since then.",
            ((hostname, (self._now - proof.end).total_seconds()) for hostname, proof in proofs),
        )
        yield _per_server(
            "vex_backup_last_proof_recovery_seconds",
            "Seconds that it took to have the data back.",
            ((hostname, proof.recovery.total_seconds()) for hostname, proof in proofs),
        )
        runs = GaugeMetricFamily("vex_backup_runs_today", "Runs that began today, by status.", labels=["status"])
        for status, word in STATUSES.items():
            runs.add_metric([word], self._today.get(status, 0))
        yield runs


def _is_uploaded(run: Run) -> bool:
    return run.status in fleet.IS_BACKUP and run.is_uploaded


def _per_server(name: str, meaning: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=["server"])
    for hostname, value in values:
        family.add_metric([hostname], value)
    return family
