# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The upload of a file in parts that are sent several at a time and become the object by a last request."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import undisturbed
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Unfinished, Upload, Written
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.work import Future
from ansible_collections.vex.backup.plugins.module_utils._store.write import abort_unfinished, digested

# Time for a failed upload to remove its parts, in seconds.
ABORT_SECONDS = 30


def send_blocks(
    store: Store,
    upload: Upload,
    parts: t.Sequence[Part],
    log: RunLog,
    complete: t.Callable[[str, t.List[t.Any]], Written],
) -> Written:
    """Upload a file by the store's ``begin`` and ``send``, and abort the upload when that fails.

    :param complete: makes the object, from the main thread, of the upload's id and what ``send`` returned for each
        part, in their order; by ``create``
    :raises StoreFailed: with a sentence on what is left, when the upload could not be aborted
    """
    upload_id = None
    requests: t.List[Future[t.Any]] = []
    repeated = store.patience.repetitions
    try:
        upload_id = store.call(store.begin, upload, log)
        if store.patience.repetitions > repeated:
            # An attempt whose answer was lost may have begun an upload too.
            abort_unfinished(store, upload.key, log, but=upload_id)
        for part in digested(parts, upload):
            # Digests are only a few parts ahead of the upload: the parts are still in memory, and a failure ends both.
            if len(requests) >= 2 * store.parallel:
                store.wait([requests[-2 * store.parallel]])
            requests.append(store.start(store.send, upload, upload_id, part, log))
        return complete(upload_id, store.wait(requests))
    except BaseException as error:
        with undisturbed():
            # Parts that arrive after the abort would stay in the store, so no request may be running.
            store.cancel(ABORT_SECONDS)
            left = _take_back(store, upload.key, upload_id, log)
        if left and isinstance(error, BackupError):
            error.extend(left)
        raise


def _take_back(store: Store, key: str, upload_id: t.Optional[str], log: RunLog) -> t.Optional[str]:
    """Abort an upload, or every unfinished upload of *key* without an id; return a sentence when that failed."""
    try:
        if upload_id is None:
            abort_unfinished(store, key, log)
        else:
            store.call(store.abort, Unfinished(key, upload_id, utc_now()))
    except StoreFailed as error:
        left = (
            f"parts of the upload may be left in the bucket as an unfinished upload of {store.url(key)}, because it "
            "could not be aborted: the next upload of this key, retention or a lifecycle rule of the bucket aborts it"
        )
        log.warning(f"{left} ({error})")
        return left
    return None
