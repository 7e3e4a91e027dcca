"""archive_7z on the real 7-Zip."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_signature
from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveDiffers,
    ArchiveFailed,
    CommandTimeout,
    NotEnoughSpace,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import PROGRAMS
from tests.integration.packing import (
    NAME,
    PASSWORD,
    STRANGE,
    archive,
    refusal,
    refusal_without_archive,
    sevenzip,
    snapshot,
    unpacked,
)
from tests.modules import ModuleProcess
from tests.playbook import HANGS


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a backup's directory with every kind of name, an empty file and an empty directory."""
    root = tmp_path / NAME
    database = root / "dump" / "lojá é 😀"
    database.mkdir(parents=True)
    (root / "dump" / "empty").mkdir()
    (database / "nothing").touch()
    (database / "table.sql").write_text("row\n" * 50_000)
    for name in STRANGE:
        (database / name).write_text(f"content of {name}")
    (root / "manifest.json").write_text(json.dumps({"run": "u1"}))
    return root


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / f"{NAME}.zip"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of one MiB."""
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", directory], check=False)
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield directory
    subprocess.run(["umount", directory], check=True)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replace 7-Zip by a shell script in which ``$real`` is 7-Zip."""
    real = find_program(PROGRAMS, "")

    def install(script: str) -> None:
        program = tmp_path / "bin" / PROGRAMS[0]
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/bash\nreal={real}\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return install


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize("form", ["zip", "7z"])
@pytest.mark.parametrize("level", ["0", "auto"])
def test_round_trip(source: Path, tmp_path: Path, form: str, level: str, password: str | None) -> None:
    dest = tmp_path / f"{NAME}.{form}"
    result = archive(source, dest, format=form, level=level, password=password)
    assert unpacked(dest, password or "") == snapshot(source)
    data = dest.read_bytes()
    assert result == {
        "archive": str(dest),
        "name": dest.name,
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "format": form,
        "encrypted": password is not None,
        "level": 0 if level == "0" else 5,
        "manifest": f"{dest}.manifest.json",
        "tool_version": result["tool_version"],
        "changed": True,
        "status": 1,
        "pack_started": result["pack_started"],
        "pack_finished": result["pack_finished"],
    }
    assert result["tool_version"].startswith("7-Zip ")
    manifest = Path(result["manifest"])
    described = {key: result[key] for key in ("name", "size", "sha256", "format", "encrypted", "level")}
    assert json.loads(manifest.read_text()) == {"run": "u1", "archive": described}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (dest, manifest)] == [0o600, 0o600]
    assert not list(tmp_path.glob("*.partial*"))
    again = archive(source, dest, format=form, level=level, password=password)
    times = {name: again[name] for name in ("pack_started", "pack_finished")}
    assert again == {**result, "changed": False, **times}


@pytest.mark.parametrize("form", ["zip", "7z"])
def test_encryption_hides_contents_and_in_7z_names(source: Path, tmp_path: Path, form: str) -> None:
    dest = tmp_path / f"{NAME}.{form}"
    (source / "secret-name").write_text("secret-content")
    archive(source, dest, format=form, level="0", password=PASSWORD)
    data = dest.read_bytes()
    assert b"secret-content" not in data
    listed = sevenzip("l", str(dest)).stdout
    assert ("secret-name" in listed) == (form == "zip")
    assert sevenzip("t", str(dest), answer="wrong\n").returncode == 2


def test_a_7z_takes_a_password_that_is_not_ascii(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / f"{NAME}.7z"
    archive(source, dest, format="7z", password="sénha 😀")
    assert unpacked(dest, "sénha 😀") == snapshot(source)


def test_auto_stores_compressed_files(source: Path, dest: Path) -> None:
    (source / "dump" / "big.sql.zst").write_bytes(os.urandom(500_000))
    result = archive(source, dest)
    assert result["level"] == 0
    assert result["size"] > 700_000
    (source / "dump" / "big.sql.zst").rename(source / "dump" / "big.sql")
    dest.unlink()
    result = archive(source, dest)
    assert result["level"] == 5
    assert result["size"] < 600_000


def test_the_source_is_removed_when_the_options_say_so(source: Path, dest: Path) -> None:
    leftover = Path(f"{source}.removing")
    leftover.mkdir()
    (leftover / "half").touch()
    result = archive(source, dest, remove_source=True)
    assert not source.exists()
    assert not leftover.exists()
    assert result["changed"] is True
    again = archive(source, dest, remove_source=True)
    assert again["changed"] is False
    assert {key: again[key] for key in ("sha256", "size", "level", "manifest")} == {
        key: result[key] for key in ("sha256", "size", "level", "manifest")
    }


def test_a_killed_attempt_is_completed(source: Path, dest: Path) -> None:
    before = archive(source, dest)
    Path(before["manifest"]).unlink()
    Path(f"{dest}.partial").write_text("left by a killed run")
    result = archive(source, dest, remove_source=True)
    assert result["changed"] is True
    assert result["sha256"] == before["sha256"]
    assert json.loads(Path(result["manifest"]).read_text())["archive"]["sha256"] == before["sha256"]
    assert not source.exists()


def test_7zip_does_not_add_to_a_partial_archive(source: Path, dest: Path) -> None:
    partial = Path(f"{dest}.partial")
    (source.parent / "other").write_text("x")
    assert sevenzip("a", "-tzip", str(partial), str(source.parent / "other")).returncode == 0
    archive(source, dest)
    assert unpacked(dest) == snapshot(source)
    assert not partial.exists()


def test_a_source_without_manifest_gives_an_archive_without(source: Path, dest: Path) -> None:
    (source / "manifest.json").unlink()
    assert archive(source, dest)["manifest"] is None
    assert not Path(f"{dest}.manifest.json").exists()


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_manifest(source: Path, dest: Path, text: str) -> None:
    (source / "manifest.json").write_text(text)
    with pytest.raises(ArchiveFailed, match=r"manifest\.json is not"):
        archive(source, dest)
    assert source.exists()


@pytest.mark.parametrize("form", ["zip", "7z"])
@pytest.mark.parametrize("password", [None, PASSWORD])
def test_an_archive_of_other_files_is_never_replaced(
    source: Path, tmp_path: Path, form: str, password: str | None
) -> None:
    dest = tmp_path / f"{NAME}.{form}"
    archive(source, dest, format=form, password=password)
    table = source / "dump" / "lojá é 😀" / "table.sql"
    content = table.read_text()
    for other in ("x" + content[1:], content + "x"):
        table.write_text(other)
        assert "differs from" in str(refusal(ArchiveDiffers, source, dest, format=form, password=password))
    table.rename(table.with_name("other.sql"))
    table.with_name("other.sql").write_text(content)
    assert "differs from" in str(refusal(ArchiveDiffers, source, dest, format=form, password=password))
    (table.with_name("other.sql")).rename(table)
    (source / "dump" / "another").mkdir()
    assert "differs from" in str(refusal(ArchiveDiffers, source, dest, format=form, password=password))


@pytest.mark.parametrize("form", ["zip", "7z"])
def test_an_archive_with_another_password_or_none_differs(source: Path, tmp_path: Path, form: str) -> None:
    dest = tmp_path / f"{NAME}.{form}"
    archive(source, dest, format=form, password=PASSWORD)
    assert "another password" in str(refusal(ArchiveDiffers, source, dest, format=form, password="other"))
    assert "another password" in str(refusal(ArchiveDiffers, source, dest, format=form))
    dest.unlink()
    archive(source, dest, format=form)
    assert "is not encrypted" in str(refusal(ArchiveDiffers, source, dest, format=form, password=PASSWORD))


def test_a_file_that_is_no_archive_is_never_replaced(source: Path, dest: Path) -> None:
    dest.write_text("not an archive")
    assert "remove it, or give another dest" in str(refusal(ArchiveDiffers, source, dest))


def test_a_missing_source_is_refused(tmp_path: Path, dest: Path) -> None:
    assert "source does not exist" in str(refusal(OptionError, tmp_path / "none", dest))


def test_only_files_and_directories_are_packed(source: Path, dest: Path) -> None:
    link = source / "link"
    link.symlink_to("manifest.json")
    assert "link is a symbolic link" in str(refusal(ArchiveFailed, source, dest))
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(ArchiveFailed, match="link is not a regular file"):
        archive(source, dest)


def test_too_little_disk_is_found_before_anything_is_written(source: Path, small_disk: Path) -> None:
    with (source / "big.zst").open("wb") as stream:
        stream.truncate(2_000_000)
    with pytest.raises(NotEnoughSpace, match=r"needs 2\d{6} bytes in .*, which has"):
        archive(source, small_disk / f"{NAME}.zip")
    assert not list(small_disk.iterdir())


def test_a_disk_that_fills_up_leaves_nothing(source: Path, small_disk: Path) -> None:
    (source / "big").write_bytes(os.urandom(2_000_000))
    with pytest.raises(NotEnoughSpace, match="is full"):
        archive(source, small_disk / f"{NAME}.zip", level="1")
    assert not list(small_disk.iterdir())
    assert source.exists()


def test_a_file_that_cannot_be_read_is_a_failure(source: Path, dest: Path) -> None:
    secret = source / "unreadable"
    secret.write_text("x")
    secret.chmod(0)
    # Root can read it, unless these capabilities are dropped.
    unprivileged = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    module = ModuleProcess("archive_7z", {"source": str(source), "dest": str(dest)}, prefix=unprivileged)
    result = module.result()
    assert result["failed"] is True
    assert result["status"] == 3
    assert "unreadable : errno=13 : Permission denied" in result["msg"]
    assert not list(dest.parent.glob("*.zip*"))


def test_a_warning_of_7zip_is_a_failure(source: Path, dest: Path, fake: Callable[[str], None]) -> None:
    fake('"$real" "$@"; test "$1" != a')
    assert "exit status 1" in str(refusal_without_archive(ArchiveFailed, source, dest))


def test_damage_is_found_by_the_integrity_test(source: Path, dest: Path, fake: Callable[[str], None]) -> None:
    fake(
        f'"$real" "$@" || exit; test "$1" = a || exit 0; '
        f"printf damage | dd of='{dest}.partial' bs=1 seek=2000 conv=notrunc status=none"
    )
    assert "is damaged" in str(refusal_without_archive(ArchiveFailed, source, dest, level="0"))


def test_a_file_that_7zip_overlooks_is_noticed(source: Path, dest: Path, fake: Callable[[str], None]) -> None:
    fake('if [ "$1" = a ] || [ "$1" = h ]; then exec "$real" "$1" "-xr!manifest.json" "${@:2}"; fi; exec "$real" "$@"')
    assert "differs from the content of" in str(refusal_without_archive(ArchiveFailed, source, dest))


def test_a_source_that_changes_during_packing_is_noticed(source: Path, dest: Path, fake: Callable[[str], None]) -> None:
    fake(f'"$real" "$@" || exit; test "$1" != a || echo "{{}}" > "{source}/manifest.json"')
    with pytest.raises(ArchiveFailed, match="find the program that still writes into it"):
        archive(source, dest)
    assert not list(dest.parent.glob("*.zip*"))


def test_the_deadline(source: Path, dest: Path, fake: Callable[[str], None]) -> None:
    fake(f"exec sleep {2 * HANGS}")
    began = time.monotonic()
    refusal_without_archive(CommandTimeout, source, dest, timeout=1)
    assert time.monotonic() - began < HANGS


@pytest.mark.parametrize("remove_source", [False, True])
def test_check_mode_changes_nothing(source: Path, dest: Path, *, remove_source: bool) -> None:
    before = snapshot(source.parent)
    result = archive(source, dest, check_mode=True, remove_source=remove_source)
    assert (result["changed"], result["archive"]) == (True, str(dest))
    assert snapshot(source.parent) == before
    archive(source, dest)
    Path(f"{dest}.manifest.json").unlink()
    before = snapshot(source.parent)
    assert archive(source, dest, check_mode=True)["changed"] is True
    assert snapshot(source.parent) == before
    archive(source, dest)
    before = snapshot(source.parent)
    assert archive(source, dest, check_mode=True, remove_source=remove_source)["changed"] is remove_source
    assert snapshot(source.parent) == before
    shutil.rmtree(source)
    assert archive(source, dest, check_mode=True)["changed"] is False


@pytest.mark.parametrize("password", [None, "canary"])
@pytest.mark.parametrize("archive_format", ["zip", "7z"])
def test_in_check_mode_the_source_may_be_absent(tmp_path: Path, archive_format: str, password: str | None) -> None:
    before = snapshot(tmp_path)
    dest = tmp_path / f"none.{archive_format}"
    result = archive(tmp_path / "none", dest, check_mode=True, format=archive_format, password=password)
    assert (result["changed"], result["archive"]) == (True, str(dest))
    assert snapshot(tmp_path) == before


def test_check_mode_tries_7_zip(tmp_path: Path, dest: Path, fake: Callable[[str], None]) -> None:
    fake('[ "$1" = h ] || exec "$real" "$@"; echo broken >&2; exit 2')
    with pytest.raises(ArchiveFailed, match=r"7-Zip could not read .* \(exit status 2\): broken"):
        archive(tmp_path / "none", dest, check_mode=True)


def test_an_interrupted_module_leaves_nothing(source: Path, dest: Path, tmp_path: Path) -> None:
    (source / "big").write_bytes(os.urandom(60_000_000))
    log = tmp_path / "backup_script.log"
    options = {"source": str(source), "dest": str(dest), "level": "9", "password": PASSWORD, "run_log": str(log)}
    module = ModuleProcess("archive_7z", options)
    deadline = time.monotonic() + HANGS
    while not Path(f"{dest}.partial").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    arguments = "".join(_command_lines())
    module.process.send_signal(signal.SIGTERM)
    result = module.result()
    assert "interrupted by SIGTERM" in result["msg"]
    assert str(dest) in arguments
    assert PASSWORD not in arguments
    assert PASSWORD.strip() not in module.output
    assert not list(dest.parent.glob("*.zip*"))
    assert source.exists()
    assert "this step was interrupted" in log.read_text()


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def test_the_module_as_ansible_runs_it(source: Path, dest: Path, tmp_path: Path) -> None:
    log = tmp_path / "backup_script.log"
    options = {"source": str(source), "dest": str(dest), "run_log": str(log)}
    result = ModuleProcess("archive_7z", options).result()
    assert (result["changed"], result["status"], result["archive"]) == (True, 1, str(dest))
    assert "packing" in log.read_text()
    assert "packed into" in log.read_text()
    assert ModuleProcess("archive_7z", options).result()["changed"] is False


def test_a_manifest_is_signed_again_when_the_key_changes(source: Path, dest: Path) -> None:
    result = archive(source, dest, manifest_key="k" * 16)
    manifest = Path(result["manifest"])
    first = json.loads(manifest.read_text())
    check_signature(first, str(manifest), ["k" * 16])
    assert archive(source, dest, manifest_key="k" * 16)["changed"] is False
    assert archive(source, dest)["changed"] is True
    assert "hmac_sha256" not in json.loads(manifest.read_text())
    with pytest.raises(OptionError, match="can be guessed"):
        archive(source, dest, manifest_key="short")
