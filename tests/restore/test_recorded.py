"""Dumps that a real MyDumper 1.0.1 made of MySQL 9.7 come back, and those that lost a column are refused.

A stand-in writes the recorded files, so that these tests need no MyDumper 1.x.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playbook import Installation, LogDatabase
from tests.restore.cells import PRODUCTS, restore
from tests.restore.verifying import Verifier
from tests.servers import recorded
from tests.servers.contents import contents, differences
from tests.servers.database_server import DatabaseServer
from tests.servers.mysql import MySQL
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

pytestmark = pytest.mark.skipif(not recorded.DUMPS.exists(), reason=f"{recorded.DUMPS} holds the recorded dumps")

(PRODUCT,) = (one for one in PRODUCTS if one.server is MySQL)
# The dumps of the database zeta were recorded without the names of columns.
DATABASES = ("loja", "rh ação", "vazio")


@pytest.fixture(scope="module")
def source() -> Iterator[DatabaseServer]:
    """Run the server that was dumped."""
    with tempfile.TemporaryDirectory(prefix="vex-") as folder, MySQL(Path(folder)) as server:
        recorded.fill(server)
        yield server


@pytest.fixture
def setup(
    source: DatabaseServer,
    log_database: LogDatabase,
    s3: SeaweedFS,
    smtp: SmtpSink,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Installation]:
    """Prepare a host for the playbooks, with MySQL's programs."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        Path(name).chmod(0o711)
        made = Installation(Path(name) / "host", source, log_database, s3, smtp)
        made.create_account(PRODUCT.grants)
        monkeypatch.setenv("PATH", ":".join([str(made.path), *PRODUCT.path]))
        yield made


def manifest_of(setup: Installation, key: str) -> dict[str, Any]:
    body = setup.store.client().get_object(Bucket=setup.store.bucket, Key=f"{key}.manifest.json")["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize(
    ("folder", "mode"),
    [("complete-insert-loja", "individual"), ("checksums-loja", "individual"), ("complete-insert-loja", "instance")],
)
def test_a_recorded_dump_comes_back_and_is_proven(
    source: DatabaseServer, setup: Installation, folder: str, mode: str
) -> None:
    recorded.install(setup.path, folder)
    # Its view reads another database, which is not in the backup.
    source.execute("DROP VIEW IF EXISTS loja.v_zeta")
    outcome = setup.backup(mode=mode, databases=list(DATABASES))
    assert outcome.status == 0, outcome.output
    assert outcome.backup["status_backup"] == 1, outcome.backup["observacao"]
    manifest = manifest_of(setup, outcome.key)
    assert manifest["tools"]["mydumper"] == "1.0.1"
    (loja,) = [one for one in manifest["databases"] if one["name"] == "loja"]
    files = {table["name"]: table["files"] for table in loja["tables"]}
    assert files["cliente"] == ["tables/loja.cliente.00000.sql"]
    with MySQL(setup.directory.parent / "target") as target:
        restore(setup, target)
        with (
            contextlib.closing(source.connect()) as original,
            contextlib.closing(target.connect()) as restored,
        ):
            assert differences(contents(original, DATABASES), contents(restored, DATABASES)) == []
    proving = Verifier(setup, setup.directory.parent).run()
    assert proving.status == 0, proving.output
    assert proving.proof["status"] == 1, proving.proof["observacao"]


@pytest.mark.parametrize(
    ("folder", "database", "named"),
    [("invisible-zeta", "zeta", ("inv", "'s'")), ("individual-loja", "loja", ("loja.",))],
)
def test_a_dump_that_lacks_a_column_is_an_error(
    setup: Installation, folder: str, database: str, named: tuple[str, ...]
) -> None:
    """Without the names of columns, nothing tells that the invisible one is left out."""
    recorded.install(setup.path, folder)
    outcome = setup.backup(databases=[database])
    assert outcome.status != 0
    assert outcome.backup["status_backup"] == 3
    assert outcome.keys == []
    assert all(name in outcome.backup["observacao"] for name in named), outcome.backup["observacao"]
