# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The columns of the log tables, from the options of ``backup_log_record`` and ``restore_log_record``."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._common.notes import fit_text, join_notes
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._common.status import RUNNING
from ansible_collections.vex.backup.plugins.module_utils._common.text import clean, excerpt_of, fit_characters
from ansible_collections.vex.backup.plugins.module_utils._errors import ManifestUnusable, OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.merge import Columns, State
from ansible_collections.vex.backup.plugins.module_utils._log_db.table_sizes import (
    MOST_CHARACTERS,
    pack_sizes,
    read_manifest,
    sizes_of,
)

# Of a longer log the record holds the head and the tail.
LOG_BYTES = 1024 * 1024

# The text columns and the characters that they hold.
LIMITS = {
    "hostname": 100,
    "servidor": 100,
    "versao_servidor": 50,
    "ferramenta": 50,
    "nome_arquivo": 64,
    "coordenadas_binlog": 512,
    "caminho_arquivo": 1024,
    "bucket": 512,
    "destino": 64,
    "tipo_destino": 16,
    "sha256": 64,
}
# The destination that the variables of a single one configure, and that rows of earlier releases are of.
SHORT_FORM = "s3"
# Option → column.
BACKUP_TEXTS = {
    "archive_name": "nome_arquivo",
    "server_version": "versao_servidor",
    "tool_version": "ferramenta",
    "binlog_coordinates": "coordenadas_binlog",
}
UPLOAD_TEXTS = {
    "type": "tipo_destino",
    "archive_name": "nome_arquivo",
    "key": "caminho_arquivo",
    "bucket": "bucket",
    "sha256": "sha256",
}
BACKUP_TIMES = {
    "dump_started": "inicio_dump",
    "dump_finished": "fim_dump",
    "pack_started": "inicio_compactacao",
    "pack_finished": "fim_compactacao",
}
UPLOAD_TIMES = {"started": "data_inicio", "finished": "data_encerramento"}
RESTORE_COUNTS = {"tables": "tabelas", "rows": "linhas", "bytes": "bytes"}
# Value of the option ``kind`` of restore_log_record → value of the column ``tipo``.
KINDS = {"restore": "restauracao", "verify": "verificacao"}


@dataclasses.dataclass(frozen=True)
class BackupFacts:
    """The suboptions of ``backup``; ``None`` for what is not known. Times are ``YYYY-MM-DD HH:MM:SS``, UTC."""

    databases: t.Optional[t.List[str]] = None
    archive_name: t.Optional[str] = None
    dump_bytes: t.Optional[int] = None
    server_version: t.Optional[str] = None
    tool_version: t.Optional[str] = None
    notes: t.Optional[t.List[str]] = None
    dump_started: t.Optional[str] = None
    dump_finished: t.Optional[str] = None
    pack_started: t.Optional[str] = None
    pack_finished: t.Optional[str] = None
    binlog_coordinates: t.Optional[str] = None
    alarms: t.Optional[int] = None


@dataclasses.dataclass(frozen=True)
class UploadFacts:
    """One item of ``uploads``; ``None`` for what is not known. Times are ``YYYY-MM-DD HH:MM:SS``, UTC.

    :param destination: name of the destination in the configuration
    :param type: kind of its store
    """

    destination: str = SHORT_FORM
    type: t.Optional[str] = None
    status: t.Optional[int] = None
    archive_name: t.Optional[str] = None
    archive_bytes: t.Optional[int] = None
    key: t.Optional[str] = None
    bucket: t.Optional[str] = None
    sha256: t.Optional[str] = None
    notes: t.Optional[t.List[str]] = None
    started: t.Optional[str] = None
    finished: t.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """The facts of a run for ``backup_log_record``; without ``run_uuid``, of a run that opens."""

    hostname: str
    run_uuid: t.Optional[str] = None
    stage: t.Optional[str] = None
    status: t.Optional[int] = None
    backup: BackupFacts = dataclasses.field(default_factory=BackupFacts)
    uploads: t.Sequence[UploadFacts] = ()
    run_log_file: t.Optional[str] = None
    dump_log_file: t.Optional[str] = None
    manifest_file: t.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class RestoreFacts:
    """The facts of a restore for ``restore_log_record``; without ``run_uuid``, of a restore that begins."""

    kind: str
    hostname: str
    server: str
    run_uuid: t.Optional[str] = None
    backup_run_uuid: t.Optional[str] = None
    status: t.Optional[int] = None
    restored: t.Optional[str] = None
    tables: t.Optional[int] = None
    rows: t.Optional[int] = None
    bytes: t.Optional[int] = None
    compared: t.Optional[t.Mapping[str, int]] = None
    notes: t.Optional[t.List[str]] = None


def run_state(facts: RunFacts, now: datetime.datetime) -> State:
    """Return the columns of a run, from its known facts.

    :raises OptionError: when ``run_uuid`` or a time is malformed, or a destination has two uploads
    """
    backup: Columns = {"hostname": fit_column("hostname", facts.hostname)}
    if not facts.run_uuid:
        backup.update(status_backup=RUNNING, data_inicio=timestamp(now))
    backup.update(_ending("status_backup", facts.status, now))
    if facts.stage:
        backup["etapa"] = facts.stage
    backup.update(_backup_columns(facts.backup))
    for path, column in ((facts.run_log_file, "log_execucao"), (facts.dump_log_file, "log_dump")):
        if path:
            with contextlib.suppress(FileNotFoundError):
                backup[column] = read_log(path)
    if facts.manifest_file:
        # The next backups are compared with these sizes; a record without them is still a record.
        with contextlib.suppress(ManifestUnusable):
            text = pack_sizes(sizes_of(read_manifest(facts.manifest_file)))
            backup.update({"tabelas": text} if len(text) <= MOST_CHARACTERS else {})
    return State(_identity(facts.run_uuid), backup, _uploads(facts.uploads, now), {})


def restore_state(facts: RestoreFacts, now: datetime.datetime) -> State:
    """Return the columns of a restore, from its known facts.

    :raises OptionError: when an identity or a time is malformed
    """
    restore: Columns = {
        "hostname": fit_column("hostname", facts.hostname),
        "servidor": fit_column("servidor", facts.server),
        "tipo": KINDS[facts.kind],
    }
    if not facts.run_uuid:
        restore.update(status=RUNNING, data_inicio=timestamp(now))
    restore.update(_ending("status", facts.status, now))
    if facts.backup_run_uuid:
        restore["backup_run_uuid"] = _identity(facts.backup_run_uuid)
    counts = {column: getattr(facts, option) for option, column in RESTORE_COUNTS.items()}
    restore.update({column: count for column, count in counts.items() if count is not None})
    if facts.compared is not None:
        restore["comparado"] = json.dumps(facts.compared, sort_keys=True)
    if facts.restored:
        restore["restaurado_em"] = _time(facts.restored, "restored")
    restore.update(_notes(facts.notes))
    return State(_identity(facts.run_uuid), {}, {}, restore)


def fit_column(column: str, text: str) -> str:
    """Return *text*, cut to what the column holds."""
    return fit_characters(text, LIMITS[column])


def read_log(path: str) -> str:
    """Return the text of a log for a record, or the reason why it could not be read.

    :raises FileNotFoundError: when there is no such file
    """
    try:
        return excerpt_of(path, LOG_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        # A log that cannot be read must not stop the record.
        return f"{path} could not be read: {error.strerror}"


def _backup_columns(facts: BackupFacts) -> Columns:
    columns = {**_texts(facts, BACKUP_TEXTS), **_times(facts, "backup", BACKUP_TIMES), **_notes(facts.notes)}
    if facts.dump_bytes is not None:
        columns["tamanho_arquivo"] = _megabytes(facts.dump_bytes)
    if facts.databases is not None:
        columns["nome_database"] = fit_text(", ".join(facts.databases))
        columns["bancos"] = json.dumps([clean(name) for name in facts.databases], ensure_ascii=False)
    if facts.alarms is not None:
        columns["alarmes"] = facts.alarms
    return columns


def _uploads(uploads: t.Sequence[UploadFacts], now: datetime.datetime) -> t.Dict[str, Columns]:
    found: t.Dict[str, Columns] = {}
    for facts in uploads:
        name = fit_column("destino", facts.destination)
        if name in found:
            raise OptionError(f"uploads names the destination {name!r} twice: give one item for each destination")
        found[name] = _upload_columns(facts, now)
    return {name: columns for name, columns in found.items() if columns}


def _upload_columns(facts: UploadFacts, now: datetime.datetime) -> Columns:
    columns = _ending("status_upload", facts.status, now)
    columns.update({**_texts(facts, UPLOAD_TEXTS), **_times(facts, "upload", UPLOAD_TIMES), **_notes(facts.notes)})
    if facts.archive_bytes is not None:
        columns["tamanho_arquivo"] = _megabytes(facts.archive_bytes)
    return columns


def _ending(column: str, status: t.Optional[int], now: datetime.datetime) -> Columns:
    """Return the column of a status, and the end of the run or restore unless it is running."""
    if status is None:
        return {}
    return {column: status, **({"data_encerramento": timestamp(now)} if status != RUNNING else {})}


def _texts(facts: t.Union[BackupFacts, UploadFacts], columns: t.Mapping[str, str]) -> Columns:
    texts = {column: getattr(facts, option) for option, column in columns.items()}
    return {column: fit_column(column, text) for column, text in texts.items() if text}


def _times(facts: t.Union[BackupFacts, UploadFacts], parent: str, columns: t.Mapping[str, str]) -> Columns:
    times = {option: getattr(facts, option) for option in columns}
    return {columns[option]: _time(text, f"{parent}.{option}") for option, text in times.items() if text}


def _notes(notes: t.Optional[t.List[str]]) -> Columns:
    return {} if notes is None else {"observacao": join_notes(notes)}


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f}"


def _identity(run_uuid: t.Optional[str]) -> str:
    if not run_uuid:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(run_uuid))
    except ValueError:
        raise OptionError(
            f"run_uuid {run_uuid!r} is not a UUID: give the run_uuid that the first record of the run returned"
        ) from None


def _time(text: str, option: str) -> str:
    try:
        return timestamp(datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S"))
    except ValueError:
        raise OptionError(f"{option} {text!r} is not a time like 2025-07-20 16:15:23 (UTC)") from None
