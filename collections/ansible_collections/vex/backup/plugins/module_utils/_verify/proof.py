# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup: an object beside the archive with the place and time of its restore and comparison."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import manifest_of, proof_of
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup
from ansible_collections.vex.backup.plugins.module_utils._store.listing import stat
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import (
    S3Settings,
    Store,
    store_patience,
)
from ansible_collections.vex.backup.plugins.module_utils._store.write import encryption_of, put_object

FORMAT = 1
_FIELDS = ("key", "hostname", "server_version", "sha256", "tables", "rows", "recovery_seconds", "compared", "notes")


@dataclasses.dataclass(frozen=True)
class ProofRequest:
    """The options of ``backup_proof``, by name.

    :param patience: seconds to wait for a store that is away
    :param timeout: seconds; 0 or ``None`` for no limit
    """

    s3: S3Settings
    bucket: str
    key: str
    hostname: str
    server_version: str
    sha256: str
    tables: int
    rows: int
    recovery_seconds: int
    compared: t.Optional[t.Mapping[str, int]]
    notes: t.Sequence[str]
    server_side_encryption: t.Optional[str]
    kms_key_id: t.Optional[str]
    patience: int
    timeout: t.Optional[int]
    check_mode: bool


def put_proof(request: ProofRequest) -> t.Dict[str, t.Any]:
    """Put ``{key}.proof.json`` beside an archive, in place of an earlier proof.

    :returns: the result of ``backup_proof``
    :raises OptionError: for an option that cannot work
    :raises NoSuchBackup: when the archive or its manifest is no longer in the bucket
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    proof = {
        "format": FORMAT,
        "proven": timestamp(utc_now()),
        **{name: getattr(request, name) for name in _FIELDS},
    }
    content = json.dumps(proof, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "surrogateescape")
    key = proof_of(request.key)
    encryption = encryption_of(request.server_side_encryption, request.kms_key_id)
    with Store(
        request.s3,
        request.bucket,
        work="the upload of the proof",
        timeout=request.timeout,
        patience=store_patience(request.patience),
    ) as store:
        for needed in (request.key, manifest_of(request.key)):
            if stat(store, needed) is None:
                raise NoSuchBackup(f"{store.url(needed)} is no longer in the bucket: no proof was written")
        if not request.check_mode:
            put_object(store, key, content, ContentType="application/json", **encryption)
        return {"changed": True, "key": key, "url": store.url(key), "proven": proof["proven"]}
