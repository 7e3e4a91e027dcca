# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The unpacking of a backup inside its destination only; it gets its name after a comparison with the manifest."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import posixpath
import shutil
import stat
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import (
    Manifest,
    archive_of,
    parse_manifest,
    summary_of,
    without_archive,
)
from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import manifest_of
from ansible_collections.vex.backup.plugins.module_utils._common.deadline import Deadline
from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    private_files,
    rename,
    require_space,
    sha256_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock, reading
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import (
    DUMP_LOG_NAME,
    RUN_LOG_NAME,
    RunLog,
    timestamp,
    utc_now,
)
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads, ending_children
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveDiffers,
    BackupError,
    ManifestUnusable,
    OptionError,
    PasswordRefused,
    UnpackFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import Entry, SevenZip

# The files that the manifest does not list.
UNLISTED = ("manifest.json", RUN_LOG_NAME, DUMP_LOG_NAME)
REMEDY = "download the backup again, or restore another"


@dataclasses.dataclass(frozen=True)
class UnpackRequest:
    """The options of ``unarchive_7z``.

    :param src: absolute path of the archive; its manifest lies beside it
    :param dest: absolute path of the directory in which the backup's own directory is made
    :param timeout: seconds for all runs of 7-Zip together; 0 or ``None`` for no limit
    """

    src: str
    dest: str
    password: t.Optional[str] = dataclasses.field(repr=False)
    timeout: t.Optional[int]
    check_mode: bool


@ending_children()
def unpack(request: UnpackRequest, log: RunLog) -> t.Dict[str, t.Any]:
    """Unpack ``src`` into ``{dest}/{name of the backup}``.

    :returns: the result of ``unarchive_7z``; times are UTC, sizes bytes
    :raises OptionError: for an option that cannot work
    :raises ProgramMissing: when 7-Zip is not on this host
    :raises ManifestUnusable: when the manifest is missing, is damaged or describes another archive
    :raises PasswordRefused: when the archive is encrypted with another password
    :raises NotEnoughSpace: before anything is unpacked
    :raises ArchiveDiffers: when something else has the backup's name in ``dest``
    :raises AlreadyRunning: when another backup is being unpacked into ``dest``, or the archive is being removed
    :raises UnpackFailed, ArchiveFailed, CommandTimeout, Interrupted: nothing is left of the unpacked files
    """
    started = timestamp(utc_now())
    try:
        result = _unpack(request, log)
    except BackupError as error:
        error.details.update(status=3, unpack_started=started, unpack_finished=timestamp(utc_now()))
        raise
    return {**result, "status": 1, "unpack_started": started, "unpack_finished": timestamp(utc_now())}


def refuse_escapes(entries: t.Sequence[Entry], name: str) -> None:
    """Verify that every entry is a file or a directory inside the directory *name*.

    :raises UnpackFailed: naming the first that is not
    """
    for entry in entries:
        parts = entry.path.split("/")
        if entry.path.startswith("/") or ".." in parts or "\\" in entry.path or parts[0] != name:
            raise UnpackFailed(
                f"the archive holds {entry.path!r}, which is not inside {name}: it was not made by this product; "
                "choose another backup"
            )
        if entry.kind not in "-d":
            raise UnpackFailed(
                f"the archive holds {entry.path!r}, which is not a file but a link or a device: choose another backup"
            )


def _unpack(request: UnpackRequest, log: RunLog) -> t.Dict[str, t.Any]:
    if not os.path.isfile(request.src) and request.check_mode:
        # The archive was not downloaded in check mode either.
        return {"changed": True}
    if not os.path.isfile(request.src):
        raise OptionError(f"src is not a file: {request.src}")
    with reading(request.src):
        return _unpack_archive(request, log)


def _unpack_archive(request: UnpackRequest, log: RunLog) -> t.Dict[str, t.Any]:
    manifest = _read_manifest(request.src)
    path = os.path.join(request.dest, _backup_name(manifest, request.src))
    result = {"path": path, "backup": summary_of(manifest)}
    if os.path.lexists(path):
        try:
            _compare(path, manifest)
        except UnpackFailed as error:
            raise ArchiveDiffers(f"{path} exists, but {error}: remove it, or choose another directory") from error
        return {**result, "changed": False}
    if not request.check_mode:
        _extract(request, manifest, path, log)
    return {**result, "changed": True}


def _read_manifest(src: str) -> t.Dict[str, t.Any]:
    path = manifest_of(src)
    try:
        with open(path, "rb") as stream:
            manifest = parse_manifest(stream.read(), path)
    except FileNotFoundError:
        raise ManifestUnusable(
            f"{path} does not exist, and without its manifest an archive cannot be verified: download both"
        ) from None
    archive, size = archive_of(manifest), os.path.getsize(src)
    if size != archive.size:
        raise UnpackFailed(f"{src} has {size} bytes, its manifest gives {archive.size}: it is truncated; {REMEDY}")
    return manifest


def _backup_name(manifest: Manifest, src: str) -> str:
    name = os.path.basename(src).rpartition(".")[0]
    if manifest.get("name") != name:
        raise ManifestUnusable(
            f"{manifest_of(src)} is the manifest of {manifest.get('name')}, not of {name}: download both again"
        )
    return name


def _extract(request: UnpackRequest, manifest: Manifest, path: str, log: RunLog) -> None:
    archive = archive_of(manifest)
    if not os.path.isdir(request.dest):
        raise OptionError(f"dest is not a directory: {request.dest}")
    program = SevenZip(archive.format, request.password, Deadline(request.timeout, "7-Zip"))
    partial = f"{path}.partial"
    name = os.path.basename(path)
    refusal = f"another backup is being unpacked into {request.dest}: wait for its end, or give another directory"
    with directory_lock(request.dest, refusal), private_files(), _explain_password(request, archive.encrypted):
        with contextlib.suppress(FileNotFoundError):
            # A killed attempt may have left it.
            shutil.rmtree(partial)
        try:
            entries = program.entries(request.src)
            refuse_escapes(entries, name)
            require_space(request.dest, sum(entry.size for entry in entries), name)
            log.info(f"unpacking {request.src}: {len(entries)} paths")
            program.extract(request.src, partial)
            _compare(os.path.join(partial, name), manifest)
            rename(os.path.join(partial, name), path)
        finally:
            # Without an error of its own, which would hide the first one: the next attempt removes what is left.
            shutil.rmtree(partial, ignore_errors=True)
    log.info(f"unpacked {path}: every file matches the manifest")


@contextlib.contextmanager
def _explain_password(request: UnpackRequest, encrypted: bool) -> t.Iterator[None]:
    """Replace 7-Zip's error about a password by an error with a remedy."""
    try:
        yield
    except PasswordRefused as error:
        if request.password is None:
            raise PasswordRefused(f"{request.src} is encrypted: give the password it was packed with") from error
        hint = "" if encrypted else f" (according to its manifest, it is not encrypted: {REMEDY})"
        raise PasswordRefused(
            f"{request.src} is encrypted with another password: give the one it was packed with{hint}"
        ) from error


def _compare(root: str, manifest: Manifest) -> None:
    """Compare all files below *root* with *manifest*.

    :raises UnpackFailed: naming what differs
    """
    found = _walk(root)
    listed = {posixpath.normpath(file["path"]): file for file in manifest["files"]}
    for problem, names in (
        ("lacks", listed.keys() - found),
        ("holds files that its manifest does not list:", found - {*listed, *UNLISTED}),
    ):
        if names:
            raise UnpackFailed(f"the backup {problem} {', '.join(sorted(names)[:5])}; {REMEDY}")
    with Threads(max_workers=4) as pool:
        digests = pool.map(lambda name: sha256_of(os.path.join(root, name)), listed)
        differing = [name for name, digest in zip(listed, digests) if digest != listed[name]["sha256"]]
    if differing:
        raise UnpackFailed(
            f"{', '.join(differing[:5])} of the backup differs from its manifest: the backup is damaged; {REMEDY}"
        )
    if _read_inner_manifest(root) != without_archive(manifest):
        raise UnpackFailed(f"the manifest inside the archive differs from the one beside it; {REMEDY}")


def _read_inner_manifest(root: str) -> t.Optional[t.Any]:
    with contextlib.suppress(FileNotFoundError, ValueError), open(os.path.join(root, "manifest.json"), "rb") as stream:
        return json.load(stream)
    return None


def _walk(root: str) -> t.Set[str]:
    """Return the path of every file below *root*, relative to it.

    :raises UnpackFailed: for anything but files and directories
    """
    found = set()
    for folder, directories, files in os.walk(root):
        for name in (*directories, *files):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise UnpackFailed(f"{path} is not a file but a link or a device: choose another backup")
        found |= {os.path.relpath(os.path.join(folder, name), root) for name in files}
    return found
