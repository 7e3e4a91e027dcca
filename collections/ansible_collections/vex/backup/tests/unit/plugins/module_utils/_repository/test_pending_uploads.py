# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The uploads of archives of earlier runs; the real ones are in tests/faults."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import pathlib
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AlreadyRunning,
    Interrupted,
    StoreFailed,
    UploadFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._repository import pending_uploads as pending_module
from ansible_collections.vex.backup.plugins.module_utils._repository.pending_uploads import (
    PendingRequest,
    upload_pending,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.prune_work_dir import doomed_entries
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.pending import (
    Pending,
    list_pending,
    note_of,
    noted,
    read_pending,
    write_pending,
)
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings
from ansible_collections.vex.backup.plugins.module_utils._store.upload import UploadRequest

VAULT = Destination("vault", "directory", "elsewhere", S3Settings())
KEY = "db1/2026/01/{}.zip"
RUNS = [f"backup_2026010{day}_030000" for day in (1, 2, 3)]
UUID = "0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b"
DONE = {
    "sha256": "ab",
    "size": 7,
    "upload_started": "2026-01-04 03:00:00",
    "upload_finished": "2026-01-04 03:00:01",
}


class Uploads:
    """Uploads that only are noted; ``failures`` are those of archives, by run."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.made: t.List[UploadRequest] = []
        self.records: t.List[t.Any] = []
        self.failures: t.Dict[str, Exception] = {}
        self.message = ""
        self.time_limit = 60
        self.manifest_key = "k.manifest.json"
        monkeypatch.setattr(pending_module, "upload", self._upload)
        monkeypatch.setattr(pending_module, "record_run", self._record)

    def run(self, name: t.Optional[str], *, check_mode: bool = False) -> t.Dict[str, t.Any]:
        return upload_pending(self.request(name, check_mode=check_mode), RunLog(None))

    def request(self, name: t.Optional[str], *, check_mode: bool = False) -> PendingRequest:
        return PendingRequest(
            Destination("s3", "s3", "now", S3Settings()),
            str(self.folder),
            "new name",
            name,
            "/s",
            t.cast("t.Any", None),
            time_limit=self.time_limit,
            patience=0,
            timeout=None,
            check_mode=check_mode,
            rate=70_000,
        )

    def add(self, run: str) -> None:
        archive = self.folder / f"{run}.zip"
        archive.touch()
        write_pending(str(archive), Pending(UUID, "s3", "b", f"db1/2026/01/{run}.zip", "COLD", 64))

    @property
    def runs(self) -> t.List[str]:
        return [pathlib.Path(one.src).stem for one in self.made]

    def _upload(self, request: UploadRequest, _log: RunLog) -> t.Dict[str, t.Any]:
        self.made.append(request)
        # The note is there, and locked, until the record is written.
        name, destination = pathlib.Path(request.src).name, request.destination.name
        note = pathlib.Path(note_of(request.src, destination))
        assert request.check_mode or (note.exists() and name not in list_pending(str(self.folder), destination))
        failure = self.failures.get(pathlib.Path(request.src).stem)
        if failure:
            raise failure
        place, key = request.destination.place, request.key
        return {**DONE, "manifest_key": self.manifest_key, "bucket": place, "key": key, "url": f"s3://{place}/{key}"}

    def waiting(self) -> t.List[str]:
        return list_pending(str(self.folder), "s3")

    def _record(self, request: t.Any, _log: RunLog, check_mode: bool) -> t.Dict[str, t.Any]:
        assert not check_mode
        self.records.append(request.facts)
        return {"message": self.message} if self.message else {}


@pytest.fixture
def uploads(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Uploads:
    made = Uploads(tmp_path, monkeypatch)
    (tmp_path / "other.upload.json").touch()
    for run in reversed(RUNS):
        made.add(run)
    return made


def left(folder: pathlib.Path) -> t.List[str]:
    return sorted(path.name[:22] for path in folder.glob("backup_*.upload.json"))


def test_earlier_ones_are_uploaded_oldest_first(uploads: Uploads) -> None:
    result = uploads.run(RUNS[2])
    assert uploads.runs == RUNS[:2]
    assert result == {
        "changed": True,
        "uploaded": [
            {"name": run, "bucket": "b", "key": KEY.format(run), "url": f"s3://b/{KEY.format(run)}"} for run in RUNS[:2]
        ],
        "left": [],
    }
    assert left(uploads.folder) == RUNS[2:]
    assert (uploads.folder / f"{RUNS[0]}.uploaded").exists()
    first = uploads.made[0]
    assert (first.part_size, first.run_uuid, first.metadata, first.rate) == (64, None, {"run-uuid": UUID}, 70_000)
    assert (first.part_size, first.run_uuid, first.metadata) == (64, None, {"run-uuid": UUID})
    facts = uploads.records[0]
    assert facts.hostname == "db1"
    (upload,) = facts.uploads
    assert (facts.run_uuid, facts.status, upload.status, upload.sha256) == (UUID, None, 1, "ab")


def test_by_hand_all_are_uploaded(uploads: Uploads) -> None:
    assert [one["name"] for one in uploads.run(None)["uploaded"]] == RUNS


def test_check_mode_changes_nothing(uploads: Uploads) -> None:
    assert [one["name"] for one in uploads.run(None, check_mode=True)["uploaded"]] == RUNS
    assert left(uploads.folder) == RUNS
    assert uploads.records == []


def test_a_store_that_is_away_ends_it(uploads: Uploads) -> None:
    uploads.failures[RUNS[0]] = away = StoreFailed("it is away")
    away.may_pass = True
    result = uploads.run(None)
    assert (uploads.runs, result["uploaded"], result["changed"]) == (RUNS[:1], [], False)
    note = f"{uploads.folder}/{RUNS[0]}.zip.upload.json"
    assert result["message"] == f"{RUNS[0]}.zip could not be uploaded: it is away; to give it up, remove {note}"
    assert left(uploads.folder) == RUNS


def test_a_signal_ends_it(uploads: Uploads) -> None:
    uploads.failures[RUNS[0]] = Interrupted("SIGTERM")
    uploads.run(None)
    assert uploads.runs == RUNS[:1]


def test_one_that_another_process_uploads_is_left_to_it(uploads: Uploads) -> None:
    archive = str(uploads.folder / f"{RUNS[0]}.zip")
    with noted(archive, "s3", None, RunLog(None)):
        assert [one["name"] for one in uploads.run(None)["uploaded"]] == RUNS[1:]
        with pytest.raises(AlreadyRunning), noted(archive, "s3", None, RunLog(None)):
            pass
    assert left(uploads.folder) == []


def test_another_process_that_begins_at_the_same_moment(uploads: Uploads) -> None:
    uploads.failures[RUNS[0]] = AlreadyRunning("another process")
    result = uploads.run(None)
    assert [one["name"] for one in result["uploaded"]] == RUNS[1:]
    assert "message" not in result


def test_one_whose_upload_ended_after_it_was_listed_is_no_failure(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = uploads.waiting()
    (uploads.folder / f"{RUNS[0]}.zip.upload.json").unlink()
    monkeypatch.setattr(pending_module, "list_pending", lambda _folder, _destination: names)
    result = uploads.run(None)
    assert [one["name"] for one in result["uploaded"]] == RUNS[1:]
    assert "message" not in result


@pytest.mark.parametrize("call", ["open", "flock"])
def test_one_whose_upload_ends_before_it_is_locked_is_no_failure(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The other process removes the note before this one opens it, or before this one has its lock."""
    note = uploads.folder / f"{RUNS[0]}.zip.upload.json"
    lock, read = fcntl.flock, read_pending

    def read_then_end(archive: str, destination: str) -> Pending:
        found = read(archive, destination)
        if call == "open":
            note.unlink(missing_ok=True)
        return found

    def end_then_lock(stream: t.Any, operation: int) -> None:
        if call == "flock" and stream.name == str(note):
            note.unlink(missing_ok=True)
        lock(stream, operation)

    names = uploads.waiting()
    monkeypatch.setattr(pending_module, "list_pending", lambda _folder, _destination: names)
    monkeypatch.setattr(pending_module, "read_pending", read_then_end)
    monkeypatch.setattr(fcntl, "flock", end_then_lock)
    result = uploads.run(None)
    assert uploads.runs == [one["name"] for one in result["uploaded"]] == RUNS[1:]
    assert "message" not in result


def test_a_long_backlog_is_left_to_the_next_run(uploads: Uploads) -> None:
    uploads.time_limit = -1
    result = uploads.run(None)
    assert (result["uploaded"], result["left"]) == ([], RUNS)


def test_a_full_disk_does_not_prevent_an_upload(tmp_path: pathlib.Path) -> None:
    log = RunLog(str(tmp_path / "log"))
    with noted(str(tmp_path / "no" / "b.zip"), "s3", Pending(UUID, "s3", "b", "k", None, 16), log):
        pass
    assert "so no later run uploads this archive" in (tmp_path / "log").read_text(encoding="utf-8")


def test_another_failure_stops_only_that_archive(uploads: Uploads) -> None:
    uploads.failures[RUNS[1]] = UploadFailed("the archive was changed")
    (uploads.folder / f"{RUNS[0]}.zip.upload.json").write_text("{", encoding="utf-8")
    result = uploads.run(None)
    assert [one["name"] for one in result["uploaded"]] == RUNS[2:]
    assert "upload.json cannot be read" in result["message"]
    assert "the archive was changed" in result["message"]


def test_a_record_that_is_kept_is_no_problem(uploads: Uploads) -> None:
    uploads.message = "the record is kept"
    result = uploads.run(RUNS[1])
    assert "message" not in result
    assert [one["name"] for one in result["uploaded"]] == RUNS[:1]


def test_an_incomplete_one_counts_as_such(uploads: Uploads) -> None:
    uploads.manifest_key = "k.incomplete.json"
    uploads.run(RUNS[1])
    assert (uploads.folder / f"{RUNS[0]}.incomplete").exists()
    assert not (uploads.folder / f"{RUNS[0]}.uploaded").exists()


def test_one_that_has_just_been_uploaded_does_not_wait(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.listdir", lambda _folder: [f"{RUNS[0]}.zip.upload.json"])
    assert list_pending(str(tmp_path), "s3") == []


def test_each_destination_has_its_own_notes(uploads: Uploads) -> None:
    archive = str(uploads.folder / f"{RUNS[0]}.zip")
    pending = Pending(UUID, "vault", "safe", "far/key.zip", None, 16)
    write_pending(archive, pending)
    assert list_pending(str(uploads.folder), "vault") == [f"{RUNS[0]}.zip"]
    assert [one["name"] for one in uploads.run(None)["uploaded"]] == RUNS
    assert read_pending(archive, "vault") == pending
    names = [f"{RUNS[0]}.uploaded", f"{RUNS[0]}.zip", f"{RUNS[0]}.zip.upload-vault.json"]
    assert doomed_entries(names, RUNS[2], 1, 0) == []
    result = upload_pending(dataclasses.replace(uploads.request(None), destination=VAULT), RunLog(None))
    assert [(one["bucket"], one["key"]) for one in result["uploaded"]] == [("safe", "far/key.zip")]
    (upload,) = uploads.records[-1].uploads
    assert (upload.destination, upload.type) == ("vault", "directory")
    assert list_pending(str(uploads.folder), "vault") == []


def test_a_note_of_an_earlier_release_is_of_the_destination_s3(tmp_path: pathlib.Path) -> None:
    content = {"run_uuid": UUID, "bucket": "b", "key": "k", "storage_class": "COLD", "part_size": 64}
    note = {**content, "server_side_encryption": "AES256", "kms_key_id": None}
    (tmp_path / "a.zip.upload.json").write_text(json.dumps(note), encoding="utf-8")
    assert read_pending(str(tmp_path / "a.zip"), "s3") == Pending(UUID, "s3", "b", "k", "COLD", 64)
