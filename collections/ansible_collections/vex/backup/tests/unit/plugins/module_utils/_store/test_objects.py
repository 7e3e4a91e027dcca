# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects that change while they are read; the rest is in tests/integration/test_s3_download.py."""

from __future__ import annotations

import datetime
import io
import ssl
import typing as t

import pytest

pytest.importorskip("boto3")

from botocore.response import StreamingBody
from urllib3 import HTTPResponse

from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store import objects as objects_module
from ansible_collections.vex.backup.plugins.module_utils._store.objects import look, read_object, read_pieces
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Refused
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.fake_bucket import FakeBucket


@pytest.fixture
def bucket() -> FakeBucket:
    made = FakeBucket()
    made.put("key", b"content", datetime.datetime(2026, 1, 1))
    return made


def read_after(change: t.Callable[[], object], bucket: FakeBucket) -> bytes:
    """What is read of an object that changes once it has been looked at."""
    store: t.Any = bucket
    listed = look(store, "key")
    assert listed is not None
    change()
    return b"".join(read_pieces(store, listed, 0))


def test_one_that_stays(bucket: FakeBucket) -> None:
    assert read_after(lambda: None, bucket) == b"content"


def test_one_that_goes(bucket: FakeBucket) -> None:
    with pytest.raises(Refused, match="not there"):
        read_after(bucket.objects.clear, bucket)


def test_one_that_gives_less(bucket: FakeBucket) -> None:
    with pytest.raises(DownloadFailed, match="s3://vex/key gave 3 bytes for bytes=0-6"):
        read_after(lambda: bucket.objects.update(key=b"con"), bucket)


class EndOfTls(io.RawIOBase):
    """A connection whose other end goes without a goodbye."""

    def read(self, size: int = -1) -> bytes:
        raise ssl.SSLEOFError("UNEXPECTED_EOF_WHILE_READING")


@pytest.mark.parametrize("breaks", [1, 2])
def test_tls_that_breaks_off_is_asked_again(bucket: FakeBucket, breaks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_module, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(bucket, "bound", Bound(None, "download"), raising=False)
    whole = bucket.request
    broken: t.Any = HTTPResponse(EndOfTls(), preload_content=False)
    bodies = [StreamingBody(broken, 7) for _attempt in range(breaks)]

    def request(operation: str, **params: t.Any) -> t.Dict[str, t.Any]:
        return {"Body": bodies.pop()} if bodies else whole(operation, **params)

    monkeypatch.setattr(bucket, "request", request)
    store: t.Any = bucket
    if breaks == 1:
        assert read_object(store, "key", retries=1) == b"content"
    else:
        with pytest.raises(StoreFailed, match=r"broke off 2 times while it was read: .*UNEXPECTED_EOF"):
            read_object(store, "key", retries=1)
