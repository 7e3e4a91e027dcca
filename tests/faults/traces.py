"""The traces that runs leave in tables, bucket, work directory and mailbox, compared with the promises."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import PROGRAMS
from tests.faults.checks import FINAL_NAME
from tests.faults.ending import interfere
from tests.faults.interference import Interference
from tests.faults.steps import Host
from tests.playbook import Outcome, Row, text_of

Work = Callable[[Host, Interference], object]

MANIFEST = ".manifest.json"
# A run that went well may leave these, and its archive with its manifest.
KEPT = (".logs", ".uploaded", ".lock")


def check_whole(host: Host) -> None:
    """Check that every final name, on disk and in the bucket, stands for whole data (I1)."""
    seen = host.installation.observe()
    for name in filter(FINAL_NAME.fullmatch, seen.files):
        path = host.work / name
        if path.is_dir():
            check_dump(path)
        elif name.endswith(MANIFEST):
            assert (host.work / name.removesuffix(MANIFEST)).exists(), f"{name} without its archive"
            check_archive(path, (host.work / name.removesuffix(MANIFEST)).read_bytes())
        else:
            tested = subprocess.run([find_program(PROGRAMS, ""), "t", str(path)], capture_output=True, check=False)
            assert tested.returncode == 0, f"{name} is damaged: {tested.stdout!r}"
    for key in (key for key in seen.keys if key.endswith(MANIFEST)):
        check_archive_in_bucket(host, key.removesuffix(MANIFEST))


def check_dump(folder: Path) -> None:
    """Check that a dump has every file of its manifest, unchanged."""
    for file in json.loads((folder / "manifest.json").read_text("utf-8"))["files"]:
        content = (folder / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"], f"{file['path']} differs from its manifest"


def check_archive(manifest: Path, archive: bytes) -> None:
    """Check that an archive is the one that its manifest describes."""
    described = json.loads(manifest.read_text("utf-8"))["archive"]
    assert hashlib.sha256(archive).hexdigest() == described["sha256"], f"{manifest.name} describes another archive"


def check_archive_in_bucket(host: Host, key: str) -> None:
    """Check the same for an object."""
    client, bucket = host.installation.store.client(), host.installation.store.bucket
    described = json.loads(client.get_object(Bucket=bucket, Key=f"{key}{MANIFEST}")["Body"].read())["archive"]
    content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert hashlib.sha256(content).hexdigest() == described["sha256"], f"{key} is not what its manifest describes"


def check_nothing_left(host: Host) -> None:
    """Check that everything that is there belongs to an ended run (I3), and that nothing else is left."""
    seen = host.installation.observe()
    check_ended(seen.backups, "status_backup")
    check_ended(seen.uploads, "status_upload")
    check_bucket(seen)
    check_work_dir(host, seen)


def check_ended(rows: list[Row], status: str) -> None:
    """Check that each row has one end."""
    for row in rows:
        assert row[status] in {1, 2, 3}, f"a record is still open: {row}"
        assert row["data_encerramento"] is not None, f"a record without an end: {row}"


def check_bucket(seen: Outcome) -> None:
    """Check that the bucket has the backups that the tables say it has, whole, and nothing half done."""
    archives = {key for key in seen.keys if key.endswith(".zip")}
    manifests = {key.removesuffix(MANIFEST) for key in seen.keys if key.endswith(MANIFEST)}
    assert archives == manifests, f"an archive without a manifest, or the reverse: {seen.keys}"
    assert seen.unfinished == [], "parts of an upload are left"
    # Retention may remove a backup whose upload a later run repeats: the next retention removes it again.
    there = {
        row["caminho_arquivo"]
        for row in seen.uploads
        if row["removido_em"] is None or "uploaded by a later run" in (row["observacao"] or "")
    }
    uploaded = {
        row["caminho_arquivo"] for row in seen.uploads if row["removido_em"] is None and row["status_upload"] == 1
    }
    assert uploaded <= archives <= there, f"recorded {sorted(uploaded)}, in the bucket {sorted(archives)}"


def check_work_dir(host: Host, seen: Outcome) -> None:
    """Check that the work directory has the newest backup, logs of the runs that stay, and nothing else.

    A run uploads the archive of a killed one last, so that archive stays until the run after it.
    """
    archives = {seen.backups[-1]["nome_arquivo"]}
    archives |= {row["nome_arquivo"] for row in seen.uploads if "uploaded by a later run" in (row["observacao"] or "")}
    expected = {"spool", *archives, *(f"{name}{MANIFEST}" for name in archives)}
    left = [name for name in seen.files if name not in expected and not name.endswith(KEPT)]
    assert left == [], f"left in the work directory beside {sorted(archives)}: {left}"
    assert spooled(host) == [], "left in the spool"


def spooled(host: Host) -> list[str]:
    """Return the files in the spool."""
    return [str(path) for path in host.installation.spool.rglob("*") if path.is_file()]


def check_next_backup(host: Host, interference: Interference) -> None:
    """Make a backup that is ended early, and another one: check both, and that nothing of the first is left."""
    before = host.installation.observe()
    killed = interfere(host.backup, interference)
    check_whole(host)
    between = host.installation.observe()
    rows = between.backups[len(before.backups) :]
    assert len(rows) <= 1
    host.installation.sink.clear()
    recovered = host.backup()
    after = host.installation.observe()
    assert recovered.status == 1, recovered
    check_whole(host)
    check_nothing_left(host)
    # A run that was killed before its record was written has not started.
    started = len(interference.began) > 1 or bool(rows)
    assert len(after.backups) == len(before.backups) + started + 1
    mail = text_of(after.mail)
    if not started:
        return
    row = after.backups[-2]
    if not rows or rows[0]["status_backup"] == 0:
        assert row["status_backup"] == 3
        (sentence,) = (sentence for sentence in recovered.abandoned if sentence in row["observacao"])
        assert recovered.verdict == 3, "the next run does not fail"
        assert sentence in mail
    elif interference.hit and not killed and interference.began[-1] != "mail":
        statuses = rows[0]["status_backup"], between.uploads[-1]["status_upload"]
        assert statuses != (1, 1), "the tables do not show the failure"


def check_next_restore(host: Host, interference: Interference, work: Work) -> None:
    """Do a restore or a proof that is ended early, and another one, which succeeds."""
    before = len(rows_of(host))
    interfere(functools.partial(work, host), interference)
    check_whole(host)
    rows = rows_of(host)
    assert not interfere(functools.partial(work, host), Interference()), "the next one failed"
    after = rows_of(host)
    check_ended(after, "status")
    started = len(rows) > before or "download" in interference.began
    assert len(after) == before + started + 1
    assert after[-1]["status"] == 1
    assert spooled(host) == []


def rows_of(host: Host) -> list[Row]:
    """Return the records of the host's restores and proofs."""
    query = "SELECT * FROM restauracao_log WHERE hostname = %s ORDER BY id"
    return host.installation.log_database.rows(query, host.hostname)
