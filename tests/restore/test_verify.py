"""Tests of playbooks/verify.yml: it proves a good backup, and reports what is wrong with a bad one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_signature
from tests.playbook import ROOT, Installation, LogDatabase
from tests.restore.damaging import Change, Original, rewrite
from tests.restore.verifying import VERIFIER, Verifier
from tests.servers.http_sink import HttpSink
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

DATABASE = "proof_of"
SECRET = "the key of manifests and proofs"


@pytest.fixture
def source(mariadb: MariaDB) -> Iterator[MariaDB]:
    """Create a small database: a table without a primary key, a BLOB, a view, a stored program."""
    mariadb.execute(
        f"CREATE DATABASE {DATABASE}",
        f"USE {DATABASE}",
        "CREATE TABLE orders (id INT PRIMARY KEY, body BLOB, document JSON)",
        "INSERT INTO orders SELECT seq, REPEAT(CONCAT('line\\n(', seq), 9), JSON_OBJECT('a', seq) FROM seq_1_to_120",
        "CREATE TABLE bag (word VARCHAR(9))",
        "INSERT INTO bag VALUES ('b'), ('a'), ('a'), (NULL)",
        "CREATE TABLE nothing (id INT)",
        "CREATE VIEW few AS SELECT id FROM orders WHERE id < 9",
        "CREATE FUNCTION two() RETURNS INT DETERMINISTIC RETURN 2",
    )
    yield mariadb
    mariadb.execute(f"DROP DATABASE {DATABASE}")


@pytest.fixture
def verifier(source: MariaDB, backup_setup: Installation) -> Iterator[Verifier]:
    """Return a spare host that proves backups of *source*."""
    assert source.process.pid is not None
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        # The scratch server's account must be able to enter it.
        Path(name).chmod(0o711)
        made = Verifier(backup_setup, Path(name))
        yield made
        assert not made.path.exists(), "the scratch server's folder is left"


def test_a_whole_backup_is_proven(verifier: Verifier) -> None:
    setup = verifier.setup
    outcome = setup.backup(manifest_key=SECRET)
    assert outcome.status == 0, outcome.output
    client = setup.store.client()
    # It is not believed, and replaced.
    client.put_object(Bucket=setup.store.bucket, Key=f"{outcome.key}.proof.json", Body=b"{}")
    kill_in_the_middle(verifier)
    old = verifier.logs / "verify_20200101000000.logs"
    old.mkdir()
    os.utime(old, (0, 0))
    with HttpSink() as sink:
        channel = {"webhook": f"http://{sink.address}/"}
        proving = verifier.run(verify_abandoned_after=0, manifest_key=SECRET, notifications=[channel])
    assert proving.status == 0, proving.output
    # Channels are told of failures.
    assert sink.received == []
    assert not old.exists()
    assert any(verifier.logs.glob("verify_*.logs/verify.log"))
    dead, row = proving.rows
    assert dead["status"] == 3
    assert "closed by the next one" in dead["observacao"]
    assert (row["tipo"], row["status"], row["hostname"], row["servidor"]) == (
        "verificacao",
        1,
        VERIFIER,
        setup.hostname,
    )
    assert (row["tabelas"], row["linhas"], row["backup_id"]) == (3, 124, outcome.backup["id"])
    assert row["data_inicio"] <= row["restaurado_em"] <= row["data_encerramento"]
    assert proving.proofs == [f"{outcome.key}.proof.json"]
    proof = json.loads(client.get_object(Bucket=setup.store.bucket, Key=proving.proofs[0])["Body"].read())
    assert (proof["key"], proof["sha256"]) == (outcome.key, outcome.upload["sha256"])
    check_signature(proof, "the proof", [SECRET])
    assert (proof["tables"], proof["rows"], proof["notes"]) == (3, 124, [])
    assert proof["compared"] == json.loads(row["comparado"])
    assert proof["compared"]["definitions"] > 0
    assert "3 tabelas, 124 linhas, restaurado em" in proving.mail
    assert proving.mails[0]["Subject"] == "Prova de restauração: tudo comprovado"


def test_check_mode_shows_what_it_would_prove(verifier: Verifier) -> None:
    outcome = verifier.setup.backup()
    proving = verifier.run("--check")
    assert proving.status == 0, proving.output
    assert f"{VERIFIER}: would prove {outcome.key}" in proving.output
    assert (proving.rows, proving.mails, proving.proofs) == ([], [], [])
    assert not verifier.path.exists()


def test_a_server_with_names_in_lower_case_is_proven(
    tmp_path: Path, log_database: LogDatabase, s3: SeaweedFS, smtp: SmtpSink
) -> None:
    """A trigger names its table with other capitals, so the scratch server needs the same setting."""
    with tempfile.TemporaryDirectory(prefix="vex-") as name:
        Path(name).chmod(0o711)
        with MariaDB(Path(name) / "source", options=["--lower-case-table-names=1"]) as server:
            server.execute(
                "CREATE DATABASE shop",
                "USE shop",
                "CREATE TABLE Orders (id INT PRIMARY KEY)",
                "INSERT INTO Orders VALUES (1)",
                "CREATE TRIGGER more BEFORE INSERT ON Orders FOR EACH ROW SET NEW.id = NEW.id + 1",
            )
            setup = Installation(tmp_path / "host", server, log_database, s3, smtp)
            setup.create_account()
            outcome = setup.backup()
            assert outcome.status == 0, outcome.output
            proving = Verifier(setup, Path(name)).run()
    assert proving.status == 0, proving.output
    assert proving.proofs == [f"{outcome.key}.proof.json"]


def kill_in_the_middle(verifier: Verifier) -> None:
    """Kill a run once its server runs. It leaves the server, files, and an open record."""
    process = subprocess.Popen(
        verifier.command(), cwd=ROOT, env=verifier.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    owner = verifier.path / "owner.json"
    while not (owner.exists() and json.loads(owner.read_text()).get("pid")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()


def test_a_budget_reaches_all_servers_in_turn(verifier: Verifier, tmp_path: Path) -> None:
    """At least one backup is proven; the server with the oldest proof comes first."""
    setup = verifier.setup
    outcome = setup.backup()
    original = Original(setup, outcome.key, tmp_path)
    other = f"{setup.hostname}-other"
    original.put_changed(other, lambda _root, _manifest: None)
    for proven, left in ((setup.hostname, other), (other, setup.hostname)):
        proving = verifier.run(verify_servers=[setup.hostname, other], verify_budget=0.001)
        assert proving.status == 0, proving.output
        assert re.search(rf"{proven} · \S+ · comprovado\s", proving.mail)
        assert re.search(rf"{left} · \S+ · não iniciado \(tempo esgotado\)\s", proving.mail)


def damage(original: Original, password: str) -> dict[str, str]:
    """Put a damaged backup for each of several servers; return what must be reported for each server."""
    changed: dict[str, tuple[Change, str]] = {
        "lacks-a-row": (
            lambda root, _manifest: rewrite(orders(root), lambda text: text.replace(b"(1,", b"-- (1,", 1)),
            rf"table {DATABASE}.orders has 119 rows, 120",
        ),
        "lacks-a-table": (
            lambda root, _manifest: remove(orders(root).parents[1], "tables.sql*"),
            "the definition of .*table nothing.* is missing from the files",
        ),
        "has-another-row": (
            lambda root, _manifest: rewrite(orders(root), lambda text: text.replace(b'"a\\": 7', b'"a\\": 8', 1)),
            rf"table {DATABASE}.orders has another value in the row",
        ),
    }
    content, manifest = original.content, original.manifest
    flipped = bytearray(content)
    flipped[len(flipped) // 2] ^= 1
    server = original.hostname
    original.put(f"{server}-flipped", bytes(flipped), manifest)
    original.put(f"{server}-truncated", content[:-100], manifest)
    original.put(f"{server}-no-manifest", content, None)
    for name, (change, _sentence) in changed.items():
        original.put_changed(f"{server}-{name}", change)
    original.put_changed(f"{server}-locked", lambda _root, _manifest: None, password=f"not {password}")
    return {
        f"{server}-flipped": "Download the backup: .*sha-?256",
        f"{server}-truncated": "Download the backup: .*(size|bytes)",
        f"{server}-locked": "Unpack the backup: .*password",
        **{f"{server}-{name}": sentence for name, (_change, sentence) in changed.items()},
    }


def remove(folder: Path, pattern: str) -> None:
    """Remove files."""
    for path in folder.glob(pattern):
        path.unlink()


def orders(root: Path) -> Path:
    """Return the file with the rows of the damaged table."""
    (path,) = (root / "dump" / DATABASE / "tables").glob(f"{DATABASE}.orders.*")
    return path


def test_every_damage_is_found_and_reported_in_one_mail(verifier: Verifier, tmp_path: Path) -> None:
    setup = verifier.setup
    outcome = setup.backup()
    assert outcome.status == 0, outcome.output
    expected = damage(Original(setup, outcome.key, tmp_path), "the key")
    servers = [setup.hostname, *expected, f"{setup.hostname}-no-manifest"]
    proving = verifier.run(verify_servers=servers, archive_password="the key")
    assert proving.status != 0
    assert "failed=1" in proving.output
    assert (proving.row["status"], proving.proofs) == (1, [f"{outcome.key}.proof.json"])
    query = "SELECT * FROM restauracao_log WHERE servidor LIKE %s"
    found = {row["servidor"]: row for row in setup.log_database.rows(query, f"{setup.hostname}-%")}
    assert {server: row["status"] for server, row in found.items()} == dict.fromkeys(expected, 3)
    for server, sentence in expected.items():
        notes = found[server]["observacao"]
        assert re.fullmatch(rf"\[ERROR\] .*{sentence}.*", notes, re.IGNORECASE), notes
        assert found[server]["data_encerramento"]
        assert re.search(rf"{server} .*{sentence}", " ".join(proving.mail.split()), re.IGNORECASE), proving.mail
    assert f"no whole backup in the bucket of: {setup.hostname}-no-manifest" in proving.mail
    assert proving.mails[0]["Subject"] == f"Prova de restauração: {len(expected)} falhas"
    listed = setup.store.client().list_objects_v2(Bucket=setup.store.bucket, Prefix=f"{setup.hostname}-")["Contents"]
    assert not [item["Key"] for item in listed if item["Key"].endswith(".proof.json")]
