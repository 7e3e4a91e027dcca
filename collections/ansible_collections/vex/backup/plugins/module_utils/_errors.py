# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors of the collection, one class for each kind of failure."""

from __future__ import annotations

import typing as t


class BackupError(Exception):
    """A failure with a message for the user.

    :param message: the failure, its reason and the remedy
    :param details: more keys for the module's result (JSON types only)
    """

    #: The database server's number of the error that it is about, 0 for none.
    number: int = 0
    #: Whether the same attempt may succeed a little later: see _common/patience.py.
    may_pass = False

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.details = details

    def extend(self, text: str) -> None:
        """Add *text* to the end of the message."""
        self.args = (f"{self}; {text}",)


class OptionError(BackupError):
    """The value of an option is not usable."""


class ProgramMissing(BackupError):
    """A required program is not on this host, or its version is not supported."""


class CommandTimeout(BackupError):
    """A program ran longer than its time limit and was ended."""


class Interrupted(BackupError):
    """A signal interrupted this process (SIGTERM, SIGHUP or SIGINT)."""


class StageLost(BackupError):
    """A stage in the background ended without a result."""


class ServerUnavailable(BackupError):
    """The database server could not be reached, or refused the login."""


class SessionRefused(BackupError):
    """The server refuses a session variable that its sessions need."""


class WrongServer(BackupError):
    """A tool reached another server than the one that was checked."""


class ToolLoginFailed(BackupError):
    """A program that a run needs cannot log in to the server."""


class MissingGrants(BackupError):
    """The backup's account lacks privileges that the dump needs."""


class AccountRefused(BackupError):
    """The server refused to create, change or drop the backup's account."""


class NotEnoughSpace(BackupError):
    """The disk has too little room for the data."""


class AlreadyRunning(BackupError):
    """Another dump of the same instance, or restore of the same files, is in progress."""


class DumpFailed(BackupError):
    """The dump ended with status 3."""


class TablesUnreadable(BackupError):
    """Some tables cannot be read."""


class TableFailed(DumpFailed):
    """A table could not be dumped, for a reason that is its own.

    :param reason: a text without the names of *database* and *table*
    """

    def __init__(self, database: str, table: str, reason: str) -> None:
        super().__init__(f"{database}.{table}: {reason}")
        self.database = database
        self.table = table
        self.reason = reason


class PlanOutdated(BackupError):
    """Tables were created, changed or dropped since a dump was planned."""


class TablesInUse(DumpFailed):
    """Sessions of others keep tables locked, so that no snapshot can begin."""


class ArchiveFailed(BackupError):
    """7-Zip failed, or its archive did not pass its own test."""


class PasswordRefused(ArchiveFailed):
    """An archive is encrypted with another password, or no password was given for it."""


class UnpackFailed(BackupError):
    """An archive holds entries that must not be unpacked, or differs from its manifest."""


class ArchiveDiffers(BackupError):
    """An archive of this name exists with other content."""


class StoreFailed(BackupError):
    """The object store could not be reached, refused a request, failed, or took too long."""


class UploadFailed(StoreFailed):
    """The uploaded object differs from its source, or could not be verified."""


class DownloadFailed(StoreFailed):
    """The object in the store differs from its manifest."""


class TransferDamaged(StoreFailed):
    """An object's bytes were different each time that they were read from the store."""


class ObjectCold(StoreFailed):
    """An object is in cold storage, from which it cannot be read before it is thawed."""


class ManifestForged(BackupError):
    """A manifest has no valid signature of the manifest key."""


class ManifestUnusable(BackupError):
    """A manifest cannot be read, or lacks data that a restore needs."""


class TargetExists(BackupError):
    """A restore would overwrite data of the server."""


class TargetUnfit(BackupError):
    """A server lacks what the objects of a backup need, so that it cannot hold the backup."""


class RestoreFailed(BackupError):
    """A backup could not be loaded into the server."""


class RestoreDiffers(BackupError):
    """The restored data differs from the dumped data."""


class ScratchFailed(BackupError):
    """A scratch server could not be started."""


class NoSuchBackup(BackupError):
    """The object store holds no complete backup that matches the request."""


class ObjectDiffers(BackupError):
    """An object of this key exists with other content."""


class LogDatabaseUnavailable(BackupError):
    """The log database could not be reached, or refused a statement."""


class SchemaMismatch(LogDatabaseUnavailable):
    """The schema of the log database is older than this release needs."""


class MigrationError(BackupError):
    """A migration is missing, was edited after it was applied, or failed."""


class HookFailed(BackupError):
    """A hook could not be started, failed, or took too long."""


class MailUndelivered(BackupError):
    """The mail server could not be reached, or refused the message."""


class ChannelUndelivered(BackupError):
    """A notification or a ping did not reach its channel."""

    #: Whether the channel may have got it nevertheless, so that a repetition may deliver it twice.
    may_have_arrived = False


class LibraryMissing(BackupError):
    """A Python library that an option needs is not installed."""
