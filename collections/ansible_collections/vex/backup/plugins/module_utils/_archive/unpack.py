# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unpack a backup: nothing outside its destination, and every file as its manifest says before it gets its name."""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import shutil
import stat
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import (
    Manifest,
    archive_of,
    inner_of,
    parse_manifest,
    summary_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.files import private_files, require_space, sha256_of
from ansible_collections.vex.backup.plugins.module_utils._common.lock import directory_lock
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog, timestamp, utc_now
from ansible_collections.vex.backup.plugins.module_utils._common.signals import Threads
from ansible_collections.vex.backup.plugins.module_utils._errors import (
    ArchiveDiffers,
    BackupError,
    ManifestUnusable,
    OptionError,
    PasswordRefused,
    UnpackFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import MANIFEST
from ansible_collections.vex.backup.plugins.module_utils._tools.sevenzip import Entry, SevenZip

# Beside the dump, which the manifest lists file by file.
LOGS = ("backup_script.log", "mydumper_log.log")
ANOTHER = "fetch the backup again, or restore another"


class Request(t.NamedTuple):
    """What to unpack, where to: ``dest`` is the directory in which the backup's own comes to be.

    ``timeout`` is in seconds, for all runs of 7-Zip together.
    """

    src: str
    dest: str
    password: t.Optional[str] = None
    timeout: t.Optional[int] = None
    check_mode: bool = False


def unpack(request: Request, log: RunLog) -> t.Dict[str, t.Any]:
    """Unpack ``src``, which has its manifest beside it, into ``{dest}/{name of the backup}``.

    :returns: the module's result; times are UTC, sizes bytes
    :raises OptionError: an option that cannot work
    :raises ProgramMissing: no 7-Zip on this host
    :raises ManifestUnusable: a manifest that is none
    :raises PasswordRefused: an encrypted archive without its password
    :raises NotEnoughSpace: before anything is unpacked
    :raises ArchiveDiffers: the backup's name is taken in ``dest``
    :raises AlreadyRunning: another is unpacked into ``dest``
    :raises UnpackFailed, ArchiveFailed, CommandTimeout, Interrupted: nothing is left of what was unpacked
    """
    started = timestamp(utc_now())
    try:
        result = _unpack(request, log)
    except BackupError as error:
        error.details.update(status=3, unpack_started=started, unpack_finished=timestamp(utc_now()))
        raise
    return {**result, "status": 1, "unpack_started": started, "unpack_finished": timestamp(utc_now())}


def refuse_escapes(entries: t.Sequence[Entry], name: str) -> None:
    """Make sure that all that is unpacked lies in the directory *name* and is a file or a directory.

    :raises UnpackFailed: naming the first that is not
    """
    for entry in entries:
        parts = entry.path.split("/")
        if entry.path.startswith("/") or ".." in parts or "\\" in entry.path or parts[0] != name:
            raise UnpackFailed(f"the archive holds {entry.path!r}, which is not within {name}: it is none of ours")
        if entry.kind not in "-d":
            raise UnpackFailed(f"the archive holds {entry.path!r}, which is no file but a link or a device")


def _unpack(request: Request, log: RunLog) -> t.Dict[str, t.Any]:
    if not os.path.isfile(request.src) and request.check_mode:
        # What fetches it changes nothing in check mode either, so its absence means nothing.
        return {"changed": True}
    manifest = _manifest_beside(request.src)
    path = os.path.join(request.dest, _name_of(manifest, request.src))
    result = {"path": path, "backup": summary_of(manifest)}
    if os.path.lexists(path):
        try:
            _compare(path, manifest)
        except UnpackFailed as error:
            raise ArchiveDiffers(f"{path} exists, but {error}: remove it, or choose another folder") from error
        return {**result, "changed": False}
    if not request.check_mode:
        _extract(request, manifest, path, log)
    return {**result, "changed": True}


def _manifest_beside(src: str) -> t.Dict[str, t.Any]:
    if not os.path.isfile(src):
        raise OptionError(f"src is not a file: {src}")
    try:
        with open(src + MANIFEST, "rb") as stream:
            manifest = parse_manifest(stream.read(), src + MANIFEST)
    except FileNotFoundError:
        raise ManifestUnusable(
            f"{src + MANIFEST} is not there: without its manifest an archive cannot be told to be whole; fetch both"
        ) from None
    archive, size = archive_of(manifest), os.path.getsize(src)
    if size != archive.size:
        raise UnpackFailed(f"{src} has {size} bytes, its manifest says {archive.size}: it was cut short; {ANOTHER}")
    return manifest


def _name_of(manifest: Manifest, src: str) -> str:
    name = os.path.basename(src).rpartition(".")[0]
    if manifest.get("name") != name:
        raise ManifestUnusable(f"{src + MANIFEST} is the manifest of {manifest.get('name')}, not of {name}")
    return name


def _extract(request: Request, manifest: Manifest, path: str, log: RunLog) -> None:
    archive = archive_of(manifest)
    if not os.path.isdir(request.dest):
        raise OptionError(f"dest is not a directory: {request.dest}")
    program = SevenZip(archive.format, request.password, request.timeout)
    partial = f"{path}.partial"
    name = os.path.basename(path)
    refusal = f"another backup is unpacked into {request.dest}: wait for its end, or give another directory"
    with directory_lock(request.dest, refusal), private_files(), _password_named(request, archive.encrypted):
        with contextlib.suppress(FileNotFoundError):
            # Of a run that was killed.
            shutil.rmtree(partial)
        try:
            entries = program.entries(request.src)
            refuse_escapes(entries, name)
            require_space(request.dest, sum(entry.size for entry in entries), name)
            log.info(f"unpacking {request.src}: {len(entries)} paths")
            program.extract(request.src, partial)
            _compare(os.path.join(partial, name), manifest)
            os.rename(os.path.join(partial, name), path)
        finally:
            # What stays is removed by the next attempt, and must not hide how this one ended.
            shutil.rmtree(partial, ignore_errors=True)
    log.info(f"unpacked {path}: every file is as its manifest says")


@contextlib.contextmanager
def _password_named(request: Request, encrypted: bool) -> t.Iterator[None]:
    try:
        yield
    except PasswordRefused as error:
        if request.password is None:
            raise PasswordRefused(f"{request.src} is encrypted: give the password it was packed with") from error
        hint = "" if encrypted else f" (its manifest says it is not encrypted: {ANOTHER})"
        raise PasswordRefused(
            f"{request.src} is encrypted with another password than the one given: give the one it was packed with"
            f"{hint}"
        ) from error


def _compare(root: str, manifest: Manifest) -> None:
    """Compare everything below *root* with *manifest*.

    :raises UnpackFailed: naming what differs
    """
    there = _walk(root)
    listed = {posixpath.normpath(file["path"]): file for file in manifest["files"]}
    known = {*listed, "manifest.json", *LOGS}
    for problem, names in (
        ("lacks", listed.keys() - there),
        ("holds what its manifest does not list:", there - known),
    ):
        if names:
            raise UnpackFailed(f"the backup {problem} {', '.join(sorted(names)[:5])}; {ANOTHER}")
    with Threads(max_workers=4) as pool:
        digests = pool.map(lambda name: sha256_of(os.path.join(root, name)), listed)
        differing = [name for name, digest in zip(listed, digests) if digest != listed[name]["sha256"]]
    if differing:
        raise UnpackFailed(
            f"{', '.join(differing[:5])} of the backup is not what its manifest says: it is damaged; {ANOTHER}"
        )
    inner = _inner(root)
    if inner != inner_of(manifest):
        raise UnpackFailed(
            f"the manifest in the archive and the one beside it do not agree: one is another's; {ANOTHER}"
        )


def _inner(root: str) -> t.Optional[t.Any]:
    with contextlib.suppress(FileNotFoundError, ValueError), open(os.path.join(root, "manifest.json"), "rb") as stream:
        return json.load(stream)
    return None


def _walk(root: str) -> t.Set[str]:
    """Every file below *root*, relative to it.

    :raises UnpackFailed: for anything that is neither file nor directory
    """
    found = set()
    for folder, directories, files in os.walk(root):
        for name in (*directories, *files):
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise UnpackFailed(f"{path} is no file but a link or a device")
        found |= {os.path.relpath(os.path.join(folder, name), root) for name in files}
    return found
