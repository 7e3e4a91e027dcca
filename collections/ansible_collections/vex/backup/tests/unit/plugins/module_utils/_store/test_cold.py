# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers about cold storage that no store of the tests gives; the others are in tests/integration."""

from __future__ import annotations

import datetime
import typing as t

import pytest

pytest.importorskip("boto3")

from botocore.config import Config
from botocore.stub import Stubber

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import ObjectCold
from ansible_collections.vex.backup.plugins.module_utils._store import s3_client as s3_client_module
from ansible_collections.vex.backup.plugins.module_utils._store.cold import require_warm, thaw
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import S3Store
from ansible_collections.vex.backup.plugins.module_utils._store.s3_answers import described_of
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience

ONGOING = {"Restore": 'ongoing-request="true"'}
READY = {"Restore": 'ongoing-request="false", expiry-date="Fri, 23 Jan 2026 00:00:00 GMT"'}
WHOLE: t.Dict[str, t.Any] = {
    "ContentLength": 7,
    "ETag": '"e"',
    "LastModified": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
}
DEEP = {**WHOLE, "StorageClass": "DEEP_ARCHIVE"}
TIERED = {**WHOLE, "StorageClass": "INTELLIGENT_TIERING", "ArchiveStatus": "ARCHIVE_ACCESS"}
NAMED = {"Bucket": "vex", "Key": "key"}


@pytest.mark.parametrize(
    ("described", "tier"),
    [
        ({}, None),
        ({"StorageClass": "STANDARD_IA"}, None),
        ({"StorageClass": "GLACIER_IR"}, None),
        ({"StorageClass": "INTELLIGENT_TIERING"}, None),
        ({"StorageClass": "GLACIER"}, "GLACIER"),
        (DEEP, "DEEP_ARCHIVE"),
        (TIERED, "ARCHIVE_ACCESS"),
        ({**DEEP, **ONGOING}, "DEEP_ARCHIVE"),
        ({**DEEP, **READY}, None),
    ],
)
def test_the_tier_that_an_object_must_be_thawed_from(described: t.Dict[str, t.Any], tier: t.Optional[str]) -> None:
    assert described_of("key", {**WHOLE, **described}).cold_tier == tier


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Stubber]:
    """Prepare the answers to the requests of :func:`store`, all of which must be made."""
    client = s3_client_module.make_client(
        S3Settings(access_key="AK", secret_key="SK", endpoint_url="http://127.0.0.1:1"), Config()
    )
    monkeypatch.setattr(s3_client_module, "make_client", lambda *_: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def store() -> S3Store:
    return S3Store(S3Settings(), "vex", work="the thaw", timeout=None, patience=store_patience(0))


def test_an_object_that_is_being_thawed_is_named_as_such(answers: Stubber) -> None:
    with (
        store() as made,
        pytest.raises(ObjectCold, match=r"is being thawed from cold storage \(DEEP_ARCHIVE\): repeat"),
    ):
        require_warm(made, described_of("key", {**DEEP, **ONGOING}))


def test_an_archive_tier_is_thawed_without_an_end(answers: Stubber) -> None:
    answers.add_response("head_object", TIERED, NAMED)
    answers.add_response("restore_object", {}, {**NAMED, "RestoreRequest": {}})
    answers.add_response("head_object", {**WHOLE, "StorageClass": "INTELLIGENT_TIERING"}, NAMED)
    with store() as made:
        thaw(made, ["key"], RunLog(None))


def test_a_request_that_another_process_has_just_made_is_waited_for(answers: Stubber) -> None:
    answers.add_response("head_object", DEEP, NAMED)
    answers.add_client_error("restore_object", "RestoreAlreadyInProgress", "no", 409)
    answers.add_response("head_object", {**DEEP, **READY}, NAMED)
    with store() as made:
        thaw(made, ["key"], RunLog(None))


def test_a_refused_thaw_names_the_right(answers: Stubber) -> None:
    answers.add_response("head_object", DEEP, NAMED)
    answers.add_client_error("restore_object", "AccessDenied", "no", 403)
    with store() as made, pytest.raises(Refused, match="grant them s3:RestoreObject there"):
        thaw(made, ["key"], RunLog(None))
