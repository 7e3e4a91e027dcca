# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The parts of a file, and their checksums."""

from __future__ import annotations

import base64
import hashlib
import os
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._store.multipart import (
    MEBIBYTE,
    MOST_PARTS,
    Part,
    split,
)
from ansible_collections.vex.backup.plugins.module_utils._store.s3_answers import written_of
from ansible_collections.vex.backup.plugins.module_utils._store.s3_checksums import (
    as_header,
    checksum_of,
    etag_of,
    matches,
)

DATA = bytes(range(256)) * 10


def no_check() -> None:
    """Accept every read."""


@pytest.fixture
def descriptor(tmp_path: pathlib.Path) -> t.Iterator[int]:
    (tmp_path / "f").write_bytes(DATA)
    number = os.open(tmp_path / "f", os.O_RDONLY)
    yield number
    os.close(number)


def parts_of(descriptor: int, size: int) -> t.List[Part]:
    return split(descriptor, len(DATA), size, no_check)


def test_a_part_reads_like_a_file(descriptor: int) -> None:
    part = Part(descriptor, 2, 100, 50, no_check)
    assert len(part) == 50
    assert part.read(20) == DATA[100:120]
    assert part.tell() == 20
    assert part.read() == DATA[120:150]
    assert part.read(10) == b""
    assert part.seek(-10, os.SEEK_END) == 40
    assert part.read(-1) == DATA[140:150]
    assert part.seek(5) == 5
    assert part.seek(5, os.SEEK_CUR) == 10
    assert part.read(1) == DATA[110:111]
    part.seek(60)
    assert part.read() == b""


def test_only_what_is_sent_waits_for_its_turn(descriptor: int) -> None:
    """Neither digests nor the reading for a signature count."""
    sent: t.List[int] = []
    _first, part = split(descriptor, 300, 200, no_check, sent.append)
    part.take_digest(hashlib.sha256())
    assert part.md5 == hashlib.md5(DATA[200:300], usedforsecurity=False).digest()
    part.is_sent = False
    part.read()
    assert sent == []
    part.is_sent = True
    part.seek(0)
    part.read(60)
    part.read()
    assert sent == [60, 40]


def test_a_failing_check_ends_the_reading(descriptor: int) -> None:
    def fail() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        Part(descriptor, 1, 0, 10, fail).read(1)


@pytest.mark.parametrize("size", [1, 7, 256, len(DATA) - 1, len(DATA), len(DATA) + 1])
def test_the_parts_make_up_the_file(descriptor: int, size: int) -> None:
    parts = parts_of(descriptor, size)
    assert b"".join(part.read() for part in parts) == DATA
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert {len(part) for part in parts[:-1]} <= {size}


def test_an_empty_file_is_one_empty_part(descriptor: int) -> None:
    (part,) = split(descriptor, 0, MEBIBYTE, no_check)
    assert (part.read(), part.sha256) == (b"", hashlib.sha256(b"").digest())


@pytest.mark.parametrize("size", [5 * MEBIBYTE * MOST_PARTS + 1, 5 * 1024**4, 5 * 1024**4 - 1])
def test_large_files_get_larger_parts(size: int) -> None:
    parts = split(-1, size, 5 * MEBIBYTE, no_check)
    assert len(parts) <= MOST_PARTS
    assert sum(len(part) for part in parts) == size
    assert len(parts[0]) % MEBIBYTE == 0
    assert len(split(-1, 5 * MEBIBYTE * MOST_PARTS, 5 * MEBIBYTE, no_check)) == MOST_PARTS


def test_checksums_match_the_documentation_of_s3(descriptor: int) -> None:
    parts = parts_of(descriptor, 1000)
    chunks = [DATA[:1000], DATA[1000:2000], DATA[2000:]]
    parts[0].read(17)
    digests = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    assert checksum_of(parts) == base64.b64encode(hashlib.sha256(digests).digest()).decode()
    digests = b"".join(hashlib.md5(chunk, usedforsecurity=False).digest() for chunk in chunks)
    assert etag_of(parts) == hashlib.md5(digests, usedforsecurity=False).hexdigest() + "-3"
    assert parts[0].tell() == 0
    (whole,) = parts_of(descriptor, len(DATA))
    assert checksum_of([whole]) == as_header(hashlib.sha256(DATA).digest())
    assert etag_of([whole]) == hashlib.md5(DATA, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("size", [1000, len(DATA)])
def test_answers_are_compared_by_the_strongest_checksum(descriptor: int, size: int) -> None:
    parts = parts_of(descriptor, size)
    checksum, etag = checksum_of(parts), f'"{etag_of(parts)}"'
    whole = hashlib.sha256(DATA)
    wrong = as_header(hashlib.sha256(b"").digest())

    def verdict(**answer: str) -> t.Optional[bool]:
        return matches(written_of(answer), parts, whole.hexdigest())

    assert verdict(ChecksumSHA256=checksum, ETag='"other"') is True
    assert verdict(ChecksumSHA256=f"{checksum}-{len(parts)}") is True
    # Some servers give the checksum of the whole, whatever the number of parts.
    assert verdict(ChecksumSHA256=as_header(whole.digest())) is True
    assert verdict(ChecksumSHA256=wrong, ETag=etag) is False
    # An object in other parts has another checksum, which shows nothing.
    assert verdict(ChecksumSHA256=f"{wrong}-9") is None
    assert verdict(ETag=etag) is True
    # A server may make its ETags as it likes.
    assert verdict(ETag='"d41d8cd98f00b204e9800998ecf8427e"') is None
    assert verdict(ETag='"abc"', ServerSideEncryption="aws:kms") is None
    assert verdict() is None
