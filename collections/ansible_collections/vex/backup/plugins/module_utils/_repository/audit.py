# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit of a bucket: its objects, its manifests, its archives and the log tables must agree."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import host_prefix, proof_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.text import counted
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    DownloadFailed,
    LogDatabaseUnavailable,
    ManifestForged,
    ManifestUnusable,
    ObjectCold,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    log_database,
    log_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import uploads_to
from ansible_collections.vex.backup.plugins.module_utils._repository.audit_findings import Finding, Rows, compare
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import Catalog, StoredBackup, read_catalog
from ansible_collections.vex.backup.plugins.module_utils._repository.manifests import is_of_one_backup
from ansible_collections.vex.backup.plugins.module_utils._repository.proofs import examine
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head, last_part, list_uploads
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed, Unfinished
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import sha256_of_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience

# The kind of finding that an error of reading a backup becomes.
KINDS: t.Dict[t.Type[Exception], str] = {
    ManifestUnusable: "manifest_unusable",
    ManifestForged: "manifest_forged",
    DownloadFailed: "size_differs",
    ObjectCold: "in_cold_storage",
}
# An upload that got a part since is going on. A later run's upload has no row that says so.
QUIET = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True)
class AuditRequest:
    """The options of ``backup_audit``.

    :param hostname: ``None`` for every host
    :param deep: read every archive and compare its SHA-256
    :param manifest_keys: manifests and proofs must be signed with one of them; without keys, all are accepted
    :param patience: seconds to wait for the store, and for the log database, while it is away
    :param timeout: seconds for the requests to the bucket; 0 or ``None`` for no limit
    """

    destination: Destination
    log_database: LogDatabase
    prefix: str
    hostname: t.Optional[str]
    deep: bool
    manifest_keys: t.Sequence[str] = dataclasses.field(repr=False)
    patience: int
    timeout: t.Optional[int]


def audit(request: AuditRequest) -> t.Dict[str, t.Any]:
    """Audit one host's backups, or every host's.

    :returns: the result of ``backup_audit``
    :raises OptionError: for an option that cannot work
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    return audit_bucket(request, lambda: _read_rows(request), utc_now())


def audit_bucket(
    request: AuditRequest, read_rows: t.Callable[[], Rows], began: datetime.datetime
) -> t.Dict[str, t.Any]:
    """Audit the bucket against the log tables.

    :param read_rows: returns the uploads by key; raises :class:`LogDatabaseUnavailable`
    :param began: UTC
    """
    for key in request.manifest_keys:
        check_key(key)
    # The rows first: an upload that ends between the two readings is then an object without a row, which is known to
    # be younger than the audit.
    rows, unreachable = _try(read_rows)
    with open_store(
        request.destination,
        work="the audit",
        timeout=request.timeout,
        patience=store_patience(request.patience),
        parallel=4,
    ) as store:
        catalog = read_catalog(store, request.prefix, request.hostname)
        unfinished, unknown = _list_uploads(request, store, began)
        checksums, of_backups = _check_backups(request, store, catalog)
        findings = compare(catalog, unfinished, request.prefix, rows, checksums, began)
        if findings or of_backups:
            # Retention may have removed a backup during the audit, so a second check must confirm each finding.
            later_rows, _unreachable = _try(read_rows)
            later = read_catalog(store, request.prefix, request.hostname)
            later_unfinished, _unknown = _list_uploads(request, store, began)
            confirmed = compare(
                later, later_unfinished, request.prefix, rows if later_rows is None else later_rows, checksums, began
            )
            existing = {one.key for one in later.backups if one.is_uploaded} | set(later.strays)
            existing |= {proof_of(one.key) for one in later.backups if one.proof is not None}
            findings = [one for one in findings if one in confirmed]
            of_backups = [one for one in of_backups if one.key in existing]
    findings = sorted([*findings, *unreachable, *unknown, *of_backups], key=lambda one: (one.key, one.kind))
    backups = len([one for one in catalog.backups if one.is_uploaded])
    return {
        "changed": False,
        "backups": backups,
        "deep": request.deep,
        "summary": f"{counted(backups, 'backup')}, {counted(len(findings), 'finding')}",
        "findings": [
            {**one._asdict(), "remedy": one.remedy, "destination": request.destination.name} for one in findings
        ],
    }


def _read_rows(request: AuditRequest) -> Rows:
    def read() -> Rows:
        # Without a time limit: a bucket may have very many rows.
        with log_database(request.log_database, statement_timeout=None) as connection:
            check_version(connection)
            prefix = host_prefix(request.prefix, request.hostname)
            return uploads_to(connection, request.destination.name, request.destination.place, prefix)

    return log_patience(request.patience).attempt(read)


def _try(read_rows: t.Callable[[], Rows]) -> t.Tuple[t.Optional[Rows], t.List[Finding]]:
    try:
        return read_rows(), []
    except LogDatabaseUnavailable as error:
        return None, [Finding("log_database", "", str(error))]


def _list_uploads(
    request: AuditRequest, store: Store, began: datetime.datetime
) -> t.Tuple[t.List[Unfinished], t.List[Finding]]:
    """Return the unfinished uploads that got nothing lately, or a finding when they may not be listed."""
    try:
        found = list_uploads(store, host_prefix(request.prefix, request.hostname))
        return [one for one in found if _last_part(store, one) < began - QUIET], []
    except Refused as error:
        if error.is_denied:
            return [], [Finding("uploads_unknown", "", str(error))]
        if not error.is_unsupported:
            raise
        # The store has no such list.
        return [], []


def _last_part(store: Store, upload: Unfinished) -> datetime.datetime:
    try:
        return last_part(store, upload)
    except Refused as error:
        if not error.is_denied:
            raise
        return upload.initiated


def _check_backups(request: AuditRequest, store: Store, catalog: Catalog) -> t.Tuple[t.Dict[str, str], t.List[Finding]]:
    """Read the manifests, the proofs and, if *deep* is set, the archives.

    :returns: by key, the SHA-256 that the manifest gives; and the findings
    """
    checksums: t.Dict[str, str] = {}
    findings: t.List[Finding] = []
    for one in examine(store, catalog.backups, request.manifest_keys):
        key = one.backup.key
        if one.error is not None:
            findings += _findings_of(store, one.backup, one.error)
        if one.doubt is not None:
            findings.append(Finding(one.doubt.kind, proof_of(key), one.doubt.detail))
        if one.sha256 is not None:
            checksums[key] = one.sha256
            findings += _check_archive(store, one.backup, one.sha256) if request.deep else []
    return checksums, findings


def _check_archive(store: Store, backup: StoredBackup, sha256: str) -> t.List[Finding]:
    try:
        computed = _sha256_of(store, backup, sha256)
    except StoreFailed as error:
        return _findings_of(store, backup, error)
    if computed == sha256:
        return []
    detail = f"SHA-256 of the archive is {computed}, its manifest gives {sha256}"
    return [Finding("checksum_differs", backup.key, detail)]


def _findings_of(store: Store, backup: StoredBackup, error: BackupError) -> t.List[Finding]:
    """Return what an error of reading a backup shows of it; raise it when it shows something else."""
    if not is_of_one_backup(error):
        raise error
    if isinstance(error, Refused) and error.is_missing:
        return _lost_archive(store, backup)
    return [Finding(KINDS.get(type(error), "not_readable"), backup.key, str(error))]


def _lost_archive(store: Store, backup: StoredBackup) -> t.List[Finding]:
    # Retention removes the manifest first. If the manifest exists, the archive was lost in another way.
    if head(store, backup.manifest_key) is None:
        return []
    return [Finding("stray", backup.manifest_key, f"there is no archive {backup.key}")]


def _sha256_of(store: Store, backup: StoredBackup, right: str) -> str:
    return sha256_of_object(store, Listed(backup.key, backup.size, backup.modified, backup.etag), right)
