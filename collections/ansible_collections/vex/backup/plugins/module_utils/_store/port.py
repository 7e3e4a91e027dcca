# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The port to a store: what an adapter does for the commands that read and write backups.

An adapter subclasses :class:`Store`. Its primitives are small, because the rest is shared: threads, deadline and
patience (work.py), whole lists (listing.py), reading ahead and reading again (read.py), the SHA-256 of the file, the
comparison and the order of archive and manifest (write.py, upload.py), and the upload in blocks (blocks.py).
"""

from __future__ import annotations

import abc
import dataclasses
import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
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
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.work import Work

Following = t.Optional[t.Mapping[str, t.Any]]


class Rights(t.NamedTuple):
    """The rights that each part of the work takes, by the store's own names, for the trial of a store."""

    list: str
    write: str
    read: str
    remove: str
    list_unfinished: str
    last_activity: str
    abort: str


class Store(Work, abc.ABC):
    """One place that holds objects by key: a bucket, a container, a directory.

    Use it in a ``with`` statement: at its end no request is running. Adapters extend :meth:`__exit__` to close their
    client.

    **A primitive makes one attempt.** All abstract methods except :meth:`put_file` and :meth:`url` are called from
    within one of the store's threads, by way of :meth:`Work.call` or :meth:`Work.start`, which repeat it while the
    patience lasts. So a primitive

    - has the library's own retries off, and calls neither :meth:`call`, :meth:`start` nor :meth:`wait`;
    - calls ``self.deadline.check()`` before each request, and has a read timeout of its own;
    - can be repeated after a failure that may pass, even if the server carried it out;
    - raises :class:`Refused` when the server answered with a refusal, and :class:`StoreFailed` when it could not be
      reached, or its answer was cut off; each with a message that says what failed, where and what to do, and with
      ``may_pass`` set when the same request may succeed later (busy, 5xx, no connection, a connection that broke);
    - puts no secret in a message.

    Lists and descriptions follow every write at once: a store that is not consistent in that way cannot be an adapter.
    """

    #: The store's type, as in ``destination.type``.
    type: t.ClassVar[str]
    #: The rights, for messages of a trial.
    rights: t.ClassVar[Rights]
    #: Whether unfinished uploads cost nothing and vanish by themselves, so that nobody lists and aborts them.
    forgets_unfinished: t.ClassVar[bool] = False
    #: The bucket, container or path, as the option gives it.
    place: str

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @abc.abstractmethod
    def url(self, key: str) -> str:
        """Return an object's address for people, such as ``s3://bucket/key``; of the place for an empty key."""

    @abc.abstractmethod
    def probe(self) -> None:
        """Check that the place exists and the credentials may list it.

        :raises Refused: with the reason ``PLACE`` when there is no such place; nothing creates one
        """

    # Reading

    @abc.abstractmethod
    def head(self, key: str, *, checksums: bool = False) -> t.Optional[Described]:
        """Return all that the store tells of one object, ``None`` when it does not exist.

        A place that does not exist is a refusal, not ``None``, where the server tells the two apart.

        :param checksums: fill ``written.checksums`` also where that takes a further right or request
        """

    @abc.abstractmethod
    def get(self, key: str, span: t.Optional[t.Tuple[int, int]] = None, etag: t.Optional[str] = None) -> Content:
        """Read a whole object that is small enough for memory, or a range of one.

        The body is read to its end. A body that is shorter than its announced length is a :class:`StoreFailed` that may
        pass; a range that reaches beyond the end of the object returns what there is, and may be refused when it
        begins there.

        :param span: offset of the first byte, and number of bytes, at least 1
        :param etag: read only from the object that has it
        :raises Refused: with the reason ``MISSING`` without such an object, ``CHANGED`` when it has another etag,
            ``COLD`` when it must be thawed first
        """

    @abc.abstractmethod
    def list_page(self, prefix: str, following: Following = None) -> Page[Listed]:
        """Return one page of the objects whose key starts with *prefix*, by key. Unfinished uploads are none.

        :param following: of the page before
        """

    @abc.abstractmethod
    def folders_page(self, prefix: str, following: Following = None) -> Page[str]:
        """Return one page of the beginnings of keys, up to the first slash after *prefix*, that end with that slash."""

    # Small objects

    @abc.abstractmethod
    def put_bytes(self, key: str, content: bytes, media_type: t.Optional[str] = None) -> None:
        """Write a small object, encrypted as the settings say, in place of another of that key if there is one.

        The server verifies a checksum of the bytes, or the adapter does afterwards. A reader sees the old or the new
        object, never a part of it.

        :param media_type: such as ``application/json``, for the stores that keep one
        """

    @abc.abstractmethod
    def delete(self, key: str, version: t.Optional[str] = None) -> Deleted:
        """Remove an object; one that does not exist is no error.

        :param version: remove this version for ever, instead of the object
        :raises Refused: when a lock protects it, or the credentials may not
        """

    # Uploads

    @abc.abstractmethod
    def put_file(self, upload: Upload, parts: t.Sequence[Part], log: RunLog) -> Written:
        """Create an object from a file. From the main thread: this primitive makes requests by :meth:`call`.

        - The parts are taken from ``digested(parts, upload)`` (write.py), which computes each one's SHA-256 and raises
          instead of yielding the last part of a file that has another SHA-256 than its manifest: so nothing can be
          completed before the whole file is known to be right. There is at least one part, which may be empty. A part
          is a body of known length (``len``), read by position, to be sought to 0 before each attempt. Its ``read``
          waits for the limit on what is sent; clear ``is_sent`` while a library reads it for another purpose.
        - The server verifies a checksum of every part or of the whole, or the adapter compares what the server returns
          with the bytes that were sent. What differs is an :class:`UploadFailed`.
        - The object appears whole and at once, only where no object has the key (``create`` in write.py makes the last
          request and handles the answers of a repetition). Where the server has no conditional writes, a
          :meth:`head` just before must be enough.
        - It has the upload's metadata and storage class, and is encrypted as the settings say.
        - After a failure or an interruption (``BaseException``) nothing is left in the place and no request is running;
          or the error says what is left, by ``extend``, and :meth:`unfinished_page` lists it where the store can.
          ``send_blocks`` (blocks.py) does all this for stores whose uploads are blocks and a commit.

        :returns: what the server told of the new object; or of this same object, made before
        :raises Refused: with the reason ``CHANGED`` when another object has the key that may not be read
        :raises ObjectDiffers: when another object has the key
        :raises UploadFailed: when file, manifest and the server's bytes are not the same
        """

    @abc.abstractmethod
    def matches(self, written: Written, parts: t.Sequence[Part], sha256: str) -> t.Optional[bool]:
        """Return whether an object is made of *parts*, ``None`` when its description does not show that.

        Not a request. ``None`` makes the caller read the whole object back.

        :param sha256: of the whole file, in hexadecimal
        """

    @abc.abstractmethod
    def begin(self, upload: Upload, log: RunLog) -> str:
        """Begin an upload in parts, and return its ``upload_id``; the word for it where a store has no ids."""

    @abc.abstractmethod
    def send(self, upload: Upload, upload_id: str, part: Part, log: RunLog) -> t.Any:
        """Send one part of an upload that has begun; with these, a trial leaves one unfinished and aborts it.

        :returns: what the adapter needs to complete the upload
        :raises UploadFailed: when the server's checksum differs
        """

    @abc.abstractmethod
    def unfinished_page(self, prefix: str, following: Following = None) -> Page[Unfinished]:
        """Return one page of the unfinished uploads of keys that start with *prefix*.

        :raises Refused: with the reason ``UNSUPPORTED`` where the store has no such list
        """

    @abc.abstractmethod
    def last_activity(self, upload: Unfinished) -> t.Optional[datetime.datetime]:
        """Return when an unfinished upload got its last part (UTC without a zone); ``None`` without any, or once ended.

        :raises Refused: with the reason ``UNSUPPORTED`` where the store does not tell
        """

    @abc.abstractmethod
    def abort(self, upload: Unfinished) -> None:
        """Remove the parts of an unfinished upload. One that has ended is no error, and its object stays."""

    # Cold storage

    def thaw(self, described: Described, days: int) -> None:
        """Ask for a copy that can be read, of an object whose ``cold_tier`` is set; only such an object is asked for.

        :param days: how long the copy stays, where the store makes one
        """
        raise Refused(
            f"{self.url(described.listed.key)} cannot be thawed for {days} days: a store of type {self.type} has no "
            "such request; use its own tools",
            Reason.UNSUPPORTED,
        )


class Settings(t.Protocol):
    """The options of one type of store: a frozen dataclass whose secrets have ``repr=False``."""

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> Settings:
        """Take the settings from a module's options, or the suboptions of ``destination``.

        :param options: a value for the name of each field, ``None`` for one that is not given
        :raises OptionError: for options that cannot work together
        """


class Adapter(t.NamedTuple):
    """The way to one type of store: ``ADAPTER`` of its file.

    :param store: makes the store of the settings, the place and the keywords of :class:`Work`
    :param place: the option that names the place, such as ``bucket``
    :param library: what pip is to install, ``None`` for none
    :param failure: the traceback of the failed import of the library, ``None`` when it is there
    """

    store: t.Callable[..., Store]
    settings: t.Type[Settings]
    place: str
    library: t.Optional[str]
    failure: t.Optional[str]

    @property
    def options(self) -> t.List[str]:
        """The names of the settings."""
        return [field.name for field in dataclasses.fields(t.cast("t.Any", self.settings))]
