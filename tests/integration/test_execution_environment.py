"""The repository as a project of AWX, and the definition of the image in which its playbooks run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

from tests.playbook import HANGS, PLAYBOOK, ROOT, environment


def run(*command: str, **changes: str) -> str:
    """Run a program in the checkout; return what it prints."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(changes), capture_output=True, text=True, timeout=HANGS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def program(name: str) -> str:
    """Return the path of a program of the tests' environment."""
    return str(Path(sys.executable).with_name(name))


def pin(file: str, package: str) -> str:
    """Return the line of a requirements file that pins a package."""
    lines = (ROOT / "requirements" / file).read_text().splitlines()
    (found,) = (line for line in lines if line.startswith(f"{package}=="))
    return found


def introspect(*arguments: str) -> tuple[list[str], set[str]]:
    """Return the Python requirements and the system packages that ansible-builder finds for ``collections/``."""
    found = yaml.safe_load(run(program("ansible-builder"), "introspect", "collections", *arguments))
    return [line.split("  #")[0] for line in found["python"]], {line.split()[0] for line in found["system"]}


def test_ansible_builder_accepts_the_definition(tmp_path: Path) -> None:
    """The image holds what a job and a dump need, in the versions that the tests use."""
    run(program("ansible-builder"), "create", "--context", str(tmp_path))
    recipe = (tmp_path / "Containerfile").read_text()
    assert 'ARG EE_BASE_IMAGE="debian:bookworm-slim"' in recipe
    wanted = f"{pin('runtime.txt', 'ansible-core')} {pin('test.txt', 'ansible-runner')}"
    assert f'ARG ANSIBLE_INSTALL_REFS="{wanted}"' in recipe
    build = tmp_path / "_build"
    python, packages = introspect(
        "--user-pip", str(build / "requirements.txt"), "--user-bindep", str(build / "bindep.txt")
    )
    assert pin("runtime.txt", "boto3") in python
    assert f"PyMySQL[rsa]=={pin('runtime.txt', 'PyMySQL').partition('==')[2]}" in python
    assert {"mydumper", "7zip", "zstd", "mariadb-client"} <= packages


def test_the_collection_names_its_dependencies() -> None:
    """An image of somebody else's that includes the collection gets them."""
    python, packages = introspect()
    assert python == ["apprise>=2.3", "boto3>=1.36", "PyMySQL[rsa]>=1.1"]
    assert {"mydumper", "7zip", "zstd", "mariadb-client"} <= packages


def test_awx_fetches_no_collection(tmp_path: Path) -> None:
    """With AWX's own paths, in its order, Ansible finds the repository's collection."""
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
