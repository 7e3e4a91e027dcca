# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects that change while they are read; the rest is in tests/integration/test_backup_download.py."""

from __future__ import annotations

import datetime
import hashlib
import io
import ssl
import typing as t

import pytest

pytest.importorskip("boto3")

from botocore.response import StreamingBody
from urllib3 import HTTPResponse

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.listing import stat
from ansible_collections.vex.backup.plugins.module_utils._store.read import read_chunks, read_object
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket, open_store


@pytest.fixture
def bucket() -> FakeBucket:
    made = FakeBucket()
    made.put("key", b"content", datetime.datetime(2026, 1, 1))
    return made


def read_after(change: t.Callable[[], object], bucket: FakeBucket) -> bytes:
    """Read an object that changes after its size was found."""
    with open_store(bucket) as store:
        listed = stat(store, "key")
        assert listed is not None
        change()
        return b"".join(read_chunks(store, listed))


def test_an_unchanged_object_is_read_whole(bucket: FakeBucket) -> None:
    assert read_after(lambda: None, bucket) == b"content"


def test_a_removed_object_is_an_error(bucket: FakeBucket) -> None:
    with pytest.raises(Refused, match="the object is not there"):
        read_after(bucket.objects.clear, bucket)


def test_a_shorter_object_is_an_error(bucket: FakeBucket) -> None:
    with pytest.raises(DownloadFailed, match="s3://vex/key gave 3 bytes for bytes=0-6"):
        read_after(lambda: bucket.objects.update(key=b"con"), bucket)


@pytest.mark.parametrize("right", [b"content", b"other"])
def test_a_small_object_is_read_again_when_its_upload_noted_another_checksum(
    bucket: FakeBucket, monkeypatch: pytest.MonkeyPatch, right: bytes
) -> None:
    whole, bodies = bucket.get_object, [b"damaged"]

    def get_object(**params: t.Any) -> t.Dict[str, t.Any]:
        answer = {**whole(**params), "Metadata": {"sha256": hashlib.sha256(right).hexdigest()}}
        return {**answer, "Body": io.BytesIO(bodies.pop())} if bodies else answer

    monkeypatch.setattr(bucket, "get_object", get_object)
    with open_store(bucket) as store:
        # An object that is the same twice is that object, whatever its metadata: its signature is checked later.
        assert read_object(store, "key") == b"content"
    assert len(bucket.requests) == (2 if right == b"content" else 3)


class ClosedConnection(io.RawIOBase):
    """A TLS connection that the other end closes without notice."""

    def read(self, size: int = -1) -> bytes:
        raise ssl.SSLEOFError("UNEXPECTED_EOF_WHILE_READING")


@pytest.mark.parametrize("patience", [600, 0])
def test_a_broken_tls_connection_is_retried(bucket: FakeBucket, patience: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.0)
    whole = bucket.get_object
    bodies: t.List[t.Any] = [HTTPResponse(ClosedConnection(), preload_content=False) for _attempt in range(3)]

    def get_object(**params: t.Any) -> t.Dict[str, t.Any]:
        return {"Body": StreamingBody(bodies.pop(), 7)} if bodies else whole(**params)

    monkeypatch.setattr(bucket, "get_object", get_object)
    with open_store(bucket, patience) as store:
        if patience:
            assert read_object(store, "key") == b"content"
        else:
            with pytest.raises(StoreFailed, match=r"connection broke while s3://vex/key was read: .*UNEXPECTED_EOF"):
                read_object(store, "key")
