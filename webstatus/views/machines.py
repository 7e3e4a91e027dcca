"""The endpoints for programs: the health check, and the servers' backups as metrics."""

from __future__ import annotations

import calendar
import datetime
import decimal
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from webstatus.queries import dashboard, fleet
from webstatus.queries.fleet import State
from webstatus.security.guard import Context

STATUSES = {fleet.RUNNING: "running", fleet.SUCCESS: "success", fleet.WARNING: "warning", fleet.ERROR: "error"}
MEGABYTE = 1_000_000


class Gauge(NamedTuple):
    """A metric with one value for each server; ``value`` takes the server and the time, ``None`` is no value."""

    name: str
    meaning: str
    value: Callable[[State, datetime.datetime], float | None]


def unix_time(moment: datetime.datetime) -> float:
    """Return a time (UTC without a zone) as seconds since 1970."""
    return calendar.timegm(moment.timetuple())


def bytes_of(size: decimal.Decimal | None) -> float | None:
    """Return a size in megabytes as bytes."""
    return None if size is None else float(size) * MEGABYTE


GAUGES = (
    Gauge(
        "vex_backup_last_success_timestamp_seconds",
        "Unix time at which the server's last backup ended. A backup is a run that ended with success or warning.",
        lambda state, _now: unix_time(state.backup.finished) if state.backup else None,
    ),
    Gauge(
        "vex_backup_last_success_age_seconds",
        "Seconds since the server's last backup ended.",
        lambda state, now: (now - state.backup.finished).total_seconds() if state.backup else None,
    ),
    Gauge(
        "vex_backup_last_success_duration_seconds",
        "Duration of the server's last backup, in seconds.",
        lambda state, _now: (state.backup.finished - state.backup.start).total_seconds() if state.backup else None,
    ),
    Gauge(
        "vex_backup_last_success_dump_bytes",
        "Size of the last backup's dump in bytes, rounded to 10,000.",
        lambda state, _now: bytes_of(state.backup.size) if state.backup else None,
    ),
    Gauge(
        "vex_backup_last_success_archive_bytes",
        "Size of the last backup's uploaded archive in bytes, rounded to 10,000.",
        lambda state, _now: bytes_of(state.backup.archive_size) if state.backup else None,
    ),
    Gauge(
        "vex_backup_last_success_size_alarms",
        "Alarms of sizes in the server's last backup, such as tables that vanished; absent when not compared.",
        lambda state, _now: state.backup.size_alarms if state.backup else None,
    ),
    Gauge(
        "vex_backup_last_status",
        "Status of the server's last finished run: 1 success, 2 warning, 3 error.",
        lambda state, _now: state.last.status if state.last else None,
    ),
    Gauge(
        "vex_backup_last_upload_ok",
        "1 when the last finished run was a backup, uploaded to all its destinations or without an upload, else 0.",
        lambda state, _now: state.last.status in fleet.IS_BACKUP and state.last.is_uploaded if state.last else None,
    ),
    Gauge(
        "vex_backup_overdue",
        "1 when a backup is overdue by the server's schedule and tolerance, else 0; only servers with a schedule.",
        lambda state, now: state.is_overdue(now) if state.schedule else None,
    ),
    Gauge(
        "vex_backup_server_safe",
        "1 when the server has the backup that it should have, as on the dashboard, else 0.",
        lambda state, now: not state.condition(now).is_danger,
    ),
    Gauge(
        "vex_backup_last_proof_timestamp_seconds",
        "Unix time at which a backup of the server was last proven to restore.",
        lambda state, _now: unix_time(state.proof.end) if state.proof else None,
    ),
    Gauge(
        "vex_backup_last_proof_age_seconds",
        "Seconds since a backup of the server was last proven to restore.",
        lambda state, now: (now - state.proof.end).total_seconds() if state.proof else None,
    ),
    Gauge(
        "vex_backup_last_proof_recovery_seconds",
        "Seconds that the restore in the server's last proof took.",
        lambda state, _now: state.proof.recovery.total_seconds() if state.proof else None,
    ),
)


def healthz(context: Context) -> Response:
    """Answer whether the log database responds; opening the session has checked the version of its schema."""
    context.session.execute(text("SELECT 1"))
    return JSONResponse({"status": "ok"})


def metrics(context: Context) -> Response:
    """Answer with every server's backups, for Prometheus; docs/reference/metrics.md explains each metric."""
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
        """Yield every metric."""
        yield self._uploads()
        for gauge in GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=["server"])
            for state in self._servers:
                value = gauge.value(state, self._now)
                if value is not None:
                    family.add_metric([state.hostname], value)
            yield family
        runs = GaugeMetricFamily("vex_backup_runs_today", "Runs that started today, by status.", labels=["status"])
        for status, word in STATUSES.items():
            runs.add_metric([word], self._today.get(status, 0))
        yield runs

    def _uploads(self) -> Metric:
        family = GaugeMetricFamily(
            "vex_backup_last_upload_status",
            "Status of the last finished run's upload to each destination: 1 success, 2 warning, 3 error.",
            labels=["server", "destination"],
        )
        for state in self._servers:
            for copy in state.last.copies if state.last else ():
                family.add_metric([state.hostname, copy.destination], copy.status)
        return family
