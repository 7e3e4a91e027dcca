# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The copy of a backup between two destinations; the real ones are in tests/integration."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._log_db.connection import LogDatabase
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._repository import copy_backup as copy_module
from ansible_collections.vex.backup.plugins.module_utils._repository.copy_backup import CopyRequest, copy_backup
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings

NAME = "backup_20260101_030000"
RUN = "0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b"
NOWHERE = LogDatabase(Login("", 0, "/nowhere.sock", "backup", "", None), "vex")


class Copies:
    """Copies whose download and upload only are noted."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.run_uuid: t.Optional[str] = RUN
        self.uploads: t.List[t.Any] = []
        monkeypatch.setattr(copy_module, "download", self._download)
        monkeypatch.setattr(copy_module, "upload", self._upload)

    def copy(self, target: str = "vault", *, check_mode: bool = False) -> t.Dict[str, t.Any]:
        request = CopyRequest(
            source=Destination("s3", "s3", "near", S3Settings()),
            source_prefix="",
            target=Destination(target, "s3", "far", S3Settings()),
            target_prefix="mysql",
            hostname="db1",
            name=NAME,
            at=None,
            work_dir=str(self.folder),
            manifest_keys=[],
            log_database=NOWHERE,
            patience=0,
            timeout=None,
            check_mode=check_mode,
        )
        return copy_backup(request, RunLog(None))

    def _download(self, request: t.Any, _log: RunLog) -> t.Dict[str, t.Any]:
        assert (request.name, request.manifest_only) == (NAME, request.check_mode)
        place = pathlib.Path(request.dest) / NAME
        place.mkdir(parents=True)
        archive = str(place / f"{NAME}.zip")
        chosen = {"name": NAME, "run_uuid": self.run_uuid}
        return {"archive": archive, "manifest": f"{archive}.manifest.json", "chosen": chosen}

    def _upload(self, request: t.Any, _log: RunLog) -> t.Dict[str, t.Any]:
        self.uploads.append(request)
        times = {"upload_started": "2026-01-02 03:00:00", "upload_finished": "2026-01-02 03:00:01"}
        place = {"bucket": "far", "key": request.key, "url": f"s3://far/{request.key}"}
        return {**place, **times, "sha256": "ab", "size": 7, "changed": True}


@pytest.fixture
def copies(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Copies:
    return Copies(tmp_path, monkeypatch)


def test_a_backup_is_copied_under_the_key_of_the_target(copies: Copies) -> None:
    result = copies.copy()
    (upload,) = copies.uploads
    key = f"mysql/db1/2026/01/{NAME}.zip"
    assert (upload.key, upload.destination.name, upload.run_uuid) == (key, "vault", None)
    assert (upload.metadata, upload.manifest) == ({"run-uuid": RUN}, f"{upload.src}.manifest.json")
    assert (result["name"], result["url"], result["changed"]) == (NAME, f"s3://far/{key}", True)
    # The log database is away, and nothing of the archive is left.
    assert "copy it again to record it" in result["message"]
    assert result["warnings"] == [result["message"]]
    assert list((copies.folder / "copy").iterdir()) == []


def test_check_mode_leaves_everything(copies: Copies) -> None:
    assert "message" not in copies.copy(check_mode=True)
    assert copies.uploads[0].check_mode


def test_a_backup_whose_run_is_unknown(copies: Copies) -> None:
    copies.run_uuid = None
    copies.copy()
    assert copies.uploads[0].metadata == {}


def test_source_and_target_must_differ(copies: Copies) -> None:
    with pytest.raises(OptionError, match="s3 is both the source and the target"):
        copies.copy("s3")


@pytest.mark.parametrize(("is_known", "message"), [(True, ""), (False, "the log tables have no run of this backup")])
def test_the_record(copies: Copies, monkeypatch: pytest.MonkeyPatch, is_known: bool, message: str) -> None:
    recorded: t.List[t.Any] = []

    class Connection:
        def __enter__(self) -> t.Any:
            return self

        def __exit__(self, *_error: object) -> None:
            pass

    def record(_connection: t.Any, run_uuid: str, copied: t.Any, times: t.Any) -> bool:
        recorded.append((run_uuid, copied, times))
        return is_known

    monkeypatch.setattr(copy_module, "log_database", lambda _database: Connection())
    monkeypatch.setattr(copy_module, "check_version", lambda _connection: None)
    monkeypatch.setattr(copy_module, "record_copy", record)
    assert copies.copy().get("message", "").startswith(message)
    (run_uuid, copied, times), *_others = recorded
    assert (run_uuid, copied.destination, copied.type, copied.bucket, copied.size) == (RUN, "vault", "s3", "far", 7)
    assert times == ("2026-01-02 03:00:00", "2026-01-02 03:00:01")
