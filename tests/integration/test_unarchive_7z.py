"""unarchive_7z on the real 7-Zip."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.pack import PackRequest, pack
from ansible_collections.vex.backup.plugins.module_utils._archive.unpack import UnpackRequest, refuse_escapes, unpack
from ansible_collections.vex.backup.plugins.module_utils._arguments import request
from ansible_collections.vex.backup.plugins.module_utils._common.files import sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    AlreadyRunning,
    ArchiveDiffers,
    ArchiveFailed,
    BackupError,
    CommandTimeout,
    ManifestUnusable,
    NotEnoughSpace,
    OptionError,
    PasswordRefused,
    UnpackFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import PROGRAMS, Entry, entries_of
from tests.modules import ModuleProcess

NAME = "backup_20250720_161523"
PASSWORD = " a b'\"$\\ "
KINDS = [("zip", None), ("zip", PASSWORD), ("7z", None), ("7z", PASSWORD)]


class Packed:
    """A packed backup, and a folder to unpack it into, all below *directory*."""

    def __init__(self, directory: Path, form: str = "zip", password: str | None = None) -> None:
        self.password = password
        self.source = directory / "source" / NAME
        self.archive = directory / "fetched" / f"{NAME}.{form}"
        self.manifest = Path(f"{self.archive}.manifest.json")
        self.folder = directory / "unpacked"
        self.path = self.folder / NAME
        tables = self.source / "dump" / "lojá %20" / "tables"
        for made in (tables, self.archive.parent, self.folder):
            made.mkdir(parents=True)
        (tables / "a😀-schema.sql").write_text("CREATE TABLE a (id INT);\n")
        (tables / "a.sql").write_bytes(os.urandom(100_000))
        (self.source / "backup_script.log").write_text("log\n")
        self.pack()

    def pack(self) -> None:
        """Pack the source as it is now, with its manifest."""
        files = [
            {
                "path": str(path.relative_to(self.source)),
                "size": path.stat().st_size,
                "sha256": sha256_of(str(path)),
            }
            for path in sorted(self.source.glob("dump/**/*"))
            if path.is_file()
        ]
        inner = {"name": NAME, "databases": [], "files": files, "restore": ["myloader"]}
        (self.source / "manifest.json").write_text(json.dumps(inner))
        self.pack_as_it_is()

    def pack_as_it_is(self) -> None:
        self.archive.unlink(missing_ok=True)
        self.manifest.unlink(missing_ok=True)
        form = self.archive.suffix[1:]
        request = PackRequest(
            source=str(self.source),
            dest=str(self.archive),
            format=form,
            level="auto",
            password=self.password,
            manifest_key=None,
            timeout=None,
            remove_source=False,
            check_mode=False,
        )
        pack(request, RunLog(None))

    def run(self, **options: Any) -> dict[str, Any]:
        given = {"src": str(self.archive), "dest": str(self.folder), "password": self.password}
        return unpack(request(UnpackRequest, {"timeout": None, "check_mode": False, **given, **options}), RunLog(None))

    def refusal(self, error: type[BackupError], **options: Any) -> str:
        """Return the error message of an attempt that must leave nothing."""
        with pytest.raises(error) as caught:
            self.run(**options)
        assert list(self.folder.iterdir()) == []
        assert caught.value.details["status"] == 3
        assert PASSWORD not in str(caught.value)
        return str(caught.value)

    def change_manifest(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the manifest beside the archive."""
        manifest = json.loads(self.manifest.read_text())
        change(manifest)
        self.manifest.write_text(json.dumps(manifest))

    def correct_size(self) -> None:
        """Write the archive's present size into the manifest."""
        self.change_manifest(lambda manifest: manifest["archive"].update(size=self.archive.stat().st_size))


@pytest.fixture
def packed(tmp_path: Path) -> Packed:
    return Packed(tmp_path)


@pytest.mark.parametrize(("form", "password"), KINDS)
def test_a_packed_backup_is_unpacked(tmp_path: Path, form: str, password: str | None) -> None:
    packed = Packed(tmp_path, form, password)
    result = packed.run()
    assert (result["path"], result["changed"], result["status"]) == (str(packed.path), True, 1)
    assert result["backup"]["name"] == NAME
    both = [
        {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (packed.source, packed.path)
    ]
    assert both[0] == both[1]
    assert all(path.stat().st_mode & 0o077 == 0 for path in packed.path.rglob("*"))
    assert list(packed.folder.iterdir()) == [packed.path]
    assert packed.run()["changed"] is False


@pytest.mark.parametrize(("form", "password"), [KINDS[1], KINDS[3]])
@pytest.mark.parametrize(
    ("given", "message"), [(None, "is encrypted: give the password"), ("wrong", "with another password")]
)
def test_wrong_passwords(tmp_path: Path, form: str, password: str, given: str | None, message: str) -> None:
    assert message in Packed(tmp_path, form, password).refusal(PasswordRefused, password=given)


def test_a_manifest_that_does_not_mention_the_encryption(tmp_path: Path) -> None:
    packed = Packed(tmp_path, "zip", PASSWORD)
    packed.change_manifest(lambda manifest: manifest["archive"].update(encrypted=False))
    assert "according to its manifest, it is not encrypted" in packed.refusal(PasswordRefused, password="wrong")


def test_check_mode(packed: Packed) -> None:
    assert packed.run(check_mode=True)["changed"] is True
    assert packed.run(check_mode=True, src="/none.zip")["changed"] is True
    assert list(packed.folder.iterdir()) == []


def test_files_of_a_killed_attempt_are_removed(packed: Packed) -> None:
    left = packed.folder / f"{NAME}.partial" / NAME
    left.mkdir(parents=True)
    (left / "half").touch()
    packed.run()
    assert list(packed.folder.iterdir()) == [packed.path]


def test_two_attempts_at_once(packed: Packed) -> None:
    with directory_lock(str(packed.folder), "never seen"):
        assert "another backup is being unpacked into" in packed.refusal(AlreadyRunning)
    packed.run()


def test_another_directory_of_the_same_name(packed: Packed) -> None:
    packed.path.mkdir()
    with pytest.raises(ArchiveDiffers, match="exists, but the backup lacks"):
        packed.run()
    assert list(packed.path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [({"src": "/none.zip"}, "src is not a file"), ({"dest": "/none"}, "dest is not a directory")],
)
def test_options_that_cannot_work(packed: Packed, options: dict[str, str], message: str) -> None:
    assert message in packed.refusal(OptionError, **options)


def test_a_missing_manifest(packed: Packed) -> None:
    packed.manifest.unlink()
    assert "without its manifest an archive cannot be verified" in packed.refusal(ManifestUnusable)


def test_the_manifest_of_another_backup(packed: Packed) -> None:
    packed.change_manifest(lambda manifest: manifest.update(name="backup_20200101_000000"))
    assert f"is the manifest of backup_20200101_000000, not of {NAME}" in packed.refusal(ManifestUnusable)


def test_a_damaged_manifest(packed: Packed) -> None:
    packed.manifest.write_text("{}")
    assert "is not the manifest of an archive" in packed.refusal(ManifestUnusable)


def test_a_truncated_archive(packed: Packed) -> None:
    os.truncate(packed.archive, packed.archive.stat().st_size // 2)
    assert "it is truncated" in packed.refusal(UnpackFailed)
    packed.correct_size()
    assert "7-Zip could not" in packed.refusal(ArchiveFailed)


def test_a_flipped_byte(packed: Packed) -> None:
    content = bytearray(packed.archive.read_bytes())
    content[len(content) // 2] ^= 1
    packed.archive.write_bytes(content)
    assert "7-Zip could not unpack" in packed.refusal(ArchiveFailed)


def test_a_file_that_differs_from_the_manifest(packed: Packed) -> None:
    """The checksum of 7-Zip is right, that of the manifest is not."""
    packed.change_manifest(lambda manifest: manifest["files"][0].update(sha256="0" * 64))
    assert "dump/lojá %20/tables/a.sql of the backup differs from its manifest" in packed.refusal(UnpackFailed)


def test_a_missing_file(packed: Packed) -> None:
    packed.change_manifest(lambda manifest: manifest["files"].append({"path": "dump/b", "size": 0, "sha256": ""}))
    assert "the backup lacks dump/b" in packed.refusal(UnpackFailed)


def test_an_unlisted_file(packed: Packed) -> None:
    packed.change_manifest(lambda manifest: manifest["files"].pop())
    message = packed.refusal(UnpackFailed)
    assert "holds files that its manifest does not list: dump/lojá %20/tables/a😀-schema.sql" in message


def test_an_inner_manifest_that_differs(packed: Packed) -> None:
    packed.change_manifest(lambda manifest: manifest.update(hostname="another"))
    assert "differs from the one beside it" in packed.refusal(UnpackFailed)


@pytest.mark.parametrize("content", [None, "no JSON"])
def test_a_missing_or_damaged_inner_manifest(packed: Packed, content: str | None) -> None:
    beside = packed.manifest.read_text()
    inner = packed.source / "manifest.json"
    inner.unlink()
    if content is not None:
        inner.write_text(content)
    packed.archive.unlink()
    subprocess.run([find_program(PROGRAMS, ""), "a", packed.archive, NAME], cwd=packed.source.parent, check=True)
    packed.manifest.write_text(beside)
    packed.correct_size()
    assert "differs from the one beside it" in packed.refusal(UnpackFailed)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("../out", 0o100600),
        (f"{NAME}/../../out", 0o100600),
        ("/outside", 0o100600),
        ("other/file", 0o100600),
        (f"{NAME}/link", 0o120777),
        (f"{NAME}/pipe", 0o010600),
        (f"{NAME}/disk", 0o060600),
    ],
)
def test_archives_that_must_not_be_unpacked(packed: Packed, path: str, mode: int) -> None:
    with zipfile.ZipFile(packed.archive, "a") as archive:
        entry = zipfile.ZipInfo(path)
        entry.create_system = 3
        entry.external_attr = mode << 16
        archive.writestr(entry, "/etc")
    packed.correct_size()
    message = packed.refusal(UnpackFailed)
    assert "the archive holds" in message
    assert not (packed.folder.parent / "out").exists()


def test_a_link_that_the_list_does_not_show(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(packed.source / "dump")
    (packed.source / "dump").symlink_to("/etc")
    packed.archive.unlink()
    program = find_program(PROGRAMS, "")
    subprocess.run([program, "a", "-snl", packed.archive, NAME], cwd=packed.source.parent, check=True)
    packed.correct_size()
    monkeypatch.setattr(
        "ansible_collections.vex.backup.plugins.module_utils._archive.unpack.refuse_escapes", lambda *_arguments: None
    )
    assert "is not a file but a link or a device" in packed.refusal(UnpackFailed)


@pytest.mark.parametrize("entry", [Entry(f"{NAME}\\..\\x", "-", 1), Entry(f"{NAME}/x", "l", 1), Entry("", "d", 0)])
def test_entries_that_are_refused(entry: Entry) -> None:
    with pytest.raises(UnpackFailed):
        refuse_escapes([entry], NAME)


@pytest.mark.parametrize(
    "output",
    [
        "Path = a\nb\nAttributes = -rw-------\n\n",
        "Path = a\nAttributes = -rw-------\nAttributes = lrwxrwxrwx\n",
    ],
)
def test_a_list_that_shows_another_path(output: str) -> None:
    with pytest.raises(UnpackFailed, match="breaks 7-Zip's list"):
        entries_of(output)


def test_a_list() -> None:
    output = (
        "\nEnter password:\nPath = a\nFolder = +\nSize = \nAttributes = D\n\nPath = a/b\nSize = 5\nHard Link = c\n\n"
    )
    assert entries_of(output) == [Entry("a", "d", 0), Entry("a/b", "l", 5)]


def test_a_list_without_end(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip.LIST_LIMIT", 10)
    assert "more than half a million paths" in packed.refusal(UnpackFailed)


def test_a_disk_that_is_too_small(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.statvfs(packed.folder)
    full = os.statvfs_result((found.f_bsize, found.f_frsize, 0, 0, 0, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _path: full)
    assert f"{NAME} needs" in packed.refusal(NotEnoughSpace)


def test_the_deadline(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", iter(range(100)).__next__)
    assert "7-Zip took longer than 1 seconds" in packed.refusal(CommandTimeout, timeout=1)


def test_the_module_as_ansible_runs_it(packed: Packed) -> None:
    options = {"src": str(packed.archive), "dest": str(packed.folder)}
    assert ModuleProcess("unarchive_7z", options).result()["path"] == str(packed.path)
    failed = ModuleProcess("unarchive_7z", {**options, "src": "/none.zip"}).result()
    assert (failed["failure"], failed["status"]) == ("OptionError", 3)
