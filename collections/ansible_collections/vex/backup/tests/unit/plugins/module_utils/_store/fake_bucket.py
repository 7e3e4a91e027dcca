# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bucket in memory, for what thousands of random steps or a crash at each request must show."""

from __future__ import annotations

import concurrent.futures
import datetime
import io
import json
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import signed
from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Refused

UTC = datetime.timezone.utc


class Crash(Exception):
    """The process is gone."""


class FakeBucket:
    """What :class:`Store` offers, on objects in memory; the tests on a real store are in tests/restore.

    ``refused`` are requests, operation and key or prefix, and how they fail; ``locks`` what HEAD says of a key's lock;
    ``versioned`` is whether a deletion leaves a marker. ``crash_after`` is how many requests are answered before
    everything ends.
    """

    def __init__(self) -> None:
        self.objects: t.Dict[str, bytes] = {}
        self.modified: t.Dict[str, datetime.datetime] = {}
        self.uploads: t.Dict[str, datetime.datetime] = {}
        self.refused: t.Dict[t.Tuple[str, str], BackupError] = {}
        self.locks: t.Dict[str, t.Dict[str, t.Any]] = {}
        self.versioned = False
        self.parallel = 1
        self.page = 1000
        self.requests: t.List[t.Tuple[str, str]] = []
        self.crash_after: t.Optional[int] = None

    def put(self, key: str, content: bytes, moment: datetime.datetime) -> None:
        self.objects[key] = content
        self.modified[key] = moment

    def put_backup(self, key: str, moment: datetime.datetime, size: int = 7, **manifest: t.Any) -> None:
        """An archive and its manifest."""
        self.put(key, b"x" * size, moment)
        secret = manifest.pop("signed_with", None)
        archive = {
            "name": key.rsplit("/", 1)[-1],
            "size": size,
            "sha256": manifest.pop("sha256", ""),
            "format": "zip",
            "encrypted": False,
        }
        described = {"archive": {**archive, "level": 0}, "run_uuid": "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001", **manifest}
        self.put(f"{key}.manifest.json", json.dumps(signed(described, secret)).encode(), moment)

    def url(self, key: str) -> str:
        return f"s3://vex/{key}"

    def start(self, action: t.Callable[..., t.Any], *arguments: t.Any) -> concurrent.futures.Future[t.Any]:
        future: concurrent.futures.Future[t.Any] = concurrent.futures.Future()
        try:
            future.set_result(action(*arguments))
        except (StoreFailed, Crash) as error:
            future.set_exception(error)
        return future

    def wait(self, requests: t.Sequence[concurrent.futures.Future[t.Any]]) -> t.List[t.Any]:
        return [request.result() for request in requests]

    def call(self, operation: str, **params: t.Any) -> t.Dict[str, t.Any]:
        if self.crash_after is not None:
            if self.crash_after == 0:
                raise Crash
            self.crash_after -= 1
        key = params.get("Key", params.get("Prefix", ""))
        self.requests.append((operation, key))
        if (operation, key) in self.refused:
            raise self.refused[operation, key]
        answer: t.Dict[str, t.Any] = getattr(self, f"_{operation}")(**params)
        return answer

    request = call

    def _list_objects_v2(self, Prefix: str, ContinuationToken: str = "") -> t.Dict[str, t.Any]:  # noqa: N803
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > ContinuationToken)
        shown = keys[: self.page]
        listed = [
            {
                "Key": key,
                "Size": len(self.objects[key]),
                "LastModified": self.modified[key].replace(tzinfo=UTC),
                "ETag": '"e"',
            }
            for key in shown
        ]
        more = {"NextContinuationToken": shown[-1]} if len(keys) > len(shown) else {}
        return {"Contents": listed, "IsTruncated": bool(more), **more}

    def _head_object(self, Key: str) -> t.Dict[str, t.Any]:  # noqa: N803
        if Key not in self.objects:
            raise Refused("not there", "404")
        found = {"ContentLength": len(self.objects[Key]), "LastModified": self.modified[Key].replace(tzinfo=UTC)}
        return {**found, "ETag": '"e"', **self.locks.get(Key, {})}

    def _get_object(self, Key: str, Range: str = "bytes=0-", IfMatch: str = "") -> t.Dict[str, t.Any]:  # noqa: N803
        if Key not in self.objects:
            raise Refused("not there", "NoSuchKey")
        assert IfMatch in ("", '"e"')
        first, last = Range[len("bytes=") :].split("-")
        return {"Body": io.BytesIO(self.objects[Key][int(first) : int(last) + 1 if last else None])}

    def _put_object(self, Key: str, Body: bytes, **checked: str) -> t.Dict[str, t.Any]:  # noqa: N803
        self.put(Key, Body, datetime.datetime(2026, 1, 1))
        return {}

    def _delete_object(self, Key: str) -> t.Dict[str, t.Any]:  # noqa: N803
        self.objects.pop(Key, None)
        return {"DeleteMarker": True, "VersionId": "v"} if self.versioned else {}

    def _list_multipart_uploads(self, Prefix: str, KeyMarker: str = "", UploadIdMarker: str = "") -> t.Dict[str, t.Any]:  # noqa: N803
        assert UploadIdMarker == KeyMarker
        keys = sorted(key for key in self.uploads if key.startswith(Prefix) and key > KeyMarker)
        shown = keys[: self.page]
        listed = [{"Key": key, "UploadId": key, "Initiated": self.uploads[key].replace(tzinfo=UTC)} for key in shown]
        more = {"NextKeyMarker": shown[-1], "NextUploadIdMarker": shown[-1]} if len(keys) > len(shown) else {}
        return {"Uploads": listed, "IsTruncated": bool(more), **more}

    def _abort_multipart_upload(self, Key: str, UploadId: str) -> t.Dict[str, t.Any]:  # noqa: N803
        assert UploadId == Key
        del self.uploads[Key]
        return {}


class Opened:
    """``with Store(...)``, of the fake."""

    def __init__(self, bucket: FakeBucket) -> None:
        self.bucket = bucket

    def __call__(self, *_arguments: t.Any, **_options: t.Any) -> Opened:
        return self

    def __enter__(self) -> FakeBucket:
        return self.bucket

    def __exit__(self, *_error: object) -> None:
        pass
