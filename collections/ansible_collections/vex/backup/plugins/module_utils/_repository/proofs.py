# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manifests and proofs of a bucket's backups, and the only place that decides whether a proof is believed."""

from __future__ import annotations

import contextlib
import datetime
import json
import re
import typing as t
import uuid

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import archive_of
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import fault_of_signature
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import proof_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    ManifestForged,
    ManifestUnusable,
    ObjectCold,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import StoredBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.manifests import (
    is_of_one_backup,
    verified_manifest,
)
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_objects
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused

FORMAT = 1
# The fields of a proof that are needed to believe it, and their types. A proof has more of them.
FIELDS: t.Mapping[str, type] = {"sha256": str, "proven": str, "hostname": str, "tables": int, "rows": int}
# How far the clock of the host that proved may be behind the store's: S3 refuses requests beyond that.
SKEW = datetime.timedelta(minutes=15)
_TIME = "%Y-%m-%d %H:%M:%S"


class Doubt(t.NamedTuple):
    """A reason not to believe a proof: ``kind`` is a kind of finding of an audit, ``detail`` a sentence."""

    kind: str
    detail: str


class Examined(t.NamedTuple):
    """A backup after its manifest and its proof were read.

    ``sha256`` is the archive's by its manifest, ``None`` when ``error`` tells why the manifest cannot be used.
    """

    backup: StoredBackup
    sha256: t.Optional[str] = None
    error: t.Optional[BackupError] = None
    doubt: t.Optional[Doubt] = None


def examine(store: Store, backups: t.Sequence[StoredBackup], keys: t.Sequence[str]) -> t.List[Examined]:
    """Read the manifests and the proofs of backups; return the backups, in the same order, with what these say.

    :param keys: manifests and proofs must be signed with one of them; without keys, all are accepted
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    uploaded = [one for one in backups if one.is_uploaded]
    manifests = read_objects(store, [one.manifest_key for one in uploaded])
    found = {one.key: _with_manifest(store, one, content, keys) for one, content in zip(uploaded, manifests)}
    proven = [one for one in found.values() if one.backup.proof is not None and one.sha256 is not None]
    proofs = read_objects(store, [proof_of(one.backup.key) for one in proven])
    found.update({one.backup.key: _with_proof(store, one, content, keys) for one, content in zip(proven, proofs)})
    return [found.get(one.key, Examined(one)) for one in backups]


def believe(
    content: bytes, backup: StoredBackup, sha256: str, keys: t.Sequence[str]
) -> t.Union[datetime.datetime, Doubt]:
    """Return when a backup was restored and compared (UTC), or the reason not to believe its proof.

    :param content: of the proof
    :param sha256: of the archive, by its manifest
    """
    try:
        # Names of tables may be no UTF-8.
        proof = json.loads(content.decode("utf-8", "surrogateescape"))
        proven = datetime.datetime.strptime(proof["proven"], _TIME)
        wrong = [name for name, kind in FIELDS.items() if not isinstance(proof[name], kind)]
        wrong += ["format"] if proof["format"] != FORMAT else []
        wrong += ["sha256"] if not re.fullmatch("[0-9a-f]{64}", str(proof["sha256"])) else []
        if wrong:
            raise ValueError(f"{wrong[0]} has another form")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        return Doubt("proof_malformed", f"is not a proof of this release ({error!r})")
    if proof["sha256"] != sha256:
        return Doubt("proof_foreign", f"proves an archive of SHA-256 {proof['sha256']}, and not this one of {sha256}")
    fault = fault_of_signature(proof, keys)
    if fault is not None:
        remedy = f"set vex_backup_manifest_key on {proof['hostname']!r}, which proved it, and prove the backup again"
        return Doubt("proof_unsigned", f"{fault}: {remedy}")
    # The store's clock and the time that the signature covers: an old proof can be put there again.
    written = backup.proof or proven
    if written < backup.modified or proven < backup.modified - SKEW:
        moment = timestamp(min(written, proven))
        return Doubt("proof_stale", f"is of {moment}, and the archive was uploaded later, {timestamp(backup.modified)}")
    # A clock that is ahead must not make the proof younger than it is.
    return min(written, proven)


def _with_manifest(
    store: Store, backup: StoredBackup, content: t.Union[bytes, StoreFailed], keys: t.Sequence[str]
) -> Examined:
    try:
        manifest = verified_manifest(store, backup, content, keys)
    except (StoreFailed, ManifestUnusable, ManifestForged) as error:
        if not is_of_one_backup(error):
            raise
        return Examined(backup._replace(fault=str(error)), error=error)
    run_uuid = None
    # It becomes the name of a file in the spool, so anything but a UUID is refused: others may write to the bucket.
    with contextlib.suppress(ValueError):
        run_uuid = str(uuid.UUID(str(manifest.get("run_uuid"))))
    return Examined(backup._replace(run_uuid=run_uuid), archive_of(manifest).sha256)


def _with_proof(
    store: Store, examined: Examined, content: t.Union[bytes, StoreFailed], keys: t.Sequence[str]
) -> Examined:
    backup = examined.backup
    if isinstance(content, StoreFailed):
        if not is_of_one_backup(content):
            raise content
        if isinstance(content, Refused) and content.is_missing:
            # Somebody has just removed it.
            return examined._replace(backup=backup._replace(proof=None))
        unread = Doubt("in_cold_storage" if isinstance(content, ObjectCold) else "not_readable", str(content))
        return examined._replace(backup=backup._replace(proof_fault=unread.detail, proof_unread=True), doubt=unread)
    found = believe(content, backup, examined.sha256 or "", keys)
    if isinstance(found, datetime.datetime):
        return examined._replace(backup=backup._replace(proven=found))
    doubt = found._replace(detail=f"{store.url(proof_of(backup.key))} {found.detail}")
    return examined._replace(backup=backup._replace(proof_fault=doubt.detail), doubt=doubt)
