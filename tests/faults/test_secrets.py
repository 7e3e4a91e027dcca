"""Secrets: nobody but their owner can see them, however the run ends."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
from collections.abc import Iterator
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checks import assert_says, check_success
from tests.faults.sampler import Sampler
from tests.integration.certificates import Certificates
from tests.playbook import Installation, LogDatabase, Outcome
from tests.servers.mariadb import MariaDB
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import SmtpSink

PROGRAMS = ("mydumper", "7zz", "zstd", "mysql")


class Canaries:
    """Secrets with a mark that identifies them."""

    def __init__(self) -> None:
        self.mark = f"canary{secrets.token_hex(6)}"

    def secret(self, of: str) -> str:
        """Return the secret of that name."""
        return f"{self.mark}-{of}"


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def guarded(
    tmp_path: Path, source: MariaDB, log_database: LogDatabase, s3: SeaweedFS, canaries: Canaries
) -> Iterator[Installation]:
    """Return a host with a secret in every place: an encrypted archive, a mail server with a login."""
    certificates = Certificates(tmp_path / "certificates")
    login = ("vex", canaries.secret("smtp"))
    with SmtpSink(tmp_path / "mail", tls=certificates.server_context(), login=login) as sink:
        host = Installation(tmp_path / "host", source, log_database, s3, sink)
        # Characters that option files and shells interpret, which also tests the quoting.
        host.account = (host.account[0], canaries.secret("mysql #'\"\\$(id) %s ç"))
        host.create_account()
        host.variables.update(
            vex_backup_login_password=host.account[1],
            vex_backup_archive_password=canaries.secret("archive"),
            vex_backup_smtp_security="starttls",
            vex_backup_smtp_ca_cert=str(certificates.authority),
            vex_backup_smtp_user=login[0],
            vex_backup_smtp_password=login[1],
        )
        for program in PROGRAMS:
            arguments = host.directory / "arguments"
            host.replace_program(program, f"""printf '%s\\n' "$0" "$@" >> '{arguments}'\nexec "$REAL" "$@" """)
        yield host


def test_a_successful_run(guarded: Installation, canaries: Canaries) -> None:
    outcome = watch(guarded, canaries)
    check_success(guarded, outcome)
    key = outcome.key
    client = guarded.store.client()
    manifest = client.get_object(Bucket=guarded.store.bucket, Key=f"{key}.manifest.json")["Body"].read().decode()
    metadata = client.head_object(Bucket=guarded.store.bucket, Key=key)["Metadata"]
    assert json.loads(manifest)["archive"]["encrypted"]
    assert_secret(canaries, guarded, {"manifest": manifest, "metadata": str(metadata)})


def test_a_run_where_everything_fails_after_the_dump(guarded: Installation, canaries: Canaries) -> None:
    """Check a run in which the object store, the log database and the mail server refuse their secrets."""
    wrong = {
        "s3_secret_key": canaries.secret("wrong s3"),
        "s3_session_token": canaries.secret("session"),
        "log_db_password": canaries.secret("wrong log"),
        "smtp_password": canaries.secret("wrong smtp"),
    }
    outcome = watch(guarded, canaries, **wrong)
    assert outcome.status != 0
    assert (outcome.backups, outcome.mails, outcome.keys) == ([], [], [])
    said = ["Upload the archive: ", "the record is kept in", "the mail is kept in"]
    assert_says(outcome.output, [*said, "check login_user and login_password", "check smtp_user and smtp_password"])
    assert len(list((guarded.spool / "records").iterdir())) == 1
    assert len(list((guarded.spool / "mails").iterdir())) == 1


def test_a_run_whose_login_is_refused(guarded: Installation, canaries: Canaries) -> None:
    outcome = watch(guarded, canaries, login_password=canaries.secret("wrong mysql"))
    assert outcome.status != 0
    assert outcome.backup["status_backup"] == 3
    assert len(outcome.mails) == 1


def test_the_sampler_finds_a_visible_secret(tmp_path: Path, canaries: Canaries) -> None:
    """Check that the search finds a secret that is there."""
    (tmp_path / "private").touch(mode=0o600)
    (tmp_path / "private").write_text(canaries.mark)
    (tmp_path / "public").write_text(canaries.mark)
    (tmp_path / "public").chmod(0o640)
    with Sampler([canaries.mark], [tmp_path]) as sampler:
        process = subprocess.Popen(["sh", "-c", "read line", canaries.mark], stdin=subprocess.PIPE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)
        process.communicate(b"\n")
    assert len(sampler.found) == 2
    assert any(canaries.mark in line and "read line" in line for line in sampler.found)
    assert any(str(tmp_path / "public") in line for line in sampler.found)


def watch(host: Installation, canaries: Canaries, **variables: Any) -> Outcome:
    """Run a backup with the most verbose output, and search everywhere."""
    with Sampler([canaries.mark, *own_secrets(host)], [host.work, host.temporary]) as sampler:
        outcome = host.backup("-vvvv", "--diff", **variables)
    assert sampler.sweeps > 10
    assert sampler.found == []
    texts = {"output": outcome.output}
    if not variables:
        texts["arguments"] = (host.directory / "arguments").read_text(encoding="utf-8")
        assert f"--outputdir={host.work}" in texts["arguments"]
    for number, row in enumerate((*outcome.backups, *outcome.uploads)):
        texts[f"row {number}"] = str(row)
    for number, mail in enumerate(outcome.mails):
        texts[f"mail {number}"] = whole_text(mail)
    for path in host.work.rglob("*"):
        assert not path.lstat().st_mode & 0o077, f"others can read {path}"
        if path.is_file():
            texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
    for path in (host.spool / "mails").glob("*.json"):
        kept = message_from_string(json.loads(path.read_text())["message"], policy=policy.default)
        assert isinstance(kept, EmailMessage)
        texts[f"{path}, decoded"] = whole_text(kept)
    # The option file for MyDumper is removed.
    for path in host.temporary.rglob("*"):
        if path.is_file():
            texts[str(path)] = path.read_bytes().decode("utf-8", "replace")
    assert_secret(canaries, host, texts)
    return outcome


def assert_secret(canaries: Canaries, host: Installation, texts: dict[str, str]) -> None:
    """Check that no secret is in any of *texts*."""
    for where, text in texts.items():
        for secret in (canaries.mark, *own_secrets(host)):
            at = text.find(secret)
            assert at < 0, f"a secret is in {where}: {text[max(0, at - 200) : at + 100]}"


def own_secrets(host: Installation) -> list[str]:
    """Return the secrets that were there before the test."""
    return [host.store.secret_key, host.log_database.writer[1]]


def whole_text(mail: EmailMessage) -> str:
    """Return the headers and every part, decoded."""
    parts = [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
    return "\n".join([*(f"{name}: {value}" for name, value in mail.items()), *parts])
