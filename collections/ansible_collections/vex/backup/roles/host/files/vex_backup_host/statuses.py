# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The exit statuses of ``vex-backup``, listed in docs/reference/vex-backup.md, and the errors that lead to them."""

from __future__ import annotations

DONE = 0
FAILED = 1
MISCONFIGURED = 2
# EX_TEMPFAIL of sysexits.h: try again later.
IN_PROGRESS = 75


class CommandError(Exception):
    """The end of the command with a failure; the message names a remedy."""

    status = FAILED


class Misconfigured(CommandError):
    """Wrong usage or configuration of the command."""

    status = MISCONFIGURED


class InProgress(CommandError):
    """A run in progress prevented the command, which did nothing."""

    status = IN_PROGRESS
