# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the bucket with itself and with the log tables, and say what does not go together and what to do."""

from __future__ import annotations

import datetime
import hashlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import archive_of
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    DownloadFailed,
    LogDatabaseUnavailable,
    ManifestForged,
    ManifestUnusable,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import (
    LogDatabase,
    check_version,
    log_database,
)
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Uploaded, uploads_to
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import (
    HOLD,
    MANIFEST,
    PROOF,
    Catalogue,
    StoredBackup,
    is_archive,
    prefix_of,
    read_catalogue,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.manifests import stored_manifest
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Listed, head, list_objects, read_pieces
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Refused, Store

# What to do about each kind of finding.
REMEDIES = {
    "log_database": "bring it back, or correct its login, and audit again: only the bucket was looked at",
    "archive_without_manifest": (
        "its upload did not end, or its removal: it is no backup; upload it again from the host if it is still there, "
        "or remove it"
    ),
    "stray": "what it was said of is gone: remove it",
    "manifest_unusable": "nobody can restore by it: take it from the host if it is there, or remove both",
    "manifest_forged": "do not restore it before you know who wrote it; a former key goes into the former keys",
    "size_differs": "it cannot be restored: find out who wrote it, and remove it; keep another backup",
    "checksum_differs": "it cannot be trusted: find out who wrote it, and remove it; keep another backup",
    "object_without_row": (
        "it can be restored all the same; if its record waits in the host's spool, the next run delivers it"
    ),
    "row_without_object": (
        "somebody removed it, or the bucket lost it: look for its versions; if it was meant, set removido_em of its row"
    ),
    "removed_but_there": "retention noted its removal and somebody brought it back: clear removido_em of its row",
}


class Finding(t.NamedTuple):
    """What does not go together: ``kind`` is a key of :data:`REMEDIES`, ``key`` an object's, empty for none."""

    kind: str
    key: str
    detail: str

    @property
    def remedy(self) -> str:
        """What to do."""
        return REMEDIES[self.kind]


def audit(params: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Look at one host's backups, or every host's.

    :param params: the options of ``backup_audit``
    :returns: the module's result
    :raises OptionError: an option that cannot work
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    for key in params["manifest_keys"]:
        check_key(key)
    began = utc_now()
    prefix = prefix_of(params["prefix"], params["hostname"])
    # Before the objects: a row that is made meanwhile must not be missed by what is looked at before it.
    rows, away = _rows(params, prefix)
    bound = Bound(params["timeout"] or None, "audit")
    with Store(params, params["bucket"], bound=bound, retries=params["retries"], parallel=4) as store:
        catalogue = read_catalogue(list_objects(store, prefix), params["prefix"])
        sums, of_manifests = _look_into(params, store, catalogue)
        findings = _compared(params, catalogue, rows, sums, began)
        if findings or of_manifests:
            # Retention may have removed some of it meanwhile: what is wrong is still so at a second look.
            later_rows, _away = _rows(params, prefix)
            later = read_catalogue(list_objects(store, prefix), params["prefix"])
            still = _compared(params, later, rows if later_rows is None else later_rows, sums, began)
            there = {one.key for one in later.backups if one.manifest} | set(later.strays)
            findings = [one for one in findings if one in still]
            of_manifests = [one for one in of_manifests if one.key in there]
    findings += away + of_manifests
    findings.sort(key=lambda one: (one.key, one.kind))
    return {
        "changed": False,
        "backups": len([one for one in catalogue.backups if one.manifest]),
        "deep": params["deep"],
        "findings": [{**one._asdict(), "remedy": one.remedy} for one in findings],
    }


def _compared(
    params: t.Mapping[str, t.Any],
    catalogue: Catalogue,
    rows: t.Optional[t.Mapping[str, Uploaded]],
    sums: t.Mapping[str, str],
    began: datetime.datetime,
) -> t.List[Finding]:
    found = of_bucket(catalogue, params["prefix"], rows, began)
    return found if rows is None else found + of_rows(catalogue, rows, sums, began)


def of_bucket(
    catalogue: Catalogue, prefix: str, rows: t.Optional[t.Mapping[str, Uploaded]], began: datetime.datetime
) -> t.List[Finding]:
    """What the keys alone tell.

    :param prefix: what keys start with
    :param rows: by key, ``None`` when they are not known
    :param began: UTC; what came later may be under way
    """
    under_way = {key for key, row in (rows or {}).items() if row.status == 0}
    findings = [
        Finding("archive_without_manifest", one.key, f"{one.size} bytes, uploaded {one.modified} (UTC)")
        for one in catalogue.backups
        if not one.manifest and one.key not in under_way and one.modified < began
    ]
    for suffix in (MANIFEST, PROOF, HOLD):
        findings += [
            Finding("stray", key, f"there is no archive {key[: -len(suffix)]}")
            for key in catalogue.strays
            if key.endswith(suffix) and is_archive(key[: -len(suffix)], prefix)
        ]
    return findings


def of_rows(
    catalogue: Catalogue, rows: t.Mapping[str, Uploaded], sums: t.Mapping[str, str], began: datetime.datetime
) -> t.List[Finding]:
    """What the log tables and the bucket say of each other.

    :param sums: by key, the SHA-256 that a backup's manifest has
    """
    findings = []
    whole = {one.key: one for one in catalogue.backups if one.manifest}
    for key, one in whole.items():
        row = rows.get(key)
        if row is None:
            if one.modified < began:
                findings.append(Finding("object_without_row", key, "the log tables know nothing of it"))
        elif row.removed:
            findings.append(Finding("removed_but_there", key, f"the log tables say that run {row.run_uuid} is removed"))
        elif row.sha256 and sums.get(key, row.sha256) != row.sha256:
            detail = f"SHA-256 {sums[key]} by its manifest, {row.sha256} by the log tables"
            findings.append(Finding("checksum_differs", key, detail))
    there = {one.key for one in catalogue.backups}
    for key, row in rows.items():
        if key not in there and row.status in (1, 2) and not row.removed:
            findings.append(Finding("row_without_object", key, f"run {row.run_uuid} uploaded it"))
    return findings


def _rows(params: t.Mapping[str, t.Any], prefix: str) -> t.Tuple[t.Optional[t.Dict[str, Uploaded]], t.List[Finding]]:
    try:
        # All rows of a bucket: that may take its time.
        with log_database(LogDatabase.from_options(params), statement_timeout=None) as connection:
            check_version(connection)
            return uploads_to(connection, params["bucket"], prefix), []
    except LogDatabaseUnavailable as error:
        return None, [Finding("log_database", "", str(error))]


def _look_into(
    params: t.Mapping[str, t.Any], store: Store, catalogue: Catalogue
) -> t.Tuple[t.Dict[str, str], t.List[Finding]]:
    """Read the manifests and, if that is asked for, the archives."""
    sums: t.Dict[str, str] = {}
    findings = []
    kinds = {ManifestUnusable: "manifest_unusable", ManifestForged: "manifest_forged", DownloadFailed: "size_differs"}
    for one in catalogue.backups:
        if not one.manifest:
            continue
        try:
            manifest = stored_manifest(store, one, params["manifest_keys"], params["retries"])
            sums[one.key] = archive_of(manifest).sha256
            found = _sha256_of(store, one, params["retries"]) if params["deep"] else sums[one.key]
        except (ManifestUnusable, ManifestForged, DownloadFailed) as error:
            findings.append(Finding(kinds[type(error)], one.key, str(error)))
            continue
        except Refused as error:
            if error.code != "NoSuchKey":
                raise
            # Retention takes the manifest first: where that is left, the archive was lost and not removed.
            if head(store, one.key + MANIFEST) is not None:
                findings.append(Finding("stray", one.key + MANIFEST, f"there is no archive {one.key}"))
            continue
        if found != sums[one.key]:
            detail = f"SHA-256 {found} as it was read back, {sums[one.key]} by its manifest"
            findings.append(Finding("checksum_differs", one.key, detail))
    return sums, findings


def _sha256_of(store: Store, backup: StoredBackup, retries: int) -> str:
    digest = hashlib.sha256()
    for piece in read_pieces(store, Listed(backup.key, backup.size, backup.modified, backup.etag), retries):
        digest.update(piece)
    return digest.hexdigest()
