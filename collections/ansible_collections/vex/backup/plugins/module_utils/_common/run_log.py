# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of a run, ``backup_script.log``, and the names and times of runs."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import time
import typing as t

# The files in the directory of a run's logs: the log of its stages, and the log of the dump's tools.
RUN_LOG_NAME = "backup_script.log"
DUMP_LOG_NAME = "mydumper_log.log"
# A run's name, from its start (strftime).
RUN_NAME = "backup_%Y%m%d_%H%M%S"
# The directory of the run's logs has the run's name with this suffix.
LOGS = ".logs"
_RETRY_SECONDS = 0.05


def utc_now() -> datetime.datetime:
    """Return the present time in UTC, without a zone, in whole seconds, as the log tables hold it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)


def claim_start(work_dir: str) -> datetime.datetime:
    """Choose the start of a new run (UTC): a second, and so a name, that no other run in *work_dir* has.

    Creating the directory of the run's logs claims the second. If that fails, the run starts nevertheless: its dump
    needs the directory too, and reports the failure with a remedy.
    """
    while True:
        now = utc_now()
        try:
            os.makedirs(os.path.join(work_dir, now.strftime(RUN_NAME) + LOGS), mode=0o700)
        except FileExistsError:
            time.sleep(_RETRY_SECONDS)
        except OSError:
            return now
        else:
            return now


def timestamp(moment: datetime.datetime) -> str:
    """Format a time as ``YYYY-MM-DD HH:MM:SS``, the form of module results and log tables."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


class RunLog:
    """A log file that only its owner can read, with lines ``YYYY-MM-DD HH:MM:SS [LEVEL] - message`` (UTC).

    A failure to write the log does not stop the run.

    :param path: the log file; its directory is created with mode 0700 when absent; ``None`` writes nothing
    """

    def __init__(self, path: t.Optional[str]) -> None:
        self._path = path
        #: A message about the last line that could not be written; ``None`` if there is none.
        self.write_error: t.Optional[str] = None

    @contextlib.contextmanager
    def mark_alive(self) -> t.Iterator[None]:
        """Lock the log's directory during the block, which shows other processes that the run is alive."""
        with contextlib.ExitStack() as stack:
            if self._path is not None:
                folder = os.path.dirname(self._path)
                # If the directory cannot be created, the first line of the log reports that.
                with contextlib.suppress(OSError):
                    os.makedirs(folder, mode=0o700, exist_ok=True)
                    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                    stack.callback(os.close, descriptor)
                    # Others have the lock alone only for as long as they look whether it is taken, or remove the run.
                    fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield

    def info(self, message: str) -> None:
        """Log a step."""
        self._write("INFO", message)

    def warning(self, message: str) -> None:
        """Log a fact that a person should check."""
        self._write("WARNING", message)

    def error(self, message: str) -> None:
        """Log a failure."""
        self._write("ERROR", message)

    def _write(self, level: str, message: str) -> None:
        if self._path is None:
            return
        one_line = " ".join(message.split())
        line = f"{timestamp(utc_now())} [{level}] - {one_line}\n"
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode("utf-8", "surrogateescape"))
            finally:
                os.close(descriptor)
        except OSError as error:
            self.write_error = f"the run log {self._path} could not be written: {error.strerror}"


def time_of(name: str) -> t.Optional[datetime.datetime]:
    """Return the start (UTC) of the run with this *name*; ``None`` if it is not a run's name."""
    try:
        return datetime.datetime.strptime(name, RUN_NAME)
    except ValueError:
        return None
