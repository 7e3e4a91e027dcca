"""One destination of each type: a run with one of them away, the next one, and what reads them."""

from __future__ import annotations

import io
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.command import Command
from tests.playbook import Installation
from tests.restore.verifying import Verifier
from tests.servers.azurite import Azurite
from tests.servers.gcs import Gcs

NAMES = ["s3", "google", "azure", "disk"]
AWAY = "http://127.0.0.1:9"


@pytest.fixture
def destinations(backup_setup: Installation, gcs: Gcs, azurite: Azurite, tmp_path: Path) -> list[dict[str, Any]]:
    """Give the host a destination of each type, each with its own retention."""
    host, place = backup_setup, f"every-{secrets.token_hex(4)}"
    gcs.make_bucket(place)
    azurite.service().create_container(place)
    key = tmp_path / "google.json"
    key.write_text(gcs.tokens.account())
    (tmp_path / "disk").mkdir()
    options = ("bucket", "endpoint_url", "access_key", "secret_key")
    s3 = {name: host.variables.pop(f"vex_backup_s3_{name}") for name in options}
    google = {"bucket": place, "endpoint_url": gcs.endpoint, "service_account_file": str(key)}
    azure = {"container": place, "connection_string": azurite.connection_string_of(azurite.account_url)}
    made = [
        {"name": "s3", "type": "s3", **s3},
        {"name": "google", "type": "gcs", "auth_kind": "serviceaccount", **google, "keep_last": 2},
        {"name": "azure", "type": "azure", **azure, "keep_last": 1},
        {"name": "disk", "type": "directory", "path": str(tmp_path / "disk"), "keep_last": 1},
    ]
    host.variables["vex_backup_destinations"] = made
    return made


@pytest.fixture
def database(backup_setup: Installation) -> Iterator[str]:
    """Make a database with a table."""
    backup_setup.source.execute("CREATE DATABASE every_type", "CREATE TABLE every_type.one (id INT)")
    yield "every_type"
    backup_setup.source.execute("DROP DATABASE every_type")


def statuses(host: Installation) -> list[tuple[str, int, bool]]:
    """Return the name and the status of each upload, by run, and whether retention removed it."""
    query = (
        "SELECT destino, status_upload, removido_em IS NOT NULL AS removed FROM upload_s3_log u"
        " JOIN backup_log b ON b.id = backup_id WHERE hostname = %s ORDER BY b.id, u.id"
    )
    rows = host.log_database.rows(query, host.hostname)
    return [(row["destino"], row["status_upload"], bool(row["removed"])) for row in rows]


def test_every_type(
    command: Command,
    destinations: list[dict[str, Any]],
    database: str,
    azurite: Azurite,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = command.host
    away = {**destinations[2], "connection_string": azurite.connection_string_of(f"{AWAY}/{azurite.account}")}
    assert command("run", destinations=[*destinations[:2], away, destinations[3]]) != 0
    assert statuses(host) == [("s3", 1, False), ("google", 1, False), ("azure", 3, False), ("disk", 1, False)]
    assert "Upload the archive to azure: " in "".join(capfd.readouterr())

    assert command("run") == 0, capfd.readouterr()
    first, second = statuses(host)[:4], statuses(host)[4:]
    assert second == [(name, 1, False) for name in NAMES]
    # The archive that Azure lacked was sent after retention, so the next run removes it.
    assert first == [("s3", 1, False), ("google", 1, False), ("azure", 1, False), ("disk", 1, True)]
    assert command("run") == 0, capfd.readouterr()
    removed = [[name for name, _status, is_removed in statuses(host)[at : at + 4] if is_removed] for at in (0, 4, 8)]
    assert removed == [["google", "azure", "disk"], ["azure", "disk"], []]
    capfd.readouterr()

    assert command("audit") == 0, capfd.readouterr()
    audited = capfd.readouterr().out
    counts = {"s3": "3 backups", "google": "2 backups", "azure": "1 backup", "disk": "1 backup"}
    assert [name for name in NAMES if f"{name}: {counts[name]}, 0 findings" not in audited] == [], audited

    for number, name in enumerate(NAMES):
        # The password of the account, which has none.
        monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
        arguments = ("--database", database, "--as", f"every_{number}", "--user", "root", "--yes")
        assert command("restore", "--from", name, *arguments) == 0, capfd.readouterr()
        assert host.source.execute(f"SHOW TABLES IN every_{number}")
        host.source.execute(f"DROP DATABASE every_{number}")


def test_a_proof_from_google(
    backup_setup: Installation, destinations: list[dict[str, Any]], database: str, gcs: Gcs
) -> None:
    assert database
    outcome = backup_setup.backup()
    assert outcome.status == 0, outcome.output
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        # The scratch server's account must be able to enter it.
        Path(name).chmod(0o711)
        proving = Verifier(backup_setup, Path(name)).run(destinations=destinations, **{"from": "google"})
    assert proving.status == 0, proving.output
    assert (proving.row["tipo"], proving.row["status"]) == ("verificacao", 1)
    assert any(one.name.endswith(".proof.json") for one in gcs.client().list_blobs(destinations[1]["bucket"]))
