"""Several destinations of one host: each gets every backup, and is pruned and read by itself."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Command
from tests.playbook import Installation, text_of

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def destinations(backup_setup: Installation, tmp_path: Path) -> list[dict[str, Any]]:
    """Give the host three destinations: two buckets, and a directory that has a retention of its own."""
    host, client = backup_setup, backup_setup.store.client()
    if "far" not in {one["Name"] for one in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket="far")
    (tmp_path / "vault").mkdir()
    options = ("endpoint_url", "access_key", "secret_key")
    common = {"type": "s3", **{name: host.variables.pop(f"vex_backup_s3_{name}") for name in options}}
    made = [
        {**common, "name": "s3", "bucket": host.variables.pop("vex_backup_s3_bucket")},
        {**common, "name": "far", "bucket": "far", "prefix": "mysql"},
        {"name": "vault", "type": "directory", "path": str(tmp_path / "vault"), "keep_last": 1},
    ]
    host.variables["vex_backup_destinations"] = made
    return made


def keys(host: Installation, bucket: str, prefix: str = "") -> list[str]:
    """Return the names of this host's archives in a bucket that have their manifests, oldest first."""
    listed = host.store.client().list_objects_v2(Bucket=bucket, Prefix=prefix + host.prefix).get("Contents", [])
    return whole({item["Key"].rsplit("/", 1)[-1] for item in listed})


def files(destination: dict[str, Any]) -> list[str]:
    """Return the same of a directory."""
    return whole({path.name for path in Path(destination["path"]).rglob("*")})


def whole(names: set[str]) -> list[str]:
    """Return the names of archives that have their manifests, oldest first."""
    return sorted(name for name in names if f"{name}.manifest.json" in names)


def rows(host: Installation) -> list[tuple[str, str, int]]:
    """Return name, type and status of each upload, by run."""
    query = (
        "SELECT destino, tipo_destino, status_upload FROM upload_s3_log u JOIN backup_log b ON b.id = backup_id"
        " WHERE hostname = %s ORDER BY b.id, u.id"
    )
    return [tuple(row.values()) for row in host.log_database.rows(query, host.hostname)]


def summary(path: Path) -> dict[str, Any]:
    (line,) = json.loads(path.read_text(encoding="utf-8"))["hosts"]
    found: dict[str, Any] = line
    return found


def test_one_of_three_is_away(
    backup_setup: Installation, destinations: list[dict[str, Any]], sample_databases: tuple[str, ...], tmp_path: Path
) -> None:
    assert sample_databases
    host, file = backup_setup, tmp_path / "summary.json"
    host.variables["vex_backup_summary_file"] = str(file)
    main, far, vault = destinations
    failed = host.backup(destinations=[main, {**far, "endpoint_url": AWAY}, vault])
    assert failed.status != 0
    assert rows(host) == [("s3", "s3", 1), ("far", "s3", 3), ("vault", "directory", 1)]
    assert failed.backup["status_backup"] == 1
    told = summary(file)
    assert (told["status_upload"], told["bucket"]) == (2, main["bucket"])
    assert [(one["name"], one["state"]) for one in told["destinations"]] == [
        ("s3", "success"),
        ("far", "error"),
        ("vault", "success"),
    ]
    assert f"{host.hostname}: Upload the archive to far: {AWAY} could not be reached" in failed.output
    mail = text_of(failed.mail)
    for expected in (
        "Upload: s3",
        "Upload: far",
        "Upload: vault",
        "Upload the archive to far",
        f"Bucket: {vault['path']}",
    ):
        assert expected in mail
    archive = failed.backup["nome_arquivo"]
    assert [name for name in failed.files if ".upload" in name and name.endswith(".json")] == [
        f"{archive}.upload-far.json"
    ]
    assert [keys(host, main["bucket"]), keys(host, "far", "mysql/"), files(vault)] == [[archive], [], [archive]]

    outcome = host.backup()
    assert outcome.status == 0, outcome.output
    assert rows(host) == [("s3", "s3", 1), ("far", "s3", 1), ("vault", "directory", 1)] * 2
    both = [row["nome_arquivo"] for row in outcome.backups]
    assert (keys(host, main["bucket"]), keys(host, "far", "mysql/")) == (both, both)
    # Its own rule keeps one, the others keep all.
    assert files(vault) == both[1:]
    removed = [(row["destino"], row["removido_em"] is not None) for row in outcome.uploads]
    assert removed.count(("vault", True)) == 1
    assert sum(is_removed for _name, is_removed in removed) == 1
    notes = [row["observacao"] for row in outcome.uploads if row["destino"] == "far" and row["observacao"]]
    assert notes == ["[WARNING] uploaded by a later run"]
    assert [name for name in outcome.files if ".upload" in name and name.endswith(".json")] == []


def test_both_forms_are_refused_and_recorded(
    backup_setup: Installation, destinations: list[dict[str, Any]], sample_databases: tuple[str, ...]
) -> None:
    assert sample_databases
    outcome = backup_setup.backup(s3_bucket="vex", destinations=destinations)
    assert outcome.status != 0
    assert "vex_backup_destinations and vex_backup_s3_bucket are both set" in " ".join(outcome.output.split())
    assert (outcome.backup["status_backup"], outcome.uploads) == (3, [])
    assert len(outcome.mails) == 1


@pytest.fixture
def archive(command: Command, destinations: list[dict[str, Any]], capfd: pytest.CaptureFixture[str]) -> str:
    """Make one backup by the command; return the name of its archive."""
    assert command("run") == 0, capfd.readouterr()
    (archive,) = keys(command.host, destinations[0]["bucket"])
    capfd.readouterr()
    return archive


def test_lists_are_of_the_first_that_answers(
    command: Command, destinations: list[dict[str, Any]], archive: str, capfd: pytest.CaptureFixture[str]
) -> None:
    away = [{**destinations[0], "endpoint_url": AWAY}, *destinations[1:]]
    assert command("list", destinations=away) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "In far, one of s3, far, vault:"
    assert lines[2].startswith(archive[:-4])
    assert command("list", "--from", "s3", destinations=away) == 1
    assert "could not be reached" in " ".join(capfd.readouterr().err.split())
    assert command("list", "--from", "nowhere") == 1
    assert "which are s3, far, vault" in " ".join(capfd.readouterr().err.split())


def test_a_backup_is_copied_to_a_destination_that_lacks_it(
    command: Command, archive: str, capfd: pytest.CaptureFixture[str]
) -> None:
    client, prefix = command.host.store.client(), f"mysql/{command.host.prefix}"
    for item in client.list_objects_v2(Bucket="far", Prefix=prefix)["Contents"]:
        client.delete_object(Bucket="far", Key=item["Key"])
    assert command("copy", "--from", "vault", "--to", "far") == 0, capfd.readouterr()
    assert capfd.readouterr().out.startswith(f"copied       {archive[:-4]}  s3://far/mysql/")
    assert keys(command.host, "far", "mysql/") == [archive]
    assert command("audit") == 0, capfd.readouterr()
    assert "far: 1 backup, 0 findings" in capfd.readouterr().out


def test_holds_and_retention_are_of_each(command: Command, archive: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert command("hold", archive[:-4], "--from", "vault") == 0
    capfd.readouterr()
    assert command("prune", "--dry-run") == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith(":")] == ["s3:", "far:", "vault:"]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_restore_from_each(
    command: Command,
    destinations: list[dict[str, Any]],
    archive: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    assert archive
    # The password of the account, which has none.
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    chosen = destinations[number]
    arguments = ("--database", "portal", "--as", f"restored_{number}", "--user", "root", "--yes")
    assert command("restore", "--from", chosen["name"], *arguments) == 0, capfd.readouterr()
    assert f"{chosen.get('bucket') or chosen['path']}/" in capfd.readouterr().out
    assert command.host.source.execute(f"SHOW TABLES IN restored_{number}")
    command.host.source.execute(f"DROP DATABASE restored_{number}")
