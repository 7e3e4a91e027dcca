# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resumable uploads to a server that keeps less than it got. Those to a whole server are in tests/integration."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

pytest.importorskip("google.cloud.storage")

import requests

from ansible_collections.vex.backup.plugins.module_utils._errors import StoreFailed
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_refusal import Request
from ansible_collections.vex.backup.plugins.module_utils._store.gcs_session import Connection, Last, ResumableUpload
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE, split
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Refused

REQUEST = Request("the upload", "gs://vex/a.zip", "https://store", "storage.objects.create")
SIZE = MEBIBYTE + 10


class Server:
    """A session of ``requests`` that gives prepared answers, and notes the range and size of each body."""

    def __init__(self, *answers: t.Tuple[int, t.Any]) -> None:
        self.answers = list(answers)
        self.sent: t.List[t.Tuple[str, int]] = []

    def put(self, _url: str, data: t.Any, headers: t.Dict[str, str], **_options: t.Any) -> requests.Response:
        self.sent.append((headers["Content-Range"], 0 if data is None else len(data.read())))
        return self._answer()

    def delete(self, _url: str, **_options: t.Any) -> requests.Response:
        return self._answer()

    def _answer(self) -> requests.Response:
        status, content = self.answers.pop(0)
        made = requests.Response()
        made.status_code = status
        if status == 308 and content:
            made.headers["Range"] = f"bytes=0-{content - 1}"
        made._content = json.dumps(content).encode()
        return made


@pytest.fixture
def parts(tmp_path: pathlib.Path) -> t.Iterator[t.Any]:
    path = tmp_path / "a.zip"
    path.write_bytes(b"x" * SIZE)
    with open(path, "rb") as stream:
        yield split(stream.fileno(), SIZE, MEBIBYTE, lambda: None)


def upload(server: Server, kept: t.Optional[int] = 0) -> ResumableUpload:
    return ResumableUpload(Connection(t.cast("t.Any", server), (1, 1), lambda: None), "https://u", REQUEST, kept)


def test_sends_the_rest_of_a_part(parts: t.Any) -> None:
    server = Server((308, MEBIBYTE // 2), (308, MEBIBYTE), (200, {"generation": "1"}))
    session = upload(server)
    assert session.send(parts[0]) is None
    assert session.send(parts[1], Last(SIZE, "AAAAAA==")) == {"generation": "1"}
    assert server.sent == [
        (f"bytes 0-{MEBIBYTE - 1}/*", MEBIBYTE),
        (f"bytes {MEBIBYTE // 2}-{MEBIBYTE - 1}/*", MEBIBYTE // 2),
        (f"bytes {MEBIBYTE}-{SIZE - 1}/{SIZE}", 10),
    ]


def test_asks_what_the_server_has_after_a_failure(parts: t.Any) -> None:
    server = Server((503, None), (308, MEBIBYTE))
    session = upload(server)
    with pytest.raises(StoreFailed) as failed:
        session.send(parts[0])
    assert failed.value.may_pass
    assert session.send(parts[0]) is None
    assert server.sent[1] == ("bytes */*", 0)


def test_an_answer_that_was_lost_is_given_again(parts: t.Any) -> None:
    server = Server((200, {"generation": "1"}))
    assert upload(server, kept=None).send(parts[1], Last(SIZE, "AAAAAA==")) == {"generation": "1"}
    assert server.sent == [("bytes */*", 0)]


def test_a_server_that_has_all_but_no_object_is_asked_for_it(parts: t.Any) -> None:
    server = Server((308, SIZE), (201, {"generation": "1"}))
    assert upload(server, kept=None).send(parts[1], Last(SIZE, "AAAAAA==")) == {"generation": "1"}
    assert server.sent[1] == (f"bytes */{SIZE}", 0)


@pytest.mark.parametrize("kept", [0, MEBIBYTE])
def test_a_server_that_keeps_nothing_may_do_so_later(parts: t.Any, kept: int) -> None:
    session = upload(Server((308, kept), (308, kept)), kept=None)
    with pytest.raises(StoreFailed, match="did not keep") as failed:
        session.send(parts[1], Last(SIZE, "AAAAAA=="))
    assert failed.value.may_pass


def test_what_cannot_be_cancelled_is_refused() -> None:
    for status in (200, 404, 410, 499):
        upload(Server((status, None))).cancel()
    with pytest.raises(Refused):
        upload(Server((403, None))).cancel()
