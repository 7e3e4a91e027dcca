# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup: an object beside the archive with the place and time of its restore and comparison."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import archive_of
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import SIGNATURE, check_key, signed
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import manifest_of, proof_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup, ObjectDiffers
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import find_backup
from ansible_collections.vex.backup.plugins.module_utils._repository.manifests import read_manifest
from ansible_collections.vex.backup.plugins.module_utils._repository.proofs import FORMAT
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience

_FIELDS = ("key", "hostname", "server_version", "sha256", "tables", "rows", "recovery_seconds", "compared", "notes")


@dataclasses.dataclass(frozen=True)
class ProofRequest:
    """The options of ``backup_proof``, by name.

    :param manifest_key: signs the proof
    :param manifest_keys: the manifest must be signed with one of them; without keys, every manifest is accepted
    :param patience: seconds to wait for a store that is away
    :param timeout: seconds; 0 or ``None`` for no limit
    """

    destination: Destination
    key: str
    hostname: str
    server_version: str
    sha256: str
    tables: int
    rows: int
    recovery_seconds: int
    compared: t.Optional[t.Mapping[str, int]]
    notes: t.Sequence[str]
    manifest_key: t.Optional[str] = dataclasses.field(repr=False)
    manifest_keys: t.Sequence[str] = dataclasses.field(repr=False)
    patience: int
    timeout: t.Optional[int]
    check_mode: bool


def put_proof(request: ProofRequest) -> t.Dict[str, t.Any]:
    """Put ``{key}.proof.json`` beside an archive, in place of an earlier proof.

    :returns: the result of ``backup_proof``; with a ``message`` when hosts that have a key will not believe the proof
    :raises OptionError: for an option that cannot work, such as a key that can be guessed
    :raises NoSuchBackup: when the archive or its manifest is no longer in the bucket
    :raises ManifestUnusable, ManifestForged, DownloadFailed: as :func:`read_manifest`
    :raises ObjectDiffers: when another archive has the key now
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    for manifest_key in (request.manifest_key, *request.manifest_keys):
        check_key(manifest_key)
    proof = {
        "format": FORMAT,
        "proven": timestamp(utc_now()),
        **{name: getattr(request, name) for name in _FIELDS},
    }
    text = json.dumps(signed(proof, request.manifest_key), ensure_ascii=False, indent=2, sort_keys=True)
    content = text.encode("utf-8", "surrogateescape")
    key = proof_of(request.key)
    with open_store(
        request.destination,
        work="the upload of the proof",
        timeout=request.timeout,
        patience=store_patience(request.patience),
    ) as store:
        manifest = _read_manifest(request, store)
        if not request.check_mode:
            store.call(store.put_bytes, key, content, "application/json")
        result = {"changed": True, "key": key, "url": store.url(key), "proven": proof["proven"]}
    if SIGNATURE not in manifest or request.manifest_key is not None:
        return result
    message = (
        f"{result['url']} is not signed, and its backup is: hosts with a manifest key do not believe it; set "
        "vex_backup_manifest_key on this host too"
    )
    return {**result, "message": message, "warnings": [message]}


def _read_manifest(request: ProofRequest, store: Store) -> t.Dict[str, t.Any]:
    """Return the manifest of the backup, which must still be the one that was restored."""
    backup = find_backup(store, request.key)
    if backup is None or not backup.manifest:
        gone = store.url(request.key if backup is None else manifest_of(request.key))
        raise NoSuchBackup(f"{gone} is no longer in the bucket: no proof was written")
    manifest = read_manifest(store, backup, request.manifest_keys)
    sha256 = archive_of(manifest).sha256
    if sha256 != request.sha256:
        raise ObjectDiffers(
            f"{store.url(request.key)} has SHA-256 {sha256} by its manifest, and the archive with {request.sha256} was "
            "restored: it was replaced meanwhile, so no proof was written; prove it again"
        )
    return manifest
