# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests as a server gets them."""

from __future__ import annotations

import http.server
import io
import threading
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._store.s3 import S3Store
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience


@pytest.fixture
def server() -> t.Iterator[t.Tuple[str, t.List[t.Any]]]:
    """Run a server that takes every object; return its address, and the headers that it gets."""
    got: t.List[t.Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(self.headers)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("ETag", '"e"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", got
        listening.shutdown()


def test_no_request_waits_for_leave_to_send_its_body(server: t.Tuple[str, t.List[t.Any]]) -> None:
    """An answer of that kind which is cut off would be read for ever."""
    address, got = server
    settings = S3Settings(access_key="AK", secret_key="SK", endpoint_url=address)
    store = S3Store(settings, "vex", work="the upload", timeout=60, patience=store_patience(0))
    with store:
        store.call(lambda: store.send_request("put_object", Key="key", Body=io.BytesIO(b"x" * 2**21)))
    (headers,) = got
    assert "Expect" not in headers
    assert headers["Content-Length"] == str(2**21)
