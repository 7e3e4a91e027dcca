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


class ServerUnavailable(BackupError):
    """The database server to back up could not be reached or refused the login."""


class MissingGrants(BackupError):
    """The backup account lacks privileges that the dump needs."""


class AccountRefused(BackupError):
    """The server did not make, change or remove the backup account."""


class NotEnoughSpace(BackupError):
    """The disk cannot hold what is about to be written."""


class AlreadyRunning(BackupError):
    """Another dump of the same instance is in progress."""


class DumpFailed(BackupError):
    """The dump ended with status 3."""


class ArchiveFailed(BackupError):
    """7-Zip failed, or what it wrote did not pass its own test."""


class ArchiveDiffers(BackupError):
    """An archive of that name exists and holds something else."""


class UploadFailed(BackupError):
    """The object store refused, failed, or answered with another size or checksum."""


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
