# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The trial of a bucket: what uploads and retention do there, with one small object that is removed again."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import host_prefix, trial_of
from ansible_collections.vex.backup.plugins.module_utils._common.needs import Needs
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    ObjectCold,
    StoreFailed,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.listing import head, list_uploads
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE, split
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Unfinished, Upload, Written
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest, uploads_of
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
from ansible_collections.vex.backup.plugins.module_utils._store.write import put_file

CONTENT = b"`vex-backup check` wrote this object to try the bucket. It may be removed.\n"
PART_SIZE = 16

Value = t.TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class TrialRequest:
    """The options of ``backup_trial``.

    :param retention: the rights that only retention and readers need are required too
    :param timeout: seconds for all requests; 0 or ``None`` for no limit
    """

    destination: Destination
    prefix: str
    hostname: str
    retention: bool
    timeout: t.Optional[int]


@ending_children()
def try_bucket(request: TrialRequest) -> t.Dict[str, t.Any]:
    """List, write, read and remove one small object, and begin and abort a multipart upload.

    :returns: the result of ``backup_trial``
    :raises OptionError: for an option that cannot work
    :raises BackupError: the first failure, with the messages of the others
    """
    key = trial_of(request.prefix, request.hostname)
    with (
        tempfile.TemporaryDirectory(prefix="vex-backup-") as private,
        open_store(
            request.destination,
            work="the check of the bucket",
            timeout=request.timeout,
            patience=store_patience(0),
        ) as store,
    ):
        path = os.path.join(private, "object")
        with open(path, "wb") as stream:
            stream.write(CONTENT)
        trial = _Trial(store, _describe(request, path, key), required=request.retention)
        trial.run(host_prefix(request.prefix, request.hostname))
    result = {"bucket": request.destination.place, "key": key, "needs": trial.needs.tried, "notes": trial.needs.notes}
    try:
        trial.needs.conclude()
    except BackupError as error:
        error.details = {**error.details, **result}
        raise
    return {"changed": False, **result}


def _describe(request: TrialRequest, path: str, key: str) -> Upload:
    """Return the upload of a file as that of an archive."""
    (upload,) = uploads_of(
        UploadRequest(
            destination=request.destination,
            src=path,
            key=key,
            manifest=None,
            run_uuid=None,
            metadata={},
            part_size=PART_SIZE,
            parallel=1,
            patience=0,
            timeout=request.timeout,
            check_mode=False,
        )
    )
    return upload


class _Trial:
    """The trial of one bucket.

    :param upload: the small object
    :param required: whether the rights that only retention and readers of backups need are required
    """

    def __init__(self, store: Store, upload: Upload, *, required: bool) -> None:
        self.needs = Needs()
        self._store = store
        self._upload = upload
        self._required = required
        self._is_hopeless = False
        self._left = f"{store.url(upload.key)} remains, and no later check writes a second one"

    def run(self, prefix: str) -> None:
        """Try everything.

        :param prefix: the beginning of the host's keys
        """
        store, key = self._store, self._upload.key
        self._try("list", store.rights.list, lambda: store.call(store.list_page, prefix), False)
        if self._is_hopeless:
            return
        with contextlib.suppress(StoreFailed):
            # An earlier check may have left it.
            if head(store, key) is not None:
                self._remove(None)
        self.needs.notes.pop("remove", None)
        written = self._try("write", store.rights.write, self._write)
        if written is not None:
            self._try("read", store.rights.read, self._read, False)
            self._try("remove", store.rights.remove, lambda: self._remove(written.version), False)
        self._try_parts()

    def _try(self, name: str, right: str, action: t.Callable[[], Value], is_required: bool = True) -> t.Optional[Value]:
        """Return the result of *action*, ``None`` when it failed.

        :param right: the right that it takes
        :param is_required: uploads need it, and not only retention and readers
        """

        def act() -> t.Optional[Value]:
            try:
                return action()
            except Refused as error:
                if not error.is_denied:
                    self._is_hopeless = True
                    raise
                left = f": {self._left}" if name == "remove" else ""
                if is_required or self._required:
                    raise Refused(f"{right} is refused{left}: {error}", error.reason) from error
                self.needs.notes[name] = f"{right} is refused, which only retention, list and restore need{left}"
            except StoreFailed:
                self._is_hopeless = True
                raise
            return None

        return self.needs.attempt(name, act)

    def _write(self) -> Written:
        try:
            return put_file(self._store, self._upload, None, MEBIBYTE, RunLog(None))
        except Refused as error:
            # An earlier check left one that cannot be seen. The server answers this only to who may write.
            if error.is_changed:
                return Written("")
            raise

    def _read(self) -> None:
        try:
            content = read_object(self._store, self._upload.key)
        except ObjectCold:
            self.needs.notes["read"] = "objects of this storage class cannot be read before they are thawed"
            return
        if content != CONTENT:
            raise UploadFailed(
                f"{self._store.url(self._upload.key)} was read as other bytes than were written: check the network and "
                "what lies between this host and the server"
            )

    def _remove(self, version: t.Optional[str]) -> None:
        """Remove the object, and what a bucket with versions keeps of it.

        :param version: the object's, as far as it is known
        """
        store, key = self._store, self._upload.key
        found = None
        with contextlib.suppress(Refused):
            found = head(store, key)
        lock = None if found is None else found.lock(utc_now())
        if lock is not None:
            self.needs.notes["remove"] = f"{self._left}: {lock}"
            return
        version = version if found is None else found.written.version or version
        is_gone = version is not None and self._remove_version(version)
        # As retention does. In a bucket with versions, this makes a delete marker, also for a key without an object.
        marker = store.call(store.delete, key).marker
        if marker is None:
            return
        is_shown = self._remove_version(marker)
        if is_gone:
            return
        self.needs.notes["remove"] = (
            f"a version of {store.url(key)} remains, because the bucket refused to remove it"
            + ("" if is_shown else ", behind a delete marker, as of all that retention removes")
        )

    def _remove_version(self, version: str) -> bool:
        try:
            self._store.call(self._store.delete, self._upload.key, version)
        except Refused:
            return False
        return True

    def _try_parts(self) -> None:
        """Begin an upload in parts, send a part, and abort it."""
        store, key, rights = self._store, self._upload.key, self._store.rights
        uploads = functools.partial(list_uploads, store, key)
        listed = self._try("parts", rights.list_unfinished, lambda: self._if_listed(uploads), False) or []
        # An earlier check may have left one. It would be one more each time.
        for one in [one for one in listed if one.key == key] or self._begin():
            self._try("parts", rights.write, functools.partial(self._send, one.upload_id))
            parts = functools.partial(store.call, store.last_activity, one)
            self._try("parts", rights.last_activity, functools.partial(self._if_listed, parts), False)
            self._try("parts", rights.abort, functools.partial(store.call, store.abort, one))

    def _if_listed(self, action: t.Callable[[], Value]) -> t.Optional[Value]:
        """Return the result of *action*, ``None`` with a note when the store has no list of unfinished uploads."""
        try:
            return action()
        except Refused as error:
            if not error.is_unsupported:
                raise
        self.needs.notes["parts"] = "the store does not list unfinished uploads, so nobody finds them"
        return None

    def _begin(self) -> t.List[Unfinished]:
        begin = functools.partial(self._store.call, self._store.begin, self._upload, RunLog(None))
        upload_id = self._try("parts", self._store.rights.write, begin)
        return [] if upload_id is None else [Unfinished(self._upload.key, upload_id, utc_now())]

    def _send(self, upload_id: str) -> None:
        with open(self._upload.path, "rb") as stream:
            (part,) = split(stream.fileno(), self._upload.size, MEBIBYTE, self._store.deadline.check)
            self._store.call(self._store.send, self._upload, upload_id, part, RunLog(None))
