# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checksum of each request that writes: a SHA-256, or an MD5 for a store that refuses checksum headers."""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part, as_header
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import UNSUPPORTED, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Answer, Store

Params = t.Dict[str, t.Any]


def write_checked(
    store: Store, request: t.Callable[..., Answer], body: t.Union[Part, bytes], log: RunLog, params: Params
) -> Answer:
    """Make a request with *body*, and with its checksum: a bucket that locks its objects refuses those without.

    The algorithm is named too, which such buckets also ask for.

    :param request: makes the request with its parameters
    :param log: gets a line when the store begins to get MD5s
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    return _negotiate(
        store,
        log,
        lambda: request(
            Body=body, ChecksumAlgorithm="SHA256", ChecksumSHA256=as_header(_digest(body, "sha256")), **params
        ),
        lambda: request(Body=body, ContentMD5=as_header(_digest(body, "md5")), **params),
    )


def create_upload(store: Store, log: RunLog, params: Params) -> Answer:
    """Create a multipart upload whose parts have checksums.

    :raises StoreFailed: when the store refuses or cannot be reached
    """
    return _negotiate(
        store,
        log,
        lambda: store.call("create_multipart_upload", ChecksumAlgorithm="SHA256", **params),
        lambda: store.call("create_multipart_upload", **params),
    )


def _negotiate(
    store: Store, log: RunLog, with_checksum: t.Callable[[], Answer], without: t.Callable[[], Answer]
) -> Answer:
    if not store.takes_checksums:
        return without()
    try:
        return with_checksum()
    except Refused as error:
        if error.code not in UNSUPPORTED:
            raise
        refusal = error
    # If it is refused too, the reason was another.
    answer = without()
    if store.stop_checksums():
        log.info(f"the store refuses checksum headers, so it gets an MD5 with every request instead: {refusal}")
    return answer


def _digest(body: t.Union[Part, bytes], name: str) -> bytes:
    if isinstance(body, bytes):
        return hashlib.new(name, body, usedforsecurity=False).digest()
    return t.cast("bytes", getattr(body, name))
