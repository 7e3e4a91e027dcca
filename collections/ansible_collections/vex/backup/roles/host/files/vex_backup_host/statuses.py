# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The exit statuses of ``vex-backup``, listed in docs/reference/vex-backup.md, and the errors that stand for them."""

from __future__ import annotations

DONE = 0
FAILED = 1
MISCONFIGURED = 2
# EX_TEMPFAIL of sysexits.h: later it will do.
IN_PROGRESS = 75


class CommandError(Exception):
    """What ends the command; the message names a remedy."""

    status = FAILED


class Misconfigured(CommandError):
    """The command cannot do its work as it was called, or as the host is configured."""

    status = MISCONFIGURED


class InProgress(CommandError):
    """A run is in progress: nothing was done."""

    status = IN_PROGRESS
