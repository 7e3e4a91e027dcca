# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof beside an archive in the bucket: that it was restored, where, when, and what was equal."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import NoSuchBackup
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import MANIFEST, PROOF
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import put_object
from ansible_collections.vex.backup.plugins.module_utils._store.objects import look
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Store

FORMAT = 1
_FIELDS = ("hostname", "server_version", "sha256", "tables", "rows", "recovery_seconds", "notes")


def put_proof(params: t.Mapping[str, t.Any], *, check_mode: bool) -> t.Dict[str, t.Any]:
    """Put ``{key}.proof.json`` beside an archive, in place of an earlier one.

    :param params: the options of ``backup_proof``
    :returns: its result
    :raises NoSuchBackup: when the archive or its manifest is no longer there
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    proof = {"format": FORMAT, "key": params["key"], "proven": timestamp(utc_now())}
    proof.update({name: params[name] for name in _FIELDS})
    content = json.dumps(proof, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "surrogateescape")
    key = params["key"] + PROOF
    bound = Bound(params["timeout"] or None, "upload of the proof")
    with Store(params, params["bucket"], bound=bound, retries=params["retries"], parallel=1) as store:
        for there in (params["key"], params["key"] + MANIFEST):
            if look(store, there) is None:
                raise NoSuchBackup(f"{store.url(there)} is no longer there, so there is nothing to prove")
        if not check_mode:
            put_object(store, key, content, ContentType="application/json")
        return {"changed": True, "key": key, "url": store.url(key), "proven": proof["proven"]}
