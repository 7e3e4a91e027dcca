"""The repository as a project of AWX, and the definition of the image that its playbooks run in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

from tests.playbook import HANGS, PLAYBOOK, ROOT, environment


def run(*command: str, **changes: str) -> str:
    """What a program of this environment prints."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(changes), capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def pin(file: str, package: str) -> str:
    """The line of a requirements file that pins a package."""
    lines = (ROOT / "requirements" / file).read_text().splitlines()
    (found,) = (line for line in lines if line.startswith(f"{package}=="))
    return found


def test_the_definition_is_one(tmp_path: Path) -> None:
    """ansible-builder takes it, and makes of it what a job and a dump need."""
    run(program("ansible-builder"), "create", "--context", str(tmp_path))
    recipe = (tmp_path / "Containerfile").read_text()
    assert 'ARG EE_BASE_IMAGE="debian:bookworm-slim"' in recipe
    # What the tests run with.
    wanted = f"{pin('runtime.txt', 'ansible-core')} {pin('test.txt', 'ansible-runner')}"
    assert f'ARG ANSIBLE_INSTALL_REFS="{wanted}"' in recipe
    build = tmp_path / "_build"
    found = yaml.safe_load(
        run(
            *(program("ansible-builder"), "introspect", "collections"),
            *("--user-pip", str(build / "requirements.txt"), "--user-bindep", str(build / "bindep.txt")),
        )
    )
    python = [line.split("  #")[0] for line in found["python"]]
    assert pin("runtime.txt", "boto3") in python
    assert f"PyMySQL[rsa]=={pin('runtime.txt', 'PyMySQL').partition('==')[2]}" in python
    packages = [line.split()[0] for line in found["system"]]
    assert {"mydumper", "7zip", "zstd", "mariadb-client"} <= set(packages)


def test_a_project_needs_nothing_fetched(tmp_path: Path) -> None:
    """With AWX's own paths, in its order, the collection that is found is the repository's."""
    fetched = tmp_path / "requirements_collections"
    run(program("ansible-galaxy"), "collection", "install", "-r", "collections/requirements.yml", "-p", str(fetched))
    assert not fetched.exists() or not list(fetched.rglob("MANIFEST.json"))
    changed = {
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": f"{fetched}:collections:{tmp_path}/none",
        "ANSIBLE_CALLBACKS_ENABLED": "vex.backup.summary",
    }
    run(*PLAYBOOK, "playbooks/backup.yml", "--inventory", "inventories/example", "--syntax-check", **changed)
    listed = json.loads(run(program("ansible-galaxy"), "collection", "list", "vex.backup", "--format=json", **changed))
    assert [str(Path(where).resolve()) for where in listed] == [str(ROOT / "collections/ansible_collections")]
