# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a restore as text, for the person who decides: the role and the command ``vex-backup`` print it."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.text import counted
from ansible_collections.vex.backup.plugins.plugin_utils.summary import size_of

Lines = t.List[t.Tuple[str, str]]


def described(plan: t.Mapping[str, t.Any]) -> str:
    """Return the text of a plan.

    :param plan: ``vex_backup_restore_plan`` of the role ``vex.backup.restore``
    """
    proven = f"proven on {plan['proven']} UTC" if plan["proven"] else "not proven"
    doubt = [("Note", f"the proof is not believed: {plan['proof_fault']}")] if plan["proof_fault"] else []
    encrypted = ", encrypted" if plan["encrypted"] else ""
    lines = [
        ("Backup", f"{plan['backup']} of {plan['server']}, taken {plan['taken']} UTC, {proven}"),
        *doubt,
        ("From", f"{plan['from']}: {size_of(int(plan['archive_bytes']))}{encrypted}"),
        ("Holds", f"{size_of(int(plan['dump_bytes']))} of {plan['dumped_from']}, when unpacked"),
        ("Into", f"{plan['into']} ({plan['into_version']})"),
    ]
    if plan["cold"]:
        thaw = "--thaw (vex_backup_restore_thaw) waits, for hours, until it can be read"
        lines.append(("Note", f"it is in cold storage ({plan['cold']}): {thaw}"))
    for one in plan["databases"]:
        lines += _database(one, plan["table"])
    lines += _accounts(plan["accounts"])
    lines += [("Note", f"{name} is in the backup, and not restored") for name in plan["server_objects"]]
    verb = "Drop first" if plan["overwrite"] else "In the way"
    lines += [(verb, text) for text in plan["existing"]]
    return "\n".join(f"{heading + ':':12} {text}" for heading, text in lines)


def _database(one: t.Mapping[str, t.Any], table: str) -> Lines:
    name = one["name"] + (f".{table}" if table else "")
    renamed = f" as {one['as']}" if one["as"] != one["name"] else ""
    nouns = {"tables": "table", "rows": "row", "views": "view", "programs": "program"}
    # A table without rows is worth a word.
    shown = [kind for kind in nouns if one[kind] or (kind == "rows" and one["tables"])]
    counts = ", ".join(counted(one[kind], nouns[kind]) for kind in shown)
    return [("Restore", f"{name}{renamed}: {counts or 'empty'}"), *(("Note", text) for text in one["left_out"])]


def _accounts(accounts: t.Mapping[str, t.Any]) -> Lines:
    """Return the lines about the accounts of the server."""
    if accounts["created"] or accounts["existing"]:
        created = f"{len(accounts['created'])} to create"
        return [("Accounts", created), *(("Unchanged", f"{name}, which exists") for name in accounts["existing"])]
    if accounts["held"]:
        verb = "is" if accounts["held"] == 1 else "are"
        text = f"{counted(accounts['held'], 'account')} {verb} in the backup, and restored only with --accounts"
        return [("Note", f"{text} (vex_backup_restore_accounts)")]
    return []
