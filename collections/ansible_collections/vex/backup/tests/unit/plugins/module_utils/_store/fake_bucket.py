# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bucket in memory, in place of botocore's client, for random tests and for a crash at every request.

Tests on a real server are in tests/integration and tests/restore.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import types
import typing as t

import pytest
from botocore.exceptions import ClientError

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import signed
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import manifest_of, proof_of
from ansible_collections.vex.backup.plugins.module_utils._store import s3_client as s3_client_module
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.destination import open_store as open_destination
from ansible_collections.vex.backup.plugins.module_utils._store.port import Store
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience

UTC = datetime.timezone.utc
NAME = "vex"


class Crash(Exception):
    """The end of the process."""


def refusal(operation: str, code: str, status: int = 403) -> ClientError:
    """Return the error of a request that the server refuses."""
    response: t.Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class FakeBucket:
    """The methods of botocore's client that the product uses, on objects in memory.

    ``refused`` are the requests that fail, by operation and key or prefix, with their errors; ``locks`` are what HEAD
    returns of a key's lock; ``cold`` are the keys in cold storage; with ``versioned``, a deletion leaves a marker;
    ``crash_after`` is how many requests are answered before each one raises :class:`Crash`.
    """

    def __init__(self) -> None:
        self.objects: t.Dict[str, bytes] = {}
        self.modified: t.Dict[str, datetime.datetime] = {}
        self.uploads: t.Dict[str, datetime.datetime] = {}
        self.metadata: t.Dict[str, t.Dict[str, str]] = {}
        self.parts: t.Dict[str, t.List[datetime.datetime]] = {}
        self.refused: t.Dict[t.Tuple[str, str], Exception] = {}
        self.locks: t.Dict[str, t.Dict[str, t.Any]] = {}
        self.cold: t.Set[str] = set()
        self.versioned = False
        self.page = 1000
        self.requests: t.List[t.Tuple[str, str]] = []
        self.crash_after: t.Optional[int] = None
        events = types.SimpleNamespace(register=lambda *_: None)
        self.meta = types.SimpleNamespace(events=events, endpoint_url="http://127.0.0.1:1")

    def close(self) -> None:
        """Do nothing."""

    def refuse(self, operation: str, key: str, code: str) -> None:
        """Let the server refuse *operation* on *key* from now on."""
        name = "".join(word.capitalize() for word in operation.split("_"))
        self.refused[operation, key] = refusal(name, code)

    def put(self, key: str, content: bytes, moment: datetime.datetime) -> None:
        self.objects[key] = content
        self.modified[key] = moment

    def put_backup(self, key: str, moment: datetime.datetime, size: int = 7, **manifest: t.Any) -> None:
        """Put an archive and its manifest."""
        self.put(key, b"x" * size, moment)
        secret = manifest.pop("signed_with", None)
        archive = {
            "name": key.rsplit("/", 1)[-1],
            "size": size,
            "sha256": manifest.pop("sha256", hashlib.sha256(b"x" * size).hexdigest()),
            "format": "zip",
            "encrypted": False,
        }
        described = {"archive": {**archive, "level": 0}, "run_uuid": "6f0c5d0e-2f33-4ff5-8d83-6d3c14a8a001", **manifest}
        self.put(manifest_of(key), json.dumps(signed(described, secret)).encode(), moment)

    def put_proof(
        self, key: str, moment: datetime.datetime, signed_with: t.Optional[str] = None, **changes: t.Any
    ) -> None:
        """Put the proof of a backup with an archive of this *key*."""
        proof = {
            "format": 1,
            "proven": moment.strftime("%Y-%m-%d %H:%M:%S"),
            "key": key,
            "hostname": "spare",
            "sha256": hashlib.sha256(self.objects[key]).hexdigest(),
            "tables": 2,
            "rows": 7,
            **changes,
        }
        self.put(proof_of(key), json.dumps(signed(proof, signed_with)).encode(), moment)

    def list_objects_v2(
        self,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        ContinuationToken: str = "",  # noqa: N803
        Delimiter: str = "",  # noqa: N803
    ) -> t.Dict[str, t.Any]:
        self._begin("list_objects_v2", Prefix)
        if Delimiter:
            return self._list_folders(Prefix, ContinuationToken)
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

    def _list_folders(self, prefix: str, after: str) -> t.Dict[str, t.Any]:
        rest = {key[len(prefix) :] for key in self.objects if key.startswith(prefix)}
        folders = sorted({f"{prefix}{key.partition('/')[0]}/" for key in rest if "/" in key})
        folders = [one for one in folders if one > after]
        shown = folders[: self.page]
        more = {"NextContinuationToken": shown[-1]} if len(folders) > len(shown) else {}
        return {"CommonPrefixes": [{"Prefix": one} for one in shown], "IsTruncated": bool(more), **more}

    def head_object(self, Bucket: str, Key: str) -> t.Dict[str, t.Any]:  # noqa: N803
        self._begin("head_object", Key)
        if Key not in self.objects:
            raise refusal("HeadObject", "404", 404)
        found = {"ContentLength": len(self.objects[Key]), "LastModified": self.modified[Key].replace(tzinfo=UTC)}
        return {**found, "ETag": '"e"', "Metadata": self.metadata.get(Key, {}), **self.locks.get(Key, {})}

    def get_object(self, Bucket: str, Key: str, Range: str = "bytes=0-", IfMatch: str = "") -> t.Dict[str, t.Any]:  # noqa: N803
        self._begin("get_object", Key)
        if Key not in self.objects:
            raise refusal("GetObject", "NoSuchKey", 404)
        if Key in self.cold:
            raise refusal("GetObject", "InvalidObjectState")
        assert IfMatch in ("", '"e"')
        first, last = Range[len("bytes=") :].split("-")
        return {"Body": io.BytesIO(self.objects[Key][int(first) : int(last) + 1 if last else None])}

    def put_object(self, Bucket: str, Key: str, Body: bytes, **checked: str) -> t.Dict[str, t.Any]:  # noqa: N803
        self._begin("put_object", Key)
        self.put(Key, Body, datetime.datetime(2026, 1, 1))
        return {"ETag": '"e"'}

    def delete_object(self, Bucket: str, Key: str) -> t.Dict[str, t.Any]:  # noqa: N803
        self._begin("delete_object", Key)
        self.objects.pop(Key, None)
        return {"DeleteMarker": True, "VersionId": "v"} if self.versioned else {}

    def list_multipart_uploads(
        self,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        KeyMarker: str = "",  # noqa: N803
        UploadIdMarker: str = "",  # noqa: N803
    ) -> t.Dict[str, t.Any]:
        self._begin("list_multipart_uploads", Prefix)
        assert UploadIdMarker == KeyMarker
        keys = sorted(key for key in self.uploads if key.startswith(Prefix) and key > KeyMarker)
        shown = keys[: self.page]
        listed = [{"Key": key, "UploadId": key, "Initiated": self.uploads[key].replace(tzinfo=UTC)} for key in shown]
        more = {"NextKeyMarker": shown[-1], "NextUploadIdMarker": shown[-1]} if len(keys) > len(shown) else {}
        return {"Uploads": listed, "IsTruncated": bool(more), **more}

    def list_parts(self, Bucket: str, Key: str, UploadId: str, PartNumberMarker: int = 0) -> t.Dict[str, t.Any]:  # noqa: N803
        self._begin("list_parts", Key)
        assert UploadId == Key
        times = self.parts.get(Key, [])
        shown = times[PartNumberMarker : PartNumberMarker + self.page]
        left = PartNumberMarker + len(shown) < len(times)
        more = {"NextPartNumberMarker": PartNumberMarker + len(shown)} if left else {}
        parts = [{"LastModified": one.replace(tzinfo=UTC)} for one in shown]
        return {"UploadId": UploadId, "Parts": parts, "IsTruncated": left, **more}

    def abort_multipart_upload(self, Bucket: str, Key: str, UploadId: str) -> t.Dict[str, t.Any]:  # noqa: N803
        self._begin("abort_multipart_upload", Key)
        assert UploadId == Key
        del self.uploads[Key]
        return {}

    def _begin(self, operation: str, key: str) -> None:
        if self.crash_after is not None:
            if self.crash_after == 0:
                raise Crash
            self.crash_after -= 1
        self.requests.append((operation, key))
        if (operation, key) in self.refused:
            raise self.refused[operation, key]


def destination(place: str = NAME, **settings: t.Any) -> Destination:
    """Return a destination in the bucket *place*."""
    return Destination("s3", "s3", place, S3Settings(**settings))


def use(bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every store reach *bucket*."""
    monkeypatch.setattr(s3_client_module, "make_client", lambda *_: bucket)


def open_store(bucket: FakeBucket, patience: float = 0) -> Store:
    """Return a store that reaches *bucket*, with a patience in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        use(bucket, patch)
        return open_destination(destination(), work="the test", timeout=None, patience=store_patience(patience))
