# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``vex-backup restore``: print the plan of a restore, and with ``--yes`` restore."""

from __future__ import annotations

import argparse
import getpass
import sys
import typing as t

from .answer import AT_ONCE, ask
from .list_backups import size
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
    sys.stdout.write(described(plan))
    if plan["existing"] and not asked.overwrite:
        raise CommandError(
            "the server already has what the plan lists as 'In the way': choose another name (--as), or use --overwrite"
        )
    if not asked.yes:
        sys.stdout.write(NEXT)
        return DONE
    sys.stdout.flush()
    with only_run(places):
        # The backup of the plan, even if a newer one exists by now.
        going_on = {
            **variables,
            "vex_backup_restore_at": "",
            "vex_backup_restore_name": plan["backup"],
            "vex_backup_restore_yes": True,
        }
        restored = ask(places, "restore", variables=going_on)
    if restored.failure:
        raise CommandError(f"the restore failed: {restored.failure}")
    loaded = restored.found["loaded"]
    for warning in loaded["restore_warnings"]:
        sys.stdout.write(f"warning: {warning}\n")
    if restored.found["unrecorded"]:
        sys.stdout.write(f"warning: not in the log database: {restored.found['unrecorded']}\n")
    sys.stdout.write(f"Restored {loaded['tables']} tables, {loaded['rows']} rows: as they were dumped.\n")
    return DONE


def described(plan: t.Mapping[str, t.Any]) -> str:
    """Return the text of a plan."""
    proven = f"proven on {plan['proven']} UTC" if plan["proven"] else "not proven"
    doubt = [("Note", f"the proof is not believed: {plan['proof_fault']}")] if plan["proof_fault"] else []
    encrypted = ", encrypted" if plan["encrypted"] else ""
    lines = [
        ("Backup", f"{plan['backup']} of {plan['server']}, taken {plan['taken']} UTC, {proven}"),
        *doubt,
        ("From", f"s3://{plan['from']}: {size(plan['archive_bytes'])}{encrypted}"),
        ("Holds", f"{size(plan['dump_bytes'])} of {plan['dumped_from']}, when unpacked"),
        ("Into", f"{plan['into']} ({plan['into_version']})"),
    ]
    if plan["cold"]:
        lines.append(("Note", f"it is in cold storage ({plan['cold']}): --thaw waits, for hours, until it can be read"))
    for one in plan["databases"]:
        name = one["name"] + (f".{plan['table']}" if plan["table"] else "")
        renamed = f" as {one['as']}" if one["as"] != one["name"] else ""
        counts = ", ".join(f"{one[kind]} {kind}" for kind in ("tables", "views", "programs") if one[kind])
        lines.append(("Restore", f"{name}{renamed}: {counts or 'empty'}"))
        lines += [("Note", text) for text in one["left_out"]]
    lines += _accounts(plan["accounts"])
    lines += [("Note", f"{name} is in the backup, and not restored") for name in plan["server_objects"]]
    verb = "Drop first" if plan["overwrite"] else "In the way"
    lines += [(verb, text) for text in plan["existing"]]
    return "".join(f"{heading + ':':12} {text}\n" for heading, text in lines)


def _accounts(accounts: t.Mapping[str, t.Any]) -> t.List[t.Tuple[str, str]]:
    """Return the lines of a plan about the accounts of the server."""
    if accounts["created"] or accounts["existing"]:
        created = f"{len(accounts['created'])} to create"
        return [("Accounts", created), *(("Unchanged", f"{name}, which exists") for name in accounts["existing"])]
    if accounts["held"]:
        return [("Note", f"{accounts['held']} accounts are in the backup, and restored only with --accounts")]
    return []


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
    return {f"vex_backup_restore_{name}": value for name, value in given.items() if value is not None}


def _password(user: str) -> str:
    """Read a password from the terminal, or else from the first line of standard input."""
    if sys.stdin.isatty():
        return getpass.getpass(f"Password of {user}: ")
    return sys.stdin.readline().rstrip("\n")
