"""An object store that is away for five minutes at each step of a run: with the default patience, nothing is lost.

``make test-faults`` alone, with all steps at once. Another time is ``VEX_AWAY_SECONDS``.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.checks import assert_says, check_success
from tests.faults.conftest import NewHost
from tests.faults.ending import ALL
from tests.faults.source import fill_little
from tests.playbook import Installation, Outcome
from tests.servers.mariadb import MariaDB
from tests.servers.s3_proxy import S3Proxy

SECONDS = float(os.environ.get("VEX_AWAY_SECONDS", "300"))
# After the store is back. A pause before the next attempt is at most half a minute; the rest is for a slow machine.
HANGS = 1200
# By step, the operation before which the store goes away, and its number among the requests of the run.
STEPS = {
    "before the first look at the bucket": ("HeadObject", 1),
    "before the upload begins": ("CreateMultipartUpload", 1),
    "between the parts": ("UploadPart", 2),
    "before the parts become an archive": ("CompleteMultipartUpload", 1),
    "between the archive and its manifest": ("PutObject", 1),
    "before retention lists the backups": ("ListObjectsV2", 1),
    "before retention removes a manifest": ("DeleteObject", 1),
    "between a removed manifest and its archive": ("DeleteObject", 2),
}


@dataclasses.dataclass(frozen=True)
class Survived:
    """A run whose store was away: the host, the keys of its backup before, the run's outcome and seconds."""

    host: Installation
    before: list[str]
    outcome: Outcome
    seconds: float


@pytest.fixture(scope="module")
def survived(new_host: NewHost, server_directory: Path) -> Iterator[dict[str, Survived]]:
    """Back up a host for each step, all at once, since they mostly wait."""
    with MariaDB(server_directory / "three-parts") as source:
        fill_little(source, mebibytes=36)
        yield _back_up_all([new_host(source) for _step in STEPS])


def _back_up_all(hosts: list[Installation]) -> dict[str, Survived]:
    with ThreadPoolExecutor(2) as pool:
        before = list(pool.map(Installation.backup, hosts))
    with ThreadPoolExecutor(len(STEPS)) as pool:
        return dict(zip(STEPS, pool.map(_back_up, hosts, before, STEPS.values()), strict=True))


def _back_up(host: Installation, before: Outcome, step: tuple[str, int]) -> Survived:
    """Back up a host whose store goes away before one request."""
    check_success(host, before)
    # The patience is the default.
    del host.variables["vex_backup_patience_minutes"]
    with S3Proxy(host.store.endpoint) as proxy:
        proxy.call_at(*step, functools.partial(proxy.go_away, SECONDS))
        began = time.monotonic()
        run = host.start(s3_endpoint_url=proxy.endpoint, keep_last=1)
        outcome = run.wait(SECONDS + HANGS)
        return Survived(host, before.keys, outcome, time.monotonic() - began)


@pytest.mark.skipif(not ALL, reason="make test-faults runs it, since it takes as long as the store is away")
@pytest.mark.parametrize("step", STEPS)
def test_the_store_is_away_for_long(survived: dict[str, Survived], step: str) -> None:
    seen = survived[step]
    host, outcome = seen.host, seen.outcome
    check_success(host, outcome)
    assert (outcome.backups[-1]["status_backup"], outcome.uploads[-1]["status_upload"]) == (1, 1)
    assert seen.seconds > SECONDS, "the store was never away"
    assert len(outcome.keys) == 2 and not set(seen.before) & set(outcome.keys)
    log = max(host.work.glob("*.logs/backup_script.log")).read_text()
    assert_says(log, ["the object store does not answer (", "trying again for up to 10 minutes"])
