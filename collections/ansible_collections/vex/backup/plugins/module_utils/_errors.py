# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One tree of errors: every failure that the collection foresees has a name here."""

from __future__ import annotations

import typing as t


class BackupError(Exception):
    """A foreseen failure.

    :param message: what failed, where, and what to do; shown to the user as it is
    :param details: further keys for the module's result (JSON types only)
    """

    def __init__(self, message: str, **details: t.Any) -> None:
        super().__init__(message)
        self.details = details


class OptionError(BackupError):
    """An option has a value that cannot work."""


class ProgramMissing(BackupError):
    """A program that is needed is not on this host, or too old or too new."""


class CommandTimeout(BackupError):
    """A program ran longer than it may and was ended."""


class Interrupted(BackupError):
    """This process was told to end (SIGTERM, SIGHUP or SIGINT)."""


class StageLost(BackupError):
    """What ran in the background is gone and left no result."""


class ServerUnavailable(BackupError):
    """The database server to back up could not be reached or refused the login."""


class MissingGrants(BackupError):
    """The backup account lacks privileges that the dump needs."""


class AccountRefused(BackupError):
    """The server did not make, change or remove the backup account."""


class NotEnoughSpace(BackupError):
    """The disk cannot hold what is about to be written."""


class AlreadyRunning(BackupError):
    """Another one is in progress: a dump of the same instance, a restore of the same files."""


class DumpFailed(BackupError):
    """The dump ended with status 3."""


class ArchiveFailed(BackupError):
    """7-Zip failed, or what it wrote did not pass its own test."""


class PasswordRefused(ArchiveFailed):
    """An archive is encrypted with another password, or with one where none was given."""


class UnpackFailed(BackupError):
    """An archive holds what must not be unpacked, or not what its manifest says."""


class ArchiveDiffers(BackupError):
    """An archive of that name exists and holds something else."""


class StoreFailed(BackupError):
    """The object store could not be reached, refused, failed, or took too long."""


class UploadFailed(StoreFailed):
    """What was uploaded is not what was to be, or could not be verified."""


class DownloadFailed(StoreFailed):
    """What the object store holds is not what its manifest says."""


class ManifestForged(BackupError):
    """A manifest does not bear the signature of the manifest key."""


class ManifestUnusable(BackupError):
    """A manifest cannot be read, or lacks what a restore needs."""


class TargetExists(BackupError):
    """A restore would write over what the server holds."""


class RestoreFailed(BackupError):
    """A backup could not be loaded into the server."""


class RestoreDiffers(BackupError):
    """What was restored is not what was dumped."""


class ScratchFailed(BackupError):
    """A server to try a restore on could not be had."""


class NoSuchBackup(BackupError):
    """The object store holds no backup that is whole and answers to what was asked for."""


class ObjectDiffers(BackupError):
    """An object of that key exists and holds something else."""


class LogDatabaseUnavailable(BackupError):
    """The log database could not be reached or refused a statement."""


class SchemaMismatch(LogDatabaseUnavailable):
    """The log database's schema is older than the one that this release needs."""


class MigrationError(BackupError):
    """A migration is missing, edited after it was applied, or failed."""


class MailUndelivered(BackupError):
    """The mail server could not be reached or refused the message."""
