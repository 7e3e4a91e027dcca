# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The packing of a directory into an archive, which gets its name after its integrity test."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import stat
import tempfile
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import Archive, with_archive
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key, signed
from ansible_collections.vex.backup.plugins.module_utils._archive.source_survey import (
    DEFAULT_LEVEL,
    STORE,
    resolve_level,
    survey,
)
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import manifest_of
from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    commit,
    fsync_file,
    private_files,
    rename,
    require_space,
    sha256_of,
    write_json_durably,
)
from ansible_collections.vex.backup.plugins.module_utils._common.lock import reading
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveDiffers,
    ArchiveFailed,
    BackupError,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import SevenZip

# The size of an entry beyond its data, in bytes: two headers with a long name, a salt and an authentication code.
ENTRY_BYTES = 1024

# 7-Zip refuses longer ones, and reports only "E_INVALIDARG".
ZIP_PASSWORD_LIMIT = 99


@dataclasses.dataclass(frozen=True)
class PackRequest:
    """The options of ``archive_7z``.

    :param source: absolute path of the directory
    :param dest: absolute path of the archive
    :param format: ``zip`` or ``7z``
    :param level: ``auto``, or a digit
    :param manifest_key: signs the manifest
    :param timeout: seconds for all runs of 7-Zip together; 0 or ``None`` for no limit
    """

    source: str
    dest: str
    format: str
    level: str
    password: t.Optional[str] = dataclasses.field(repr=False)
    manifest_key: t.Optional[str] = dataclasses.field(repr=False)
    timeout: t.Optional[int]
    remove_source: bool
    check_mode: bool


@ending_children()
def pack(request: PackRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Pack ``source`` into ``dest``, so that the archive holds ``basename(source)/...``.

    ``dest`` appears only after an integrity test has found every path and every byte of the source in the archive. If
    the source has a ``manifest.json``, ``{dest}.manifest.json`` is that manifest with the archive added.

    :returns: the result of ``archive_7z``; times are UTC, sizes bytes
    :raises OptionError: for an option that cannot work
    :raises ProgramMissing: when 7-Zip is not on this host
    :raises AlreadyRunning: when ``source`` is being removed or restored
    :raises ArchiveDiffers: when ``dest`` exists and does not hold ``source``
    :raises ArchiveFailed, NotEnoughSpace, CommandTimeout, Interrupted: nothing is left of the archive
    """
    started = timestamp(utc_now())
    try:
        _check(request)
        result = _pack(request, log)
    except BackupError as error:
        error.details.update(status=3, pack_started=started, pack_finished=timestamp(utc_now()))
        raise
    return {**result, "status": 1, "pack_started": started, "pack_finished": timestamp(utc_now())}


def _check(request: PackRequest) -> None:
    source, dest = request.source, request.dest
    if not dest.endswith(f".{request.format}"):
        raise OptionError(f"dest must end with .{request.format}, the format asked for, unlike {dest}")
    if os.path.lexists(dest) and not stat.S_ISREG(os.lstat(dest).st_mode):
        raise OptionError(f"dest is not a regular file: {dest}")
    if not os.path.isdir(os.path.dirname(dest)) and not request.check_mode:
        raise OptionError(f"the directory of dest does not exist: {os.path.dirname(dest)}")
    if os.path.lexists(source) and (os.path.islink(source) or not os.path.isdir(source)):
        raise OptionError(f"source is not a directory: {source}")
    if os.path.realpath(dest).startswith(os.path.realpath(source) + os.sep):
        raise OptionError(f"dest lies within source, so the archive would be packed into itself: {dest}")
    check_key(request.manifest_key)
    if request.password is not None:
        _check_password(request.password, request.format)


def _check_password(password: str, archive_format: str) -> None:
    if not password or any(ord(character) < 32 for character in password):
        raise OptionError("password must not be empty, nor hold line breaks or other control characters")
    if archive_format == "zip" and (not password.isascii() or len(password) > ZIP_PASSWORD_LIMIT):
        raise OptionError(
            f"the password of a zip may hold up to {ZIP_PASSWORD_LIMIT} ASCII characters only: "
            "choose another, or format 7z"
        )


def _pack(request: PackRequest, log: RunLog) -> t.Dict[str, t.Any]:
    has_source = os.path.isdir(request.source)
    has_dest = os.path.exists(request.dest)
    if not has_source and not has_dest:
        if request.check_mode:
            # The dump was not made in check mode either.
            _try_packing(request)
            return {"changed": True, "archive": request.dest}
        raise OptionError(f"source does not exist: {request.source}")
    with reading(request.source) if has_source else contextlib.nullcontext():
        return _pack_source(request, log, has_source=has_source, has_dest=has_dest)


def _pack_source(request: PackRequest, log: RunLog, *, has_source: bool, has_dest: bool) -> t.Dict[str, t.Any]:
    program = SevenZip(request.format, request.password, Deadline(request.timeout, "7-Zip"))
    if has_dest:
        archive, changed = _check_existing(request, program, has_source), False
    elif request.check_mode:
        return {"changed": True, "archive": request.dest}
    else:
        archive, changed = _make(request, program, log), True
    manifest, manifest_changed = _write_manifest(request, archive)
    removed = _remove_source(request, log)
    return {
        **archive._asdict(),
        "archive": request.dest,
        "manifest": manifest,
        "tool_version": program.version,
        "changed": changed or manifest_changed or removed,
    }


def _try_packing(request: PackRequest) -> None:
    """Pack a small directory in the same way, and leave nothing behind.

    :raises BackupError: when that fails
    """
    with tempfile.TemporaryDirectory(prefix="vex-backup-") as private:
        source = os.path.join(private, "trial")
        os.mkdir(source)
        with open(os.path.join(source, "rows.sql"), "w", encoding="ascii") as stream:
            stream.write("SELECT 1;\n" * 1000)
        dest = f"{source}.{request.format}"
        _pack(dataclasses.replace(request, source=source, dest=dest, check_mode=False), RunLog(None))


def _check_existing(request: PackRequest, program: SevenZip, has_source: bool) -> Archive:
    """Compare an archive that exists with the source and with the options.

    :raises ArchiveDiffers: when it is not what this request would make
    """
    remedy = "remove it, or give another dest"
    try:
        with program.reading(request.dest) as read:
            packed = read()
    except ArchiveFailed as error:
        raise ArchiveDiffers(f"{request.dest} exists, but {error}; {remedy}") from error
    if has_source:
        survey(request.source)
        with program.reading_directory(request.source) as read:
            in_source = read()
        if packed != in_source:
            raise ArchiveDiffers(f"{request.dest} exists and differs from the content of {request.source}: {remedy}")
    encrypted, stored = program.describe(request.dest)
    if encrypted != (request.password is not None):
        state = "is encrypted, but no password" if encrypted else "is not encrypted, but a password"
        raise ArchiveDiffers(f"{request.dest} exists and {state} is given: {remedy}")
    level = STORE if stored else int(request.level if request.level not in ("auto", "0") else DEFAULT_LEVEL)
    return _describe(request, request.dest, level)


def _make(request: PackRequest, program: SevenZip, log: RunLog) -> Archive:
    source, dest = request.source, request.dest
    tree = survey(source)
    level = resolve_level(request.level, tree)
    if level == STORE:
        needed = tree.size + (tree.files + tree.folders) * ENTRY_BYTES
        require_space(os.path.dirname(dest), needed, "the archive")
    # The log may lie in the source: nothing is logged from here until archive and source are compared.
    log.info(f"packing {source}: {tree.files} files, {tree.size} bytes, level {level}")
    partial = f"{dest}.partial"
    with private_files():
        try:
            # A killed attempt may have left one, and 7-Zip would add to it.
            _unlink(partial)
            program.add(source, partial, level)
            os.chmod(partial, 0o600)
            # Three readings at a time: none of them uses all cores or the whole disk.
            with program.reading(partial) as read_archive, program.reading_directory(source) as read_source:
                fsync_file(partial)
                archive = _describe(request, partial, level)
                packed, in_source = read_archive(), read_source()
            # The tree was not counted by 7-Zip, so it also shows a file that 7-Zip overlooks both times.
            if packed != in_source or packed[:3] != tree[:3]:
                raise ArchiveFailed(
                    f"the archive differs from the content of {source} ({packed} against {in_source}, {tree}): "
                    "find the program that still writes into it, and pack again"
                )
            commit(partial, dest)
        except BaseException:
            _unlink(partial)
            raise
    log.info(f"packed into {dest}: {archive.size} bytes, sha256 {archive.sha256}")
    return archive


def _describe(request: PackRequest, path: str, level: int) -> Archive:
    name = os.path.basename(request.dest)
    size = os.stat(path).st_size
    return Archive(name, size, sha256_of(path), request.format, request.password is not None, level)


def _write_manifest(request: PackRequest, archive: Archive) -> t.Tuple[t.Optional[str], bool]:
    """Write the manifest beside the archive when the source has one.

    :returns: its path, if it exists, and whether it changed
    """
    path = manifest_of(request.dest)
    written = _read_json(path)
    source = _read_json(os.path.join(request.source, "manifest.json"))
    if source is None or (written is not None and _is_current(written, archive, request)):
        return (path if written is not None else None), False
    if not request.check_mode:
        write_json_durably(path, signed(with_archive(source, archive), request.manifest_key))
    return path, True


def _is_current(written: t.Dict[str, t.Any], archive: Archive, request: PackRequest) -> bool:
    """Return whether an existing manifest describes *archive* and has the signature asked for."""
    described = written.get("archive", {})
    return bool(described.get("sha256") == archive.sha256) and written == signed(written, request.manifest_key)


def _read_json(path: str) -> t.Optional[t.Dict[str, t.Any]]:
    try:
        with open(path, encoding="utf-8") as stream:
            data = json.load(stream)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ArchiveFailed(f"{path} is not JSON: {error}; make the dump again") from error
    if not isinstance(data, dict):
        raise ArchiveFailed(f"{path} is not a JSON object: make the dump again")
    return data


def _remove_source(request: PackRequest, log: RunLog) -> bool:
    """Remove the source if the options ask for it; return whether the source existed."""
    # It is renamed first, so that a half removed source is not mistaken for one that differs from its archive.
    removing = f"{request.source}.removing"
    existing = [path for path in (removing, request.source) if os.path.isdir(path)]
    if not request.remove_source or not existing:
        return False
    if not request.check_mode:
        # The log may lie in the source: a line written later would create the directory again.
        log.info(f"removing {request.source}, which is packed")
        for path in existing:
            if path != removing:
                rename(path, removing)
            # Without fsync: a source that reappears after a crash does no harm, and to wait until the disk has freed
            # its blocks can take a second.
            shutil.rmtree(removing)
    return True


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
