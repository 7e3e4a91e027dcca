"""azure_upload on Azurite, and the modules that read a container."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._store.azure_client import AzureSettings
from tests.integration.azure_store import KEY, MEBIBYTE, Container
from tests.modules import ModuleProcess
from tests.servers.azurite import Azurite

SIZE = 12 * MEBIBYTE + 1


@pytest.fixture
def container(azurite: Azurite, tmp_path: Path) -> Iterator[Container]:
    yield Container(azurite, tmp_path)
    azurite.empty()


@pytest.fixture
def options(container: Container) -> dict[str, Any]:
    """Make an archive with its manifest; return the options to upload them."""
    archive = container.folder / "b.zip"
    archive.write_bytes(os.urandom(SIZE))
    manifest = Path(f"{archive}.manifest.json")
    manifest.write_text(json.dumps({"archive": {"sha256": sha256_of(str(archive))}}))
    return {
        "src": str(archive),
        "manifest": str(manifest),
        "container": container.azurite.container,
        "key": KEY,
        "connection_string": container.azurite.connection_string,
        "part_size": 5,
        "patience": 0,
        "metadata": {"run-uuid": "u-1"},
        "run_log": str(container.log),
    }


def test_a_backup(container: Container, options: dict[str, Any]) -> None:
    result = ModuleProcess("azure_upload", options).result()
    assert result["changed"] is True
    assert (result["status"], result["parts"], result["size"]) == (1, 3, SIZE)
    assert result["url"] == f"{container.azurite.account_url}/vex/{KEY}"
    assert result["manifest_key"] == f"{KEY}.manifest.json"
    assert container.content(KEY) == Path(options["src"]).read_bytes()
    assert container.content(f"{KEY}.manifest.json") == Path(options["manifest"]).read_bytes()
    assert container.azurite.key not in json.dumps(result) + container.log.read_text()
    again = ModuleProcess("azure_upload", options).result()
    assert (again["changed"], again["etag"], again["parts"]) == (False, result["etag"], 3)


def test_check_mode(container: Container, options: dict[str, Any]) -> None:
    assert ModuleProcess("azure_upload", {**options, "_ansible_check_mode": True}).result()["changed"] is True
    assert container.keys() == []


def test_refusals(container: Container, options: dict[str, Any]) -> None:
    result = ModuleProcess("azure_upload", {**options, "container": "none"}).result()
    assert "the container does not exist: create it, or correct container" in result["msg"]
    assert (result["status"], result["failure"]) == (3, "Refused")
    result = ModuleProcess("azure_upload", {**options, "connection_string": None}).result()
    assert result["msg"].startswith("give one way to log in to Azure")
    assert container.keys() == []


def test_a_trial(container: Container, options: dict[str, Any]) -> None:
    ModuleProcess("azure_upload", options).result()
    destination = {
        "name": "cloud",
        "type": "azure",
        "container": options["container"],
        "connection_string": options["connection_string"],
    }
    trial = ModuleProcess("backup_trial", {"destination": destination, "hostname": "db 1", "prefix": "mysql"}).result()
    assert trial["notes"] == {}
    assert container.keys() == [KEY, f"{KEY}.manifest.json"]
    wrong = ModuleProcess(
        "backup_trial", {"destination": {**destination, "profile": "p"}, "hostname": "db 1", "prefix": "mysql"}
    ).result()
    assert "destination cloud is of type azure, which has no profile: remove it" in wrong["msg"]


def test_the_life_of_backups_in_a_container(container: Container, options: dict[str, Any]) -> None:
    names = ["backup_20250720_161523", "backup_20250721_161523"]
    archive = Path(options["src"])
    for name in names:
        archive.write_bytes(name.encode() * 1000)
        described = {
            "name": f"{name}.zip",
            "size": archive.stat().st_size,
            "sha256": sha256_of(str(archive)),
            "format": "zip",
            "encrypted": False,
            "level": 0,
        }
        content = {"name": name, "hostname": "db1", "status": 1, "files": [], "databases": [], "archive": described}
        Path(options["manifest"]).write_text(json.dumps(content))
        assert ModuleProcess("azure_upload", {**options, "key": f"db1/2025/07/{name}.zip"}).result()["changed"] is True

    def run(module: str, **given: Any) -> dict[str, Any]:
        place = {name: options[name] for name in ("container", "connection_string")}
        common = {"destination": {"type": "azure", **place}, "hostname": "db1", "patience": 0}
        return ModuleProcess(module, {**common, **given}).result()

    listed = run("backup_info")["backups"]
    assert [(one["name"], one["fault"]) for one in listed] == [(name, None) for name in reversed(names)]
    found = run("backup_download", at="2025-07-20", dest=str(container.folder / "restore"))
    assert Path(found["archive"]).read_bytes() == names[0].encode() * 1000
    assert run("backup_hold", name=names[0])["changed"] is True
    assert run("backup_prune", keep_last=1)["changed"] is False
    assert run("backup_hold", name=names[0], state="absent")["changed"] is True
    pruned = run("backup_prune", keep_last=1)
    assert [one["name"] for one in pruned["decisions"] if one["removed"]] == names[:1]
    assert container.keys() == [f"db1/2025/07/{names[1]}.zip{end}" for end in ("", ".manifest.json")]


PROGRAM = """
import sys
sys.modules["{blocked}"] = None
sys.path[:0] = {path!r}
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination, open_store
from ansible_collections.vex.backup.plugins.module_utils._store.work import store_patience
options = {options!r}
try:
    with open_store(Destination.of_type("azure", options), work="w", timeout=60, patience=store_patience(0)) as store:
        store.call(store.probe)
except OptionError as error:
    print(error)
print(sorted(name for name in sys.modules if name in ("azure.identity", "botocore", "google.cloud.storage")))
"""


def run(container: Container, blocked: str) -> str:
    """Open the container in a process of its own in which a library is missing; return its output."""
    names = dict.fromkeys(field.name for field in dataclasses.fields(AzureSettings))
    options = {**names, "container": container.azurite.container}
    options["connection_string"] = container.azurite.connection_string
    program = PROGRAM.format(blocked=blocked, path=sys.path, options=options)
    return subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=True).stdout


def test_only_the_library_of_the_type_is_imported(container: Container) -> None:
    assert run(container, "none") == "[]\n"


def test_a_library_that_is_missing(container: Container) -> None:
    message, _modules = run(container, "azure.storage.blob").splitlines()
    assert message.startswith("destination azure needs azure-storage-blob: install it by pip for the Python that runs")
