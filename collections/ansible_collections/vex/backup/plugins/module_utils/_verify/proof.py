# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof of a backup: an object beside the archive that says where and when it was restored and compared."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import MANIFEST, PROOF
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import put_object
from ansible_collections.vex.backup.plugins.module_utils._store.objects import look
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Store

FORMAT = 1
_FIELDS = ("key", "hostname", "server_version", "sha256", "tables", "rows", "recovery_seconds", "notes")


@dataclasses.dataclass(frozen=True)
class ProofRequest:
    """The options of ``backup_proof``, by name. ``timeout`` is in seconds, ``None`` or 0 for no bound."""

    settings: t.Mapping[str, t.Any]
    bucket: str
    key: str
    hostname: str
    server_version: str
    sha256: str
    tables: int
    rows: int
    recovery_seconds: int
    notes: t.Sequence[str]
    retries: int
    timeout: t.Optional[int]
    check_mode: bool


def put_proof(request: ProofRequest) -> t.Dict[str, t.Any]:
    """Put ``{key}.proof.json`` beside an archive, in place of an earlier proof.

    :returns: the result of ``backup_proof``
    :raises NoSuchBackup: when the archive or its manifest is no longer in the bucket
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    proof = {
        "format": FORMAT,
        "proven": timestamp(utc_now()),
        **{name: getattr(request, name) for name in _FIELDS},
    }
    content = json.dumps(proof, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "surrogateescape")
    key = request.key + PROOF
    bound = Bound(request.timeout or None, "upload of the proof")
    with Store(request.settings, request.bucket, bound=bound, retries=request.retries, parallel=1) as store:
        for needed in (request.key, request.key + MANIFEST):
            if look(store, needed) is None:
                raise NoSuchBackup(f"{store.url(needed)} is no longer in the bucket: no proof was written")
        if not request.check_mode:
            put_object(store, key, content, ContentType="application/json")
        return {"changed": True, "key": key, "url": store.url(key), "proven": proof["proven"]}
