"""Tests of the commands in docs/how-to/encryption.md, with an encrypted, signed backup."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.integration.restoring import assert_equal
from tests.playbook import ROOT, Installation
from tests.servers.mariadb import MariaDB

KEY = "3f0c6a9e52d14b7f8e21a05c9d7346bb"
PASSWORD = "the key to all of it"


def steps(backup: str) -> list[str]:
    """Return the shell commands of the page, in order, for *backup*."""
    page = (ROOT / "docs/how-to/encryption.md").read_text(encoding="utf-8")
    blocks = [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)]
    assert len(blocks) == 4
    return [f"backup={backup}\n", *blocks[1:]]


class Drill:
    """A directory with one backup, on a machine without Vex Backup."""

    def __init__(self, directory: Path, host: Installation, key: str) -> None:
        self.directory = directory
        self.name = key.rsplit("/", 1)[-1]
        directory.mkdir()
        (directory / "manifest.key").write_text(KEY)
        for suffix in ("", ".manifest.json"):
            path = str(directory / (self.name + suffix))
            host.store.client().download_file(host.store.bucket, key + suffix, path)

    def follow(self, count: int) -> subprocess.CompletedProcess[str]:
        """Run the first *count* commands."""
        return subprocess.run(
            ["sh", "-ec", "".join(steps(self.name)[:count])],
            cwd=self.directory,
            input=f"{PASSWORD}\n",
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def drill(backup_setup: Installation, sample_databases: tuple[str, ...], tmp_path: Path) -> Drill:
    assert sample_databases
    outcome = backup_setup.backup(archive_format="7z", archive_password=PASSWORD, manifest_key=KEY)
    assert outcome.status == 0, outcome.output
    assert KEY not in outcome.output
    assert PASSWORD not in outcome.output
    return Drill(tmp_path / "drill", backup_setup, outcome.key)


def test_the_drill(drill: Drill, mariadb: MariaDB, sample_databases: tuple[str, ...], fresh_mariadb: MariaDB) -> None:
    login = drill.directory / "LOGIN.cnf"
    login.write_text(f"[client]\nsocket={fresh_mariadb.socket}\nuser=root\n", encoding="utf-8")
    done = drill.follow(4)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CRITICAL" not in done.stderr
    assert_equal(mariadb, fresh_mariadb, sample_databases)


def test_a_changed_manifest_is_refused(drill: Drill) -> None:
    path = drill.directory / f"{drill.name}.manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert drill.follow(3).returncode == 0
    path.write_text(json.dumps({**manifest, "restore": ["true"]}), encoding="utf-8")
    assert drill.follow(2).returncode != 0


def test_a_changed_archive_is_refused(drill: Drill) -> None:
    path = drill.directory / drill.name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert drill.follow(2).returncode == 0
    done = drill.follow(3)
    assert done.returncode != 0
    assert "FAILED" in done.stdout
