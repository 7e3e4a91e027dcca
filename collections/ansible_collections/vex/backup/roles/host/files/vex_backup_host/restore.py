# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup restore``: print the plan of a restore, and with ``--yes`` restore."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import sys
import typing as t

from .answer import AT_ONCE, ask
from .places import Places
from .run import only_run
from .statuses import DONE, CommandError

NEXT = "Nothing was done. To restore, run the command again with --yes.\n"


def restore(places: Places, asked: argparse.Namespace) -> int:
    """Print the plan, and restore when ``--yes`` is given.

    :param asked: the options of the command line
    :returns: the command's exit status
    :raises CommandError: when the restore cannot be planned or fails
    """
    variables = _variables(asked)
    planned = ask(places, "restore", variables={**variables, **AT_ONCE, "vex_backup_restore_yes": False})
    if planned.failure:
        raise CommandError(f"the restore cannot be planned: {planned.failure}")
    plan = planned.found["plan"]
    sys.stdout.write(f"{planned.found['text']}\n")
    if plan["existing"] and not asked.overwrite:
        raise CommandError(
            "the server already has what the plan lists as 'In the way': choose another name (--as), or use --overwrite"
        )
    if not asked.yes:
        sys.stdout.write(NEXT)
        return DONE
    sys.stdout.flush()
    # A thaw takes hours, in which runs go on.
    with contextlib.nullcontext() if asked.thaw else only_run(places):
        # The backup of the plan, even if a newer one exists by now.
        going_on = {
            **variables,
            "vex_backup_restore_at": "",
            "vex_backup_restore_name": plan["backup"],
            "vex_backup_from": plan["destination"],
            "vex_backup_restore_yes": True,
        }
        restored = ask(places, "restore", variables=going_on)
    if restored.failure:
        raise CommandError(f"the restore failed: {restored.failure}")
    for warning in restored.found["warnings"]:
        sys.stdout.write(f"warning: {warning}\n")
    sys.stdout.write(f"Restored {restored.found['loaded']}: as they were dumped.\n")
    return DONE


def _variables(asked: argparse.Namespace) -> t.Dict[str, t.Any]:
    given = {
        "server": asked.server,
        "name": asked.name,
        "at": asked.at,
        "database": asked.database,
        "as": asked.restore_as,
        "table": asked.table,
        "accounts": asked.accounts,
        "overwrite": asked.overwrite,
        "threads": asked.threads,
        "thaw": asked.thaw,
    }
    if asked.to is not None:
        host, port = asked.to
        given.update(login_host=host, login_port=port, login_unix_socket="")
    if asked.user is not None:
        given.update(login_user=asked.user, login_password=_password(asked.user))
    variables = {f"vex_backup_restore_{name}": value for name, value in given.items() if value is not None}
    return {**variables, **({"vex_backup_from": asked.destination} if asked.destination else {})}


def _password(user: str) -> str:
    """Read a password from the terminal, or else from the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {user}: ")
    return sys.stdin.readline().rstrip("\n")
