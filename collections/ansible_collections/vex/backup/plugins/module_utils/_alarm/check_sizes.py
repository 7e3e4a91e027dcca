# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The check of a backup's sizes against the last backups of its server, which the log database has."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._alarm.find_alarms import LEAST_BACKUPS, Settings, find_alarms
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.table_filter import TableFilter
from ansible_collections.vex.backup.plugins.module_utils._errors import LogDatabaseUnavailable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    log_database,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.size_history import PastBackup, last_backups
from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import read_manifest, sizes_of

# A mail and a page show the gravest; the run's log has all.
_MOST_SHOWN = 20
_ADVICE = (
    "check the alarms of sizes before retention removes the good backups: `vex-backup hold` keeps one; "
    "vex_backup_alarm_silenced_tables silences tables whose change is wanted"
)


@dataclasses.dataclass(frozen=True)
class AlarmRequest:
    """The options of ``backup_alarm``; ``manifest`` is a file, the other lists are as in ``mysql_dump``."""

    log_database: LogDatabase
    hostname: str
    run_uuid: str
    manifest: str
    drop_percent: int
    silenced_tables: t.Sequence[str]
    databases: t.Sequence[str]
    exclude_databases: t.Sequence[str]
    exclude_tables: t.Sequence[str]


def check_sizes(request: AlarmRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Compare the sizes of a backup with the last backups of its server.

    A log database that is away, or has too few backups, is no failure: then nothing is compared.

    :returns: the module's result
    :raises OptionError: for an option that cannot work
    :raises ManifestUnusable: when the manifest cannot be read
    """
    if not 0 <= request.drop_percent <= 100:
        raise OptionError(f"drop_percent {request.drop_percent} is not a percentage: set 0 (no alarms) to 100")
    manifest = read_manifest(request.manifest)
    settings = _settings(request, ignore_case=manifest["server"]["lower_case_table_names"] > 0)
    if not request.drop_percent:
        return _not_compared("sizes: not compared, because alarms are switched off", log.info)
    try:
        history = _read_history(request)
    except LogDatabaseUnavailable as error:
        return _not_compared(f"sizes: not compared with earlier backups: {error}", log.warning)
    if len(history) < LEAST_BACKUPS:
        text = f"sizes: not compared yet: the log database has {len(history)} earlier backups with sizes"
        return _not_compared(f"{text}, {LEAST_BACKUPS} are needed", log.info)
    alarms = find_alarms(history, sizes_of(manifest), settings)
    log.info(f"sizes: compared with the last {len(history)} backups, {len(alarms)} alarms")
    for alarm in alarms:
        log.warning(alarm)
    return {"changed": False, "compared": len(history), "count": len(alarms), "alarms": _shown(alarms), "message": ""}


def _settings(request: AlarmRequest, *, ignore_case: bool) -> Settings:
    patterns = [*request.silenced_tables, *request.exclude_tables]
    silenced = TableFilter("silenced_tables", patterns, ignore_case=ignore_case)
    return Settings(request.drop_percent, silenced, request.databases, request.exclude_databases)


def _read_history(request: AlarmRequest) -> t.List[PastBackup]:
    with log_database(request.log_database) as connection:
        check_version(connection)
        return last_backups(connection, request.hostname, request.run_uuid)


def _not_compared(message: str, write: t.Callable[[str], None]) -> t.Dict[str, t.Any]:
    write(message)
    return {"changed": False, "compared": 0, "alarms": [], "message": message}


def _shown(alarms: t.Sequence[str]) -> t.List[str]:
    more = len(alarms) - _MOST_SHOWN
    rest = [f"{more} more alarms of sizes, see backup_script.log"] if more > 0 else []
    return [*alarms[:_MOST_SHOWN], *rest, _ADVICE] if alarms else []
