"""Failures of the upload: the archive itself is whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checks import check_failed_upload, check_success
from tests.faults.conftest import NewHost, Outcomes, all_at_once
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS

WORDS = {
    "bucket missing": ["s3://nowhere/", "the bucket does not exist: create it, or correct bucket"],
    "access denied": ["s3://vex/", "these credentials may not do that: grant them s3:PutObject"],
    "unknown key": ["s3://vex/", "the server does not know the access key: correct access_key"],
    "no server": ["http://127.0.0.1:9 could not be reached", "check endpoint_url"],
    "always unavailable": ["the server answered 503: repeat when it works again"],
}


@pytest.fixture(scope="module")
def outcomes(new_host: NewHost, s3: SeaweedFS) -> Outcomes:
    with S3Proxy(s3.endpoint) as for_a_while, S3Proxy(s3.endpoint) as always:
        for_a_while.refuse(times=3)
        always.refuse()
        cases: dict[str, dict[str, Any]] = {
            "bucket missing": {"s3_bucket": "nowhere"},
            "access denied": {"s3_access_key": s3.ro_access_key, "s3_secret_key": s3.ro_secret_key},
            "unknown key": {"s3_access_key": "nobody"},
            "no server": {"s3_endpoint_url": "http://127.0.0.1:9"},
            "always unavailable": {"s3_endpoint_url": always.endpoint},
            "unavailable for a while": {"s3_endpoint_url": for_a_while.endpoint, "patience_minutes": 5},
        }
        outcomes = all_at_once(new_host, cases)
        assert len(for_a_while.requests) > 3
        return outcomes


@pytest.mark.parametrize("case", WORDS)
def test_upload_fails(outcomes: Outcomes, case: str) -> None:
    check_failed_upload(*outcomes[case], WORDS[case])


def test_upload_succeeds_when_the_server_works_again(outcomes: Outcomes) -> None:
    host, outcome = outcomes["unavailable for a while"]
    check_success(host, outcome)
    assert (len(outcome.backups), len(outcome.uploads), len(outcome.mails)) == (1, 1, 1)
