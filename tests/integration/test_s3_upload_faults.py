"""s3_upload through faults of the network, past its deadline and after a signal."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    Interrupted,
    StoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._store import blocks as blocks_module
from ansible_collections.vex.backup.plugins.module_utils._store import work as work_module
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.objects import Upload
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import S3Store
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import Client
from tests.integration.uploading import KEY, MEBIBYTE, PARTS, SINGLE, SIZES, Uploads, cleared
from tests.modules import ModuleProcess
from tests.playbook import HANGS
from tests.servers.ports import free_port
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS


@pytest.fixture(params=SIZES, ids=["single", "parts"])
def uploads(request: pytest.FixtureRequest, s3: SeaweedFS, tmp_path: Path) -> Iterator[Uploads]:
    with cleared(s3):
        yield Uploads(s3, tmp_path / "b.zip", request.param)


only_parts = pytest.mark.parametrize("uploads", [PARTS], indirect=True)
only_single = pytest.mark.parametrize("uploads", [SINGLE], indirect=True)


@only_single
def test_connection_refused(uploads: Uploads) -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    message = uploads.refusal(StoreFailed, endpoint_url=endpoint)
    assert f"{endpoint} could not be reached" in message
    assert "check endpoint_url" in message


def test_503_for_a_while(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.refuse(times=2)
    assert uploads.run(endpoint_url=s3_proxy.endpoint, patience=HANGS)["changed"] is True
    assert uploads.content(KEY) == uploads.path.read_bytes()


@pytest.mark.parametrize("method", [None, "PUT"])
def test_503_without_end(uploads: Uploads, s3_proxy: S3Proxy, method: str | None) -> None:
    s3_proxy.refuse(method=method)
    message = uploads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint, patience=1)
    assert "the server answered 503: repeat when it works again" in message
    assert re.search(r"tried \d+ times in \d+ seconds: raise patience", message)
    assert s3_proxy.endpoint in message


def test_connections_that_break(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.drop(times=2, method="PUT")
    assert uploads.run(endpoint_url=s3_proxy.endpoint, patience=HANGS)["changed"] is True
    assert uploads.content(KEY) == uploads.path.read_bytes()


@only_parts
def test_a_store_that_is_away_in_the_middle(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.call_at("PUT", 2, s3_proxy.go_away)
    assert uploads.run(endpoint_url=s3_proxy.endpoint, patience=HANGS)["changed"] is True
    assert uploads.content(KEY) == uploads.path.read_bytes()
    assert uploads.unfinished() == []


@only_parts
def test_parts_that_stay_in_the_bucket_are_reported(
    uploads: Uploads, s3_proxy: S3Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "ABORT_SECONDS", 1)
    s3_proxy.call_at("PUT", 2, s3_proxy.drop)
    with pytest.raises(StoreFailed) as caught:
        uploads.run(endpoint_url=s3_proxy.endpoint)
    assert "parts of the upload may be left in the bucket as an unfinished upload of s3://vex/" in str(caught.value)
    assert "parts of the upload may be left" in uploads.log.read_text()
    assert uploads.unfinished() == [KEY]
    # The next upload of the key aborts it.
    uploads.run()
    assert uploads.unfinished() == []


def test_every_second_request_is_refused(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.refuse_every_second()
    assert uploads.run(endpoint_url=s3_proxy.endpoint, patience=HANGS)["changed"] is True
    assert uploads.content(KEY) == uploads.path.read_bytes()


def test_connections_that_always_break(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.drop(method="PUT")
    message = uploads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint)
    assert "could not be reached" in message


@only_parts
def test_the_deadline_ends_a_running_upload(uploads: Uploads, s3_proxy: S3Proxy) -> None:
    s3_proxy.refuse(method="PUT")
    began = time.monotonic()
    message = uploads.refusal(StoreFailed, endpoint_url=s3_proxy.endpoint, patience=HANGS, timeout=3)
    assert "longer than 3 seconds: raise timeout" in message
    assert time.monotonic() - began < HANGS


@only_single
def test_the_deadline_ends_the_wait_for_a_server_that_hangs(uploads: Uploads) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        message = uploads.refusal(StoreFailed, endpoint_url=endpoint, patience=HANGS, timeout=2)
    assert "longer than 2 seconds" in message
    assert time.monotonic() - began < HANGS


def test_a_body_that_the_deadline_cuts_short_is_no_network_failure(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Impatient(Deadline):
        """A deadline that stops, once, when a body is read for sending."""

        sending = ended = False

        def check(self) -> None:
            if self.sending and not self.ended:
                Impatient.ended = True
                self.stop()
            super().check()

    make = Client.send

    def send(self: Client, operation: str, **params: Any) -> dict[str, Any]:
        if operation in ("put_object", "upload_part"):
            Impatient.sending = True
        return make(self, operation, **params)

    monkeypatch.setattr(Client, "send", send)
    monkeypatch.setattr(work_module, "Deadline", Impatient)
    assert "the upload was stopped because another part of it failed" in uploads.refusal(StoreFailed)


@only_parts
def test_an_interrupted_upload_leaves_nothing(uploads: Uploads) -> None:
    uploads.grow(400 * MEBIBYTE)

    def interrupt() -> None:
        uploads.wait_for_parts()
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with ending_children():
        uploads.refusal(Interrupted)
        thread.join()


@only_parts
def test_a_failed_upload_that_is_interrupted_leaves_nothing(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    send, cancel = S3Store.send, S3Store.cancel

    def send_one(store: S3Store, upload: Upload, upload_id: str, part: Part, log: RunLog) -> dict[str, Any]:
        if part.number == 2:
            raise StoreFailed("the second part fails")
        return send(store, upload, upload_id, part, log)

    def interrupt(store: S3Store, seconds: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        cancel(store, seconds)

    monkeypatch.setattr(S3Store, "send", send_one)
    monkeypatch.setattr(S3Store, "cancel", interrupt)
    with ending_children():
        assert "this step was interrupted" in uploads.refusal(Interrupted)


@only_parts
def test_an_interrupted_module_leaves_nothing(uploads: Uploads) -> None:
    uploads.grow(400 * MEBIBYTE)
    module = ModuleProcess("s3_upload", uploads.options(run_log=str(uploads.log)))
    uploads.wait_for_parts()
    module.process.send_signal(signal.SIGTERM)
    result = module.result()
    assert "interrupted by SIGTERM" in result["msg"]
    assert (uploads.bucket(), uploads.unfinished()) == ({}, [])
    assert "this step was interrupted" in uploads.log.read_text()
