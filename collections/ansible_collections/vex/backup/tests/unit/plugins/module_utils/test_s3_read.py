# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects that change while they are read; the rest is in tests/integration/test_s3_download.py."""

from __future__ import annotations

import datetime
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._errors import DownloadFailed
from ansible_collections.vex.backup.plugins.module_utils._s3 import Refused
from ansible_collections.vex.backup.plugins.module_utils._s3_read import look, read_pieces
from ansible_collections.vex.backup.tests.unit.plugins.module_utils.fake_bucket import FakeBucket


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
