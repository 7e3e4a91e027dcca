# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pack a directory into one archive that has been read back and compared before it gets its name."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import Archive, with_archive
from ansible_collections.vex.backup.plugins.module_utils._archive.signature import check_key, signed
from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    commit,
    fsync_file,
    private_files,
    require_space,
    sha256_of,
    write_json_durably,
)
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveDiffers,
    ArchiveFailed,
    BackupError,
    OptionError,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import SevenZip

STORE = 0
DEFAULT_LEVEL = 5
COMPRESSED_SUFFIXES = (".zst", ".gz", ".xz", ".bz2", ".lz4", ".zip", ".7z")

# What each entry costs beyond its data, in bytes: two headers with a long name, salt and authentication code.
ENTRY_BYTES = 1024

# 7-Zip refuses more, with "E_INVALIDARG" as its only word about it.
ZIP_PASSWORD_LIMIT = 99


class Request(t.NamedTuple):
    """What to pack, and how.

    ``level`` is ``auto`` or a digit; ``manifest_key`` signs the manifest; ``timeout`` is in seconds, for all runs of
    7-Zip together.
    """

    source: str
    dest: str
    format: str = "zip"
    level: str = "auto"
    password: t.Optional[str] = None
    manifest_key: t.Optional[str] = None
    timeout: t.Optional[int] = None
    remove_source: bool = False
    check_mode: bool = False


class Tree(t.NamedTuple):
    """What a directory holds, itself included: ``size`` and ``compressed`` (in packed files) are bytes."""

    folders: int
    files: int
    size: int
    compressed: int


def pack(request: Request, log: RunLog) -> t.Dict[str, t.Any]:
    """Pack ``source`` into ``dest``, so that the archive holds ``basename(source)/...``.

    ``dest`` appears only after 7-Zip has read the whole archive back and found in it every path and every byte of
    the source. Beside it, when the source has a ``manifest.json``, ``{dest}.manifest.json`` says which archive it is.

    :returns: the module's result; times are UTC, sizes bytes
    :raises OptionError: an option that cannot work
    :raises ProgramMissing: no 7-Zip on this host
    :raises ArchiveDiffers: ``dest`` exists and does not hold ``source``
    :raises ArchiveFailed, NotEnoughSpace, CommandTimeout, Interrupted: nothing is left under either name
    """
    started = timestamp(utc_now())
    try:
        _check(request)
        result = _pack(request, log)
    except BackupError as error:
        error.details.update(status=3, pack_started=started, pack_finished=timestamp(utc_now()))
        raise
    return {**result, "status": 1, "pack_started": started, "pack_finished": timestamp(utc_now())}


def resolve_level(level: str, tree: Tree) -> int:
    """The level that ``auto`` means for *tree*: what is compressed already is stored, since twice gains nothing."""
    if level != "auto":
        return int(level)
    return STORE if 2 * tree.compressed > tree.size else DEFAULT_LEVEL


def survey(source: str) -> Tree:
    """Count what *source* holds.

    :raises ArchiveFailed: for anything but directories and regular files: what a link means changes with the host
        that unpacks it, and a pipe would be read forever
    """
    folders = files = size = compressed = 0
    pending = [source]
    while pending:
        folders += 1
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    pending.append(entry.path)
                    continue
                if not stat.S_ISREG(status.st_mode):
                    kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
                    raise ArchiveFailed(f"{entry.path} is {kind}: only files and directories are packed; remove it")
                files += 1
                size += status.st_size
                if entry.name.endswith(COMPRESSED_SUFFIXES):
                    compressed += status.st_size
    return Tree(folders, files, size, compressed)


def _check(request: Request) -> None:
    source, dest, password = request.source, request.dest, request.password
    if not dest.endswith(f".{request.format}"):
        raise OptionError(f"dest must end with .{request.format}, the format asked for, unlike {dest}")
    if os.path.lexists(dest) and not stat.S_ISREG(os.lstat(dest).st_mode):
        raise OptionError(f"dest is not a regular file: {dest}")
    if not os.path.isdir(os.path.dirname(dest)) and not request.check_mode:
        raise OptionError(f"the directory of dest does not exist: {os.path.dirname(dest)}")
    if os.path.lexists(source) and (os.path.islink(source) or not os.path.isdir(source)):
        raise OptionError(f"source is not a directory: {source}")
    if os.path.realpath(dest).startswith(os.path.realpath(source) + os.sep):
        raise OptionError(f"dest lies within source, it would be packed into itself: {dest}")
    check_key(request.manifest_key)
    if password is None:
        return
    if not password or any(ord(character) < 32 for character in password):
        raise OptionError("password must not be empty nor hold line breaks or other control characters")
    if request.format == "zip" and (not password.isascii() or len(password) > ZIP_PASSWORD_LIMIT):
        raise OptionError(
            f"the password of a zip may hold up to {ZIP_PASSWORD_LIMIT} ASCII characters only: "
            "choose another, or format 7z"
        )


def _pack(request: Request, log: RunLog) -> t.Dict[str, t.Any]:
    has_source = os.path.isdir(request.source)
    has_dest = os.path.exists(request.dest)
    if not has_source and not has_dest:
        if request.check_mode:
            # What makes the source changes nothing in check mode either, so its absence means nothing.
            return {"changed": True, "archive": request.dest}
        raise OptionError(f"source does not exist: {request.source}")
    program = SevenZip(request.format, request.password, request.timeout)
    if has_dest:
        archive, changed = _existing(request, program, has_source), False
    elif request.check_mode:
        return {"changed": True, "archive": request.dest}
    else:
        archive, changed = _new(request, program, log), True
    manifest, manifest_changed = _write_manifest(request, archive)
    removed = _remove_source(request, log)
    return {
        **archive._asdict(),
        "archive": request.dest,
        "manifest": manifest,
        "tool_version": program.version,
        "changed": changed or manifest_changed or removed,
    }


def _existing(request: Request, program: SevenZip, has_source: bool) -> Archive:
    remedy = "remove it, or give another dest"
    try:
        with program.reading(request.dest) as read:
            contents = read()
    except ArchiveFailed as error:
        raise ArchiveDiffers(f"{request.dest} exists, but {error}; {remedy}") from error
    if has_source:
        survey(request.source)
        with program.reading_directory(request.source) as read:
            there = read()
        if contents != there:
            raise ArchiveDiffers(f"{request.dest} exists and does not hold what is in {request.source}: {remedy}")
    encrypted, stored = program.describe(request.dest)
    if encrypted != (request.password is not None):
        state = "is encrypted" if encrypted else "is not encrypted"
        raise ArchiveDiffers(f"{request.dest} exists and {state}, unlike what is asked for: {remedy}")
    level = STORE if stored else int(request.level if request.level not in ("auto", "0") else DEFAULT_LEVEL)
    return _archive(request, request.dest, level)


def _new(request: Request, program: SevenZip, log: RunLog) -> Archive:
    source, dest = request.source, request.dest
    tree = survey(source)
    level = resolve_level(request.level, tree)
    if level == STORE:
        needed = tree.size + (tree.files + tree.folders) * ENTRY_BYTES
        require_space(os.path.dirname(dest), needed, "the archive")
    # The log may lie in the source, so from here until the archive has been compared, it is left alone.
    log.info(f"packing {source}: {tree.files} files, {tree.size} bytes, level {level}")
    partial = f"{dest}.partial"
    with private_files():
        try:
            # Of a run that was killed; 7-Zip would add to it.
            _unlink(partial)
            program.add(source, partial, level)
            os.chmod(partial, 0o600)
            # Read by three at a time: none of them needs all cores, nor the disk, which is made to keep it meanwhile.
            with program.reading(partial) as read_archive, program.reading_directory(source) as read_source:
                fsync_file(partial)
                archive = _archive(request, partial, level)
                packed, there = read_archive(), read_source()
            # The counts are our own, so a directory that 7-Zip overlooks twice is noticed all the same.
            if packed != there or packed[:3] != tree[:3]:
                raise ArchiveFailed(
                    f"the archive of {source} does not hold what is there ({packed} against {there}, {tree}): "
                    "does something still write into it?"
                )
            commit(partial, dest)
        except BaseException:
            _unlink(partial)
            raise
    log.info(f"packed into {dest}: {archive.size} bytes, sha256 {archive.sha256}")
    return archive


def _archive(request: Request, path: str, level: int) -> Archive:
    name = os.path.basename(request.dest)
    size = os.stat(path).st_size
    return Archive(name, size, sha256_of(path), request.format, request.password is not None, level)


def _write_manifest(request: Request, archive: Archive) -> t.Tuple[t.Optional[str], bool]:
    """Write the manifest beside the archive when the source has one: its path, if any, and whether it changed."""
    path = f"{request.dest}.manifest.json"
    written = _read_json(path)
    source = _read_json(os.path.join(request.source, "manifest.json"))
    if source is None or (written is not None and _is_of(written, archive, request)):
        return (path if written is not None else None), False
    if not request.check_mode:
        write_json_durably(path, signed(with_archive(source, archive), request.manifest_key))
    return path, True


def _is_of(written: t.Dict[str, t.Any], archive: Archive, request: Request) -> bool:
    """Whether a manifest that is there is *archive*'s and signed as is asked for."""
    described = written.get("archive", {})
    return bool(described.get("sha256") == archive.sha256) and written == signed(written, request.manifest_key)


def _read_json(path: str) -> t.Optional[t.Dict[str, t.Any]]:
    try:
        with open(path, encoding="utf-8") as stream:
            data = json.load(stream)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ArchiveFailed(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ArchiveFailed(f"{path} is not a JSON object")
    return data


def _remove_source(request: Request, log: RunLog) -> bool:
    """Remove the source, if that is asked for: whether there was something to remove."""
    # Renamed first: half a source must not be taken for one that differs from its archive.
    removing = f"{request.source}.removing"
    there = [path for path in (removing, request.source) if os.path.isdir(path)]
    if not request.remove_source or not there:
        return False
    if not request.check_mode:
        # Before, because the log may lie in the source and must not make it anew.
        log.info(f"removing {request.source}, which is packed")
        for path in there:
            if path != removing:
                os.rename(path, removing)
            # Not brought to the disk: what comes back with a crash is as whole or as half as it could be anyway, and to
            # wait until the disk has freed it can take a second.
            shutil.rmtree(removing)
    return True


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
