"""Retention leaves alone what other processes use: real modules and processes at work while ``backup_prune`` runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.failed_dumps import remove_failed_dumps
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import (
    PruneLocalRequest,
    prune_local,
)
from ansible_collections.vex.backup.plugins.module_utils._store.pending import Pending, write_pending
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import PROGRAMS
from tests.destinations import destined
from tests.integration.packing import archive
from tests.integration.uploading import PARTS, Uploads, cleared
from tests.modules import ModuleProcess
from tests.playbook import HANGS
from tests.servers.s3_proxy import S3Proxy
from tests.servers.seaweedfs import SeaweedFS

RUNS = [f"backup_202501{day:02}_030000" for day in range(1, 9)]
NEWEST = "backup_20250201_030000"
# A process that holds a lock as the product does, until its input ends. It prints a line when it has it.
HOLD = """
import sys
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock, reading
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._dump.failed_dumps import partial_directory
path = sys.argv[2]
with {
    "logs": lambda: RunLog(path + "/backup_script.log").mark_alive(),
    "read": lambda: reading(path),
    "fill": lambda: directory_lock(path, "no"),
    "dump": lambda: partial_directory(path),
}[sys.argv[1]]():
    print("held", flush=True)
    sys.stdin.read()
"""


class Holder:
    """A process that uses one entry of a work directory."""

    def __init__(self, how: str, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}{HOLD}", how, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "held\n"

    def end(self) -> None:
        self.process.communicate()


def prune(work: Path, keep_local: int = 1) -> dict[str, Any]:
    request = PruneLocalRequest(str(work), NEWEST, True, keep_local, 0, 0, check_mode=False)
    return prune_local(request, RunLog(None))


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


def fill(work: Path, run: str, *, uploaded: bool) -> set[str]:
    """Make the entries of a run; return their names."""
    for part in (".zip", ".zip.manifest.json", *[".uploaded"] * uploaded):
        (work / f"{run}{part}").write_text("x")
    (work / f"{run}.logs").mkdir()
    (work / run).mkdir()
    (work / run / "manifest.json").write_text("{}")
    return {path.name for path in work.iterdir() if path.name.startswith(run)}


def test_what_processes_use_stays_until_they_end(work: Path) -> None:
    """A module of a run, a restore of an unpacked dump, a reader of an archive, and a dump in progress."""
    entries = [fill(work, run, uploaded=number % 2 == 0) for number, run in enumerate(RUNS)]
    used = [
        ("logs", f"{RUNS[0]}.logs"),
        ("logs", f"{RUNS[1]}.logs"),
        ("fill", RUNS[2]),
        ("fill", RUNS[3]),
        ("read", f"{RUNS[4]}.zip"),
        ("read", f"{RUNS[5]}.zip"),
        ("dump", "backup_20250109_030000.partial"),
    ]
    holders = [Holder(how, work / name) for how, name in used]
    first = prune(work)["removed"]
    assert set(first) == {*entries[6], *entries[7]}
    remove_failed_dumps(str(work), 0)
    assert set().union(*entries[:6]) | {"backup_20250109_030000.partial"} <= set(os.listdir(work))
    # One dies, the others end.
    holders[0].process.kill()
    for holder in holders:
        holder.end()
    assert set(prune(work)["removed"]) == set().union(*entries[:6])
    remove_failed_dumps(str(work), 0)
    assert os.listdir(work) == [f"{NEWEST}.uploaded"]


class Gate:
    """A 7-Zip that waits before it extracts, until the gate opens.

    :param folder: a new directory for the program
    """

    def __init__(self, folder: Path) -> None:
        real = find_program(PROGRAMS, "")
        self.folder = folder
        self.reached, self.opened = folder / "reached", folder / "opened"
        folder.mkdir()
        program = folder / os.path.basename(real)
        waits = f"while [ -d '{folder}' ] && [ ! -e '{self.opened}' ]; do sleep 0.02; done"
        program.write_text(f'#!/bin/sh\n[ "$1" != x ] || {{ : > \'{self.reached}\'; {waits}; }}\nexec {real} "$@"\n')
        program.chmod(0o755)

    def reach(self, module: ModuleProcess) -> None:
        """Wait until the module extracts."""
        deadline = time.monotonic() + HANGS
        while not self.reached.exists():
            assert time.monotonic() < deadline
            assert module.process.poll() is None, module.result()
            time.sleep(0.01)


def test_an_archive_that_is_being_unpacked_stays(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person unpacks the archive in the work directory."""
    source = tmp_path / "source" / RUNS[0]
    source.mkdir(parents=True)
    (source / "data.sql").write_bytes(b"x" * 1000)
    listed = {"path": "data.sql", "size": 1000, "sha256": sha256_of(str(source / "data.sql"))}
    (source / "manifest.json").write_text(json.dumps({"name": RUNS[0], "files": [listed], "databases": []}))
    packed = work / f"{RUNS[0]}.zip"
    archive(source, packed)
    gate = Gate(tmp_path / "programs")
    monkeypatch.setenv("PATH", f"{gate.folder}:{os.environ['PATH']}")
    module = ModuleProcess("unarchive_7z", {"src": str(packed), "dest": str(tmp_path)})
    gate.reach(module)
    assert prune(work)["removed"] == []
    gate.opened.touch()
    assert module.result()["changed"] is True
    assert (tmp_path / RUNS[0] / "data.sql").exists()
    assert set(prune(work)["removed"]) == {packed.name, f"{packed.name}.manifest.json"}


def test_an_archive_that_another_process_uploads_stays(s3: SeaweedFS, s3_proxy: S3Proxy, work: Path) -> None:
    """Both the work directory and the bucket are pruned in the middle of the upload."""
    with cleared(s3):
        uploads = Uploads(s3, work / f"{RUNS[0]}.zip", PARTS)
        key = f"db1/2025/01/{RUNS[0]}.zip"
        write_pending(str(uploads.path), Pending(str(uuid.uuid4()), "s3", s3.bucket, key, None, 5))
        newer = f"db1/2025/02/{NEWEST}.zip"
        size = 7
        description = {"name": f"{NEWEST}.zip", "size": size, "sha256": "", "format": "zip", "encrypted": False}
        manifest = json.dumps({"archive": {**description, "level": 0}})
        uploads.client.put_object(Bucket=s3.bucket, Key=newer, Body=b"x" * size)
        uploads.client.put_object(Bucket=s3.bucket, Key=f"{newer}.manifest.json", Body=manifest.encode())
        found: list[dict[str, Any]] = []
        login = {name: uploads.options()[name] for name in ("access_key", "secret_key", "endpoint_url")}

        def prune_meanwhile() -> None:
            host = {"work_dir": str(work), "name": NEWEST, "keep_failed": 0, "abandoned_after": 0}
            store = {**login, "bucket": s3.bucket, "hostname": "db1", "keep_last": 1, "patience": 0}
            found.append(ModuleProcess("backup_prune", destined({**host, **store})).result())
            found.append(prune(work, keep_local=0))

        # The second part of the archive.
        s3_proxy.call_at("PUT", 2, prune_meanwhile)
        database = {"login_unix_socket": "/nowhere.sock", "login_user": "u", "connect_timeout": 1}
        options = {**login, "endpoint_url": s3_proxy.endpoint, "work_dir": str(work), "hostname": "db1"}
        options = {**options, "bucket": s3.bucket, "spool_dir": str(work / "spool"), "patience": 0, **database}
        result = ModuleProcess("backup_upload", destined(options)).result()
        assert [one["name"] for one in result.get("uploaded", [])] == [RUNS[0]], result
        assert [(one["removed"], one.get("aborted")) for one in found] == [([], []), ([f"{NEWEST}.uploaded"], None)]
        assert uploads.content(key) == uploads.path.read_bytes()
        assert uploads.unfinished() == []
        assert f"{uploads.path.name}" in prune(work)["removed"]
