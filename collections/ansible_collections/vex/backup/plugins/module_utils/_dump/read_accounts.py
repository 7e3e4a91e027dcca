# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The accounts, roles and grants of the dumped server."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql import accounts
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition


class Accounts(t.NamedTuple):
    """The definitions of the accounts of a server, in order, and what they do not hold, a sentence each."""

    definitions: t.Sequence[Definition] = ()
    warnings: t.Sequence[str] = ()

    @property
    def names(self) -> t.List[str]:
        """The names of the accounts and roles, as in SQL."""
        return sorted({definition.name for definition in self.definitions})


def read_accounts(login: Login) -> Accounts:
    """Read the accounts of a server.

    :raises DumpFailed: for an account that the server does not show
    :raises ServerUnavailable: when the server stops answering
    """
    with connect(login, raw=True) as connection:
        found = accounts.list_accounts(connection)
        definitions = accounts.read_accounts(connection, found)
        present = {one.name for one in accounts.list_accounts(connection)}
    shown = {definition.name for definition in definitions} | {accounts.PUBLIC}
    hidden = [one.name for one in found if one.name in present and one.name not in shown]
    # No statement of the server shows it.
    warnings = [
        *(
            f"the account {name} is not in the dump, because the server does not show it: with skip_name_resolve, it "
            "ignores accounts of hosts by name"
            for name in hidden
        ),
        *(
            f"the account {one.name} has a second password (RETAIN CURRENT PASSWORD), which is not in the dump"
            for one in found
            if one.has_second_login
        ),
    ]
    return Accounts(definitions, warnings)
