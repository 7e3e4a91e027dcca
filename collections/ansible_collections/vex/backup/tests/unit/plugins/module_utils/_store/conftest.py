# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An archive, and a server with prepared answers to its upload."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from botocore.stub import Stubber

from ansible_collections.vex.backup.plugins.module_utils._common import patience as patience_module
from ansible_collections.vex.backup.plugins.module_utils._store import s3_client as s3_client_module
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import MEBIBYTE
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._store.prepared_server import Server


@pytest.fixture(params=[1, 3], ids=["single", "parts"])
def archive(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> pathlib.Path:
    """Make an archive of one part, or of three."""
    path = tmp_path / "b.zip"
    with path.open("wb") as stream:
        stream.write(b"archive")
        if request.param == 3:
            stream.truncate(11 * MEBIBYTE)
    return path


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every repetition come at once."""
    monkeypatch.setattr(patience_module, "LONGEST_PAUSE", 0.0)


@pytest.fixture
def server(archive: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[Server]:
    """Prepare a server; fail if an expected request was not made."""
    made = Server(archive, 5)
    stubs: t.List[Stubber] = []
    make_client = s3_client_module.make_client

    def make_stubbed_client(*arguments: t.Any) -> t.Any:
        client = make_client(*arguments)
        stubs.append(made.attach(client))
        return client

    monkeypatch.setattr(s3_client_module, "make_client", make_stubbed_client)
    yield made
    made.close()
    for stub in stubs:
        stub.assert_no_pending_responses()
