# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The choice of accounts to restore: those of the backup that the server does not have, and only when asked."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import MissingGrants, OptionError, RestoreFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql import definitions
from ansible_collections.vex.backup.plugins.module_utils._mysql.accounts import list_accounts
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.grants import ACCOUNTS_NEED, sees_accounts
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server, grants
from ansible_collections.vex.backup.plugins.module_utils._restore.backup import Backup
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.request import RestoreRequest
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import converted_errors, shortened
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

ACCOUNTS_FILE = "dump/accounts.sql"


class AccountPlan(t.NamedTuple):
    """The accounts of a backup, by name: ``held`` is their number, ``existing`` are on the server and stay as they are.

    ``created`` and ``existing`` are empty unless the restore was asked for accounts.
    """

    held: int
    created: t.Sequence[str]
    existing: t.Sequence[str]

    def __str__(self) -> str:
        if self.created or self.existing:
            return (
                f"accounts: {len(self.created)} to create ({', '.join(self.created) or 'none'}); on the server and not "
                f"changed: {', '.join(self.existing) or 'none'}"
            )
        return f"accounts: the backup holds {self.held}, which are restored only with the option accounts"


def plan_accounts(
    connection: Connection[Cursor], request: RestoreRequest, plan: RestorePlan, server: Server
) -> AccountPlan:
    """Choose the accounts to restore.

    :raises OptionError: when accounts are asked for and cannot be restored
    :raises MissingGrants: when the account that restores must not see those of the server
    :raises ServerUnavailable: when the server stops answering
    """
    if not request.accounts:
        return AccountPlan(len(plan.accounts), [], [])
    if request.database is not None:
        raise OptionError("accounts belong to the whole server: leave out database, or accounts")
    if not plan.accounts:
        raise OptionError(
            "the backup holds no accounts: leave out accounts, or choose a backup that was made with them"
        )
    if server.product != plan.source.product:
        raise OptionError(
            f"accounts of {plan.source.product} cannot be restored into {server.name}: leave out accounts"
        )
    if not sees_accounts(grants(connection, server)):
        raise MissingGrants(
            f"{server.account} must not see the server's accounts. Remedy: GRANT {ACCOUNTS_NEED} TO {server.account}",
            missing_grants=[ACCOUNTS_NEED],
        )
    with contextlib.closing(connect(request.login.only(server.instance), raw=True)) as raw_connection:
        present = {account.name for account in list_accounts(raw_connection)}
    return AccountPlan(
        len(plan.accounts),
        [name for name in plan.accounts if name not in present],
        [name for name in plan.accounts if name in present],
    )


def read_definitions(backup: Backup, chosen: AccountPlan) -> t.List[Definition]:
    """Return the definitions of the chosen accounts, in order.

    :raises RestoreFailed: when the backup's file lacks one
    """
    if not chosen.created:
        return []
    found = definitions.parse_blocks(backup.content(backup.require(ACCOUNTS_FILE)))
    wanted = set(chosen.created)
    missing = wanted - {one.name for one in found}
    if missing:
        raise RestoreFailed(
            f"{shortened(sorted(missing))} is missing from {ACCOUNTS_FILE} of the backup: unpack it again"
        )
    return [one for one in found if one.name in wanted]


def refuse_lost_limits(target: Target, accounts: t.Sequence[Definition]) -> None:
    """Refuse accounts whose privileges a server cannot limit to some databases: they would get more than they had.

    :raises RestoreFailed: naming them; nothing was changed
    """
    limited = [one.name for one in accounts if any(text.startswith(b"REVOKE ") for text in one.texts)]
    if not limited:
        return
    with contextlib.closing(target.connect()) as connection, converted_errors(), connection.cursor() as cursor:
        cursor.execute("SELECT @@partial_revokes")
        is_on = (cursor.fetchone() or (0,))[0]
    if not is_on:
        raise RestoreFailed(
            f"{shortened(limited)} would have privileges on databases where they are revoked, because the server has "
            "partial_revokes = OFF. Nothing was changed; SET PERSIST partial_revokes = ON there, or restore without "
            "accounts"
        )
