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

# The files in the folder of a run's logs: the log of its stages, and the log of the dump's tools.
RUN_LOG_NAME = "backup_script.log"
DUMP_LOG_NAME = "mydumper_log.log"
# A run's name, made of its start (strftime).
RUN_NAME = "backup_%Y%m%d_%H%M%S"
# What comes after it in the name of the folder with the run's logs.
LOGS = ".logs"
_UNTIL_NEXT_TRY = 0.05


def utc_now() -> datetime.datetime:
    """The time now: UTC, without a zone, whole seconds, as the log tables hold it."""
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)


def claim_start(work_dir: str) -> datetime.datetime:
    """When a run starts that opens now (UTC): a second that no other run in *work_dir* has, nor the name made of it.

    The folder of its logs claims it, made before its stages put what they return there. A folder that cannot be made
    keeps nobody from starting: the dump needs it too, and says so in words that help.
    """
    while True:
        now = utc_now()
        try:
            os.makedirs(os.path.join(work_dir, now.strftime(RUN_NAME) + LOGS), mode=0o700)
        except FileExistsError:
            time.sleep(_UNTIL_NEXT_TRY)
        except OSError:
            return now
        else:
            return now


def timestamp(moment: datetime.datetime) -> str:
    """``YYYY-MM-DD HH:MM:SS``: how modules return times and log tables take them."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


class RunLog:
    """Appends lines ``YYYY-MM-DD HH:MM:SS [LEVEL] - message`` (UTC) to a file that only its owner reads.

    A log that cannot be written stops nothing: what is logged matters more than the log.

    :param path: the log file; its folder is made with mode 0700 when absent; ``None`` writes nothing
    """

    def __init__(self, path: t.Optional[str]) -> None:
        self._path = path
        #: Why the last line that could not be written was not; ``None`` when all were.
        self.trouble: t.Optional[str] = None

    @contextlib.contextmanager
    def held(self) -> t.Iterator[None]:
        """Show that somebody works on the run: a lock on the log's folder, which the kernel frees with the process."""
        with contextlib.ExitStack() as stack:
            if self._path is not None:
                folder = os.path.dirname(self._path)
                # A folder that cannot be had is trouble of the first line that is logged.
                with contextlib.suppress(OSError):
                    os.makedirs(folder, mode=0o700, exist_ok=True)
                    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                    stack.callback(os.close, descriptor)
                    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            yield

    def info(self, message: str) -> None:
        """Record a step."""
        self._write("INFO", message)

    def warning(self, message: str) -> None:
        """Record what a person should look at."""
        self._write("WARNING", message)

    def error(self, message: str) -> None:
        """Record a failure."""
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
            self.trouble = f"the run's log {self._path} could not be written: {error.strerror}"


def time_of(name: str) -> t.Optional[datetime.datetime]:
    """When the run of this *name* started, UTC; ``None`` for what is no run's name."""
    try:
        return datetime.datetime.strptime(name, RUN_NAME)
    except ValueError:
        return None
