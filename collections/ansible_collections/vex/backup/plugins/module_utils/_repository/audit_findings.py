# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings of an audit, by comparing the catalog of a bucket with itself and with the log tables."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import archive_beside, parse
from ansible_collections.vex.backup.plugins.module_utils._log_db.uploads import Uploaded
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import Catalog
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Unfinished

# The remedy for each kind of finding.
REMEDIES = {
    "log_database": "only the bucket was audited: repair the log database or its login, and audit again",
    "archive_without_manifest": (
        "it is not a backup, since its upload or its removal did not end: upload it again if the host still has it, "
        "or remove it"
    ),
    "unfinished_upload": (
        "its parts take space: if no upload of it is running now, `vex-backup upload` on its host completes it; "
        "retention aborts it vex_backup_unfinished_days after its last part"
    ),
    "uploads_unknown": "grant these credentials the right to list them, which the detail names, and audit again",
    "stray": "remove it: the archive that it describes does not exist",
    "manifest_unusable": (
        "the backup cannot be restored with it: upload the manifest again if the host still has it, or remove both"
    ),
    "manifest_forged": (
        "do not restore the backup before you know who wrote the manifest; if it was signed with a former key of "
        "yours, add that to the former keys"
    ),
    "not_readable": "it was not checked: give the audit the rights to read it, or repeat when the network is sound",
    "in_cold_storage": (
        "it was not checked, and must be thawed before it can be: let the rules of the bucket leave small objects, "
        "which manifests are, where they are"
    ),
    "proof_malformed": "the backup counts as not proven: find out who wrote the proof, and prove the backup again",
    "proof_foreign": "the backup counts as not proven: find out who copied the proof, and prove the backup again",
    "proof_stale": (
        "the backup counts as not proven, as after a copy of the archive: prove the server's newest backup, and remove "
        "this proof; if this repeats, correct the clock of that host"
    ),
    "proof_unsigned": (
        "the backup counts as not proven: set vex_backup_manifest_key on the host that proves backups, prove the "
        "server's newest backup, and remove this proof"
    ),
    "size_differs": "the backup cannot be restored: find the writer of the archive, remove it, and keep another backup",
    "checksum_differs": (
        "the backup cannot be trusted: find the writer of the archive, remove it, and keep another backup"
    ),
    "object_without_row": (
        "the backup can still be restored; if its record is in the host's spool, the next run delivers it"
    ),
    "row_without_object": (
        "the object was removed or lost: search the bucket for its versions; if it was removed on purpose, set "
        "removido_em in its row"
    ),
    "removed_but_there": "somebody brought the backup back: clear removido_em in its row, or remove the backup",
}

Rows = t.Mapping[str, Uploaded]


class Finding(t.NamedTuple):
    """A contradiction: ``kind`` is a key of :data:`REMEDIES`; ``key`` is the object's, empty if it is about none."""

    kind: str
    key: str
    detail: str

    @property
    def remedy(self) -> str:
        """The action that resolves the finding."""
        return REMEDIES[self.kind]


def compare(
    catalog: Catalog,
    unfinished: t.Sequence[Unfinished],
    prefix: str,
    rows: t.Optional[Rows],
    checksums: t.Mapping[str, str],
    began: datetime.datetime,
) -> t.List[Finding]:
    """Compare the keys in the bucket with each other and with the rows of the log tables.

    :param unfinished: the uploads that have not ended
    :param prefix: the beginning of all keys
    :param rows: the uploads by key, ``None`` when the log database is unreachable
    :param checksums: by key, the SHA-256 that a backup's manifest gives
    :param began: when the audit began, UTC; objects uploaded later may belong to a run that is in progress
    """
    uploading = {key for key, row in (rows or {}).items() if row.status == 0}
    findings = [
        *_archives_without_manifest(catalog, uploading, began),
        *_unfinished_uploads(unfinished, prefix, uploading, began),
        *_strays(catalog, prefix),
    ]
    if rows is not None:
        findings += [*_backups_against_rows(catalog, rows, checksums, began), *_rows_without_object(catalog, rows)]
    return findings


def _archives_without_manifest(
    catalog: Catalog, uploading: t.Container[str], began: datetime.datetime
) -> t.Iterator[Finding]:
    for one in catalog.backups:
        if not one.is_uploaded and one.key not in uploading and one.modified < began:
            detail = f"the archive ({one.size} bytes, uploaded {one.modified} UTC) has no manifest"
            yield Finding("archive_without_manifest", one.key, detail)


def _unfinished_uploads(
    unfinished: t.Iterable[Unfinished], prefix: str, uploading: t.Container[str], began: datetime.datetime
) -> t.Iterator[Finding]:
    for one in unfinished:
        archive = archive_beside(one.key) or one.key
        if parse(archive, prefix) is not None and archive not in uploading and one.initiated < began:
            yield Finding("unfinished_upload", one.key, f"an upload began {one.initiated} UTC and has not ended")


def _strays(catalog: Catalog, prefix: str) -> t.Iterator[Finding]:
    for key in catalog.strays:
        archive = archive_beside(key)
        if archive is not None and parse(archive, prefix) is not None:
            yield Finding("stray", key, f"there is no archive {archive}")


def _backups_against_rows(
    catalog: Catalog, rows: Rows, checksums: t.Mapping[str, str], began: datetime.datetime
) -> t.Iterator[Finding]:
    for one in catalog.backups:
        if not one.is_uploaded:
            continue
        row = rows.get(one.key)
        if row is None:
            if one.modified < began:
                yield Finding("object_without_row", one.key, "the log tables have no row of this backup")
        elif row.removed:
            detail = f"in the log tables, the backup of run {row.run_uuid} is removed"
            yield Finding("removed_but_there", one.key, detail)
        elif row.sha256 and checksums.get(one.key, row.sha256) != row.sha256:
            detail = f"SHA-256 is {checksums[one.key]} in its manifest, {row.sha256} in the log tables"
            yield Finding("checksum_differs", one.key, detail)


def _rows_without_object(catalog: Catalog, rows: Rows) -> t.Iterator[Finding]:
    archives = {one.key for one in catalog.backups}
    for key, row in rows.items():
        if key not in archives and row.status in (1, 2) and not row.removed:
            yield Finding("row_without_object", key, f"run {row.run_uuid} uploaded it, and it is not in the bucket")
