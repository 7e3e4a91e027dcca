# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers about blobs that no server of the tests gives: locks, cold storage, and answers that were cut off."""

from __future__ import annotations

import datetime
import types
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.azure_answers import (
    described_of,
    listed_of,
    metadata_for,
    metadata_of,
    written_of,
)

URL = "https://vex.blob.core.windows.net/c/k.zip"
NOW = datetime.datetime(2026, 1, 2, 3)


def blob(**properties: t.Any) -> t.Any:
    """Return ``BlobProperties`` of the SDK, as far as they are read."""
    plain = {
        "name": "k.zip",
        "size": 7,
        "last_modified": NOW.replace(tzinfo=datetime.timezone.utc),
        "etag": '"0x1"',
        "blob_tier": "Hot",
        "archive_status": None,
        "metadata": {"Sha256": "ab", "run__uuid": "1"},
        "version_id": None,
        "has_legal_hold": None,
        "content_settings": types.SimpleNamespace(content_md5=None),
        "immutability_policy": types.SimpleNamespace(expiry_time=None),
    }
    return types.SimpleNamespace(**{**plain, **properties})


def test_a_plain_blob() -> None:
    found = described_of(
        URL, blob(version_id="v1", content_settings=types.SimpleNamespace(content_md5=bytearray(b"a")))
    )
    assert found.listed == ("k.zip", 7, NOW, "0x1", "Hot")
    assert (found.sha256, found.metadata["run-uuid"]) == ("ab", "1")
    assert (found.written.version, found.written.checksums) == ("v1", {"md5": "61"})
    assert (found.lock(NOW), found.cold_tier, found.is_thawing) == (None, None, False)
    assert listed_of(URL, blob(blob_tier=None)).storage_class == "STANDARD"


def test_locks() -> None:
    assert "a legal hold" in str(described_of(URL, blob(has_legal_hold=True)).lock(NOW))
    until = types.SimpleNamespace(expiry_time=datetime.datetime(2026, 1, 3, 1, tzinfo=datetime.timezone.utc))
    assert "until 2026-01-03 01:00:00 (UTC)" in str(described_of(URL, blob(immutability_policy=until)).lock(NOW))


def test_cold_storage() -> None:
    cold = described_of(URL, blob(blob_tier="Archive"))
    assert (cold.cold_tier, cold.is_thawing) == ("Archive", False)
    thawing = described_of(URL, blob(blob_tier="Archive", archive_status="rehydrate-pending-to-hot"))
    assert (thawing.cold_tier, thawing.is_thawing) == ("Archive", True)
    assert described_of(URL, blob(blob_tier="Cold")).cold_tier is None


@pytest.mark.parametrize("name", ["size", "last_modified", "etag"])
def test_an_answer_that_was_cut_off(name: str) -> None:
    with pytest.raises(StoreFailed, match=f"incomplete answer for {URL}, without {name}") as caught:
        described_of(URL, blob(**{name: None}))
    assert caught.value.may_pass


def test_what_was_written() -> None:
    found = written_of(URL, {"etag": '"0x2"', "version_id": "v"}, {"md5": "61"}, 3)
    assert (found.etag, found.checksums, found.parts, found.version) == ("0x2", {"md5": "61"}, 3, "v")
    with pytest.raises(StoreFailed, match="without etag"):
        written_of(URL, {}, {}, 1)


@pytest.mark.parametrize("name", ["sha256", "run-uuid", "run_uuid", "a-b_c-1"])
def test_names_of_metadata_there_and_back(name: str) -> None:
    assert metadata_of(metadata_for({name: "x"})) == {name: "x"}
    assert metadata_of({key.title(): "x" for key in metadata_for({name: "x"})}) == {name: "x"}


@pytest.mark.parametrize("name", ["", "1a", "a--b", "a__b", "a-_b", "-a", "a-", "a b", "é"])
def test_names_that_azure_cannot_hold(name: str) -> None:
    with pytest.raises(OptionError, match="choose another name"):
        metadata_for({name: "x"})
