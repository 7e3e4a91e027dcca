# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The store that is a directory: another disk, or a share that is mounted.

An object is a file, whose key is its path below the directory. It keeps no metadata: the SHA-256 is that of the bytes
on the disk, read when it is asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import functools
import hashlib
import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.files import (
    commit,
    fsync_directory,
    fsync_file,
    read_blocks,
    rename,
)
from ansible_collections.vex.backup.plugins.module_utils._common.patience import Patience
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import UploadFailed
from ansible_collections.vex.backup.plugins.module_utils._store.blocks import send_blocks
from ansible_collections.vex.backup.plugins.module_utils._store.directory_paths import (
    Tree,
    make_folders,
    new_id,
    unfinished_path,
)
from ansible_collections.vex.backup.plugins.module_utils._store.multipart import Part
from ansible_collections.vex.backup.plugins.module_utils._store.objects import (
    Content,
    Deleted,
    Described,
    Listed,
    Page,
    Unfinished,
    Upload,
    Written,
)
from ansible_collections.vex.backup.plugins.module_utils._store.port import Adapter, Following, Rights, Store
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.write import create

# The answers of file systems without hard links.
NO_LINKS = frozenset((errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK))


@dataclasses.dataclass(frozen=True)
class DirectorySettings:
    """The options of a directory besides its path: none."""

    @classmethod
    def from_options(cls, _options: t.Mapping[str, t.Any]) -> DirectorySettings:
        """Take no option."""
        return cls()


class DirectoryStore(Store):
    """A directory.

    :param place: its absolute path
    :raises OptionError: for another path
    """

    type = "directory"
    rights = Rights(
        list="reading the directory",
        write="writing files",
        read="reading files",
        remove="removing files",
        list_unfinished="reading the directory",
        last_activity="reading the directory",
        abort="removing files",
    )

    def __init__(
        self,
        _settings: DirectorySettings,
        place: str,
        *,
        work: str,
        timeout: t.Optional[int],
        patience: Patience,
        parallel: int = 1,
    ) -> None:
        super().__init__(work=work, timeout=timeout, patience=patience, parallel=parallel)
        self._tree = Tree(place)
        self.place = place

    def url(self, key: str) -> str:
        """Return ``file://path/key``."""
        return self._tree.url(key)

    def probe(self) -> None:
        """Check that the directory exists and can be read."""
        with self._doing("", "reading"):
            self._tree.require()
            os.scandir(self._tree.root).close()

    def head(self, key: str, *, checksums: bool = False) -> t.Optional[Described]:
        """Describe a file; its SHA-256 is computed when checksums are asked for."""
        with self._doing(key, "reading"):
            path = self._tree.path(key)
            try:
                with open(path, "rb") as stream:
                    found = os.fstat(stream.fileno())
                    sha256 = self._sha256(stream) if checksums else None
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                self._tree.require()
                return None
        known = {} if sha256 is None else {"sha256": sha256}
        return Described(_listed(key, found), Written(_etag(found), known), known)

    def _sha256(self, stream: t.BinaryIO) -> str:
        digest = hashlib.sha256()
        for block in read_blocks(stream):
            self.deadline.check()
            digest.update(block)
        return digest.hexdigest()

    def get(self, key: str, span: t.Optional[t.Tuple[int, int]] = None, etag: t.Optional[str] = None) -> Content:
        """Read a file or a range of it."""
        with self._doing(key, "reading"), open(self._tree.path(key), "rb") as stream:
            if etag not in (None, _etag(os.fstat(stream.fileno()))):
                raise Refused(f"{self.url(key)} was replaced: repeat", Reason.CHANGED)
            start, size = span or (0, -1)
            stream.seek(start)
            return Content(stream.read(size), {})

    def list_page(self, prefix: str, _following: Following = None) -> Page[Listed]:
        """List all files at once."""
        with self._doing(prefix, "listing"):
            found = [_listed(one.key, one.stat) for one in self._tree.found(prefix)]
        return Page(sorted(found))

    def folders_page(self, prefix: str, _following: Following = None) -> Page[str]:
        """List the folders that hold files."""
        with self._doing(prefix, "listing"):
            rests = [one.key[len(prefix) :] for one in self._tree.found(prefix)]
        return Page(sorted({f"{prefix}{rest.partition('/')[0]}/" for rest in rests if "/" in rest}))

    def put_bytes(self, key: str, content: bytes, _media_type: t.Optional[str] = None) -> None:
        """Write a file, and let it take the place of the other."""
        with self._doing(key, "writing"):
            path = self._tree.path(key)
            partial = self._make(path, new_id())
            try:
                with open(partial, "wb") as stream:
                    stream.write(content)
                commit(partial, path)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(partial)
                raise

    def delete(self, key: str, _version: t.Optional[str] = None) -> Deleted:
        """Remove a file."""
        with self._doing(key, "removing"):
            path = self._tree.path(key)
            try:
                os.unlink(path)
            except FileNotFoundError:
                return Deleted()
            fsync_directory(os.path.dirname(path))
        return Deleted()

    def put_file(self, upload: Upload, parts: t.Sequence[Part], log: RunLog) -> Written:
        """Write the parts into a file beside the final one, which then gets the name."""

        def complete(upload_id: str, _sent: t.List[None]) -> Written:
            return create(self, upload, functools.partial(self._complete, upload, upload_id))

        return send_blocks(self, upload, parts, log, complete)

    def _complete(self, upload: Upload, upload_id: str) -> Written:
        with self._doing(upload.key, "writing"):
            path = self._tree.path(upload.key)
            partial = unfinished_path(path, upload_id)
            self._verify(partial, path, upload)
            found = os.stat(partial)
            try:
                _name(partial, path)
            except FileExistsError:
                # The other may be this same file, and then nobody aborts this upload.
                os.unlink(partial)
                raise Refused(f"{self.url(upload.key)} exists: correct key", Reason.CHANGED) from None
            fsync_directory(os.path.dirname(path))
        return Written(_etag(found))

    def _verify(self, partial: str, path: str, upload: Upload) -> None:
        """Bring a file to the disk, and compare what the disk has of it, before it gets its name.

        :raises UploadFailed: when the disk did not take it
        """
        try:
            fsync_file(partial)
        except FileNotFoundError:
            if not os.path.lexists(path):
                raise
            # An attempt named it, and failed afterwards.
            raise Refused(f"{self.url(upload.key)} exists: correct key", Reason.CHANGED) from None
        except OSError as error:
            # The system tells of it once. A second attempt would find nothing wrong, and the bytes are lost.
            raise UploadFailed(
                f"{self.url(upload.key)} could not be brought to the disk: {error.strerror}; check the disk, or the "
                "server that the directory is mounted from, and repeat"
            ) from error
        with open(partial, "rb") as stream:
            # Read from the disk, not from memory.
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            found = self._sha256(stream)
        if found != upload.sha256:
            raise UploadFailed(
                f"the copy of {upload.path} for {self.url(upload.key)} was read back with SHA-256 {found}, not "
                f"{upload.sha256}: check the disk, and repeat"
            )

    def matches(self, written: Written, _parts: t.Sequence[Part], sha256: str) -> t.Optional[bool]:
        """Compare the SHA-256 of the bytes that were read from the disk."""
        known = written.checksums.get("sha256")
        return None if known is None else known == sha256

    def begin(self, upload: Upload, _log: RunLog) -> str:
        """Make an empty file beside the final one."""
        with self._doing(upload.key, "writing"):
            upload_id = new_id()
            self._make(self._tree.path(upload.key), upload_id)
        return upload_id

    def _make(self, path: str, upload_id: str) -> str:
        make_folders(os.path.dirname(path), self._tree.root)
        partial = unfinished_path(path, upload_id)
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return partial

    def send(self, upload: Upload, upload_id: str, part: Part, _log: RunLog) -> None:
        """Write one part, at its place in the file."""
        digest = hashlib.sha256()
        with self._doing(upload.key, "writing"):
            partial = unfinished_path(self._tree.path(upload.key), upload_id)
            with open(partial, "r+b") as stream:
                stream.seek(part.start)
                part.seek(0)
                for block in read_blocks(part):
                    stream.write(block)
                    digest.update(block)
        if digest.digest() != part.sha256:
            raise UploadFailed(f"{upload.path} changed while it was copied: check the disk, and repeat")

    def unfinished_page(self, prefix: str, _following: Following = None) -> Page[Unfinished]:
        """List the files that are being written, or were left by a process that was killed."""
        with self._doing(prefix, "listing"):
            found = [
                Unfinished(one.key, one.name.split(".")[-2], _modified(one.stat))
                for one in self._tree.found(prefix, unfinished=True)
            ]
        return Page(sorted(found))

    def last_activity(self, upload: Unfinished) -> t.Optional[datetime.datetime]:
        """Return when the file was last written to."""
        with self._doing(upload.key, "reading"):
            try:
                found = os.stat(unfinished_path(self._tree.path(upload.key), upload.upload_id))
            except FileNotFoundError:
                return None
        return _modified(found)

    def abort(self, upload: Unfinished) -> None:
        """Remove a file that is being written."""
        with self._doing(upload.key, "removing"), contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished_path(self._tree.path(upload.key), upload.upload_id))

    @contextlib.contextmanager
    def _doing(self, key: str, doing: str) -> t.Iterator[None]:
        self.deadline.check()
        with self._tree.errors(key, doing):
            yield


def _name(partial: str, path: str) -> None:
    """Give a file its final name, unless another file has it.

    :raises FileExistsError: when one has
    """
    try:
        os.link(partial, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
    else:
        os.unlink(partial)
        return
    # Without hard links, the look a moment before must be enough.
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    rename(partial, path)


def _listed(key: str, found: os.stat_result) -> Listed:
    return Listed(key, found.st_size, _modified(found), _etag(found))


def _etag(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"


def _modified(found: os.stat_result) -> datetime.datetime:
    moment = datetime.datetime.fromtimestamp(int(found.st_mtime), datetime.timezone.utc)
    return moment.replace(tzinfo=None)


ADAPTER = Adapter(store=DirectoryStore, settings=DirectorySettings, place="path", library=None, failure=None)
