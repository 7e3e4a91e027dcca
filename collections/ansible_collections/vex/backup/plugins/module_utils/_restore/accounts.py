# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The accounts of a backup that the server does not have: created, granted to, and compared.

An account that the server has is never changed. What the server refuses is a warning, and the rest goes on. No message
has a statement that creates an account: it holds the hash of a password.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import BackupError, DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.accounts import (
    GRANTS,
    PUBLIC,
    ROLE,
    list_accounts,
    read_accounts,
    single_grants,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import connect
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import Definition
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import unquoted
from ansible_collections.vex.backup.plugins.module_utils._restore.account_plan import (
    AccountPlan,
    read_definitions,
    refuse_lost_limits,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.backup import Backup
from ansible_collections.vex.backup.plugins.module_utils._restore.sql_text import (
    converted_errors,
    is_refusal,
    shortened,
)
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Target

# connection.py keeps the reason of a failed import; every module that uses this file reports it first.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

_DROP_SECONDS = 60
# MariaDB lets only the administrators of a role grant it.
_OTHER_ADMINISTRATORS = """
SELECT 1 FROM mysql.roles_mapping WHERE Role = %s AND Admin_option = 'Y' AND CONCAT(User, '@', Host) <> CURRENT_USER()
"""


class Grant(t.NamedTuple):
    """A statement that grants something to an account; ``refusal`` is the server's reason against it."""

    account: str
    statement: bytes
    refusal: str = ""

    def __str__(self) -> str:
        return f"{self.account}: the server refused {self.statement.decode('utf-8', 'replace')}: {self.refusal}"


@contextlib.contextmanager
def restored_accounts(target: Target, backup: Backup, chosen: AccountPlan) -> t.Iterator[AccountRestore]:
    """Create accounts, without grants, for the ``with`` block, and drop them when it fails.

    Without their grants, they would count as existing in the next restore.

    :raises RestoreFailed: when the backup lacks one, or the server cannot limit its privileges; nothing was changed
    """
    wanted = read_definitions(backup, chosen)
    refuse_lost_limits(target, wanted)
    accounts = AccountRestore(target, wanted)
    try:
        accounts.create()
        yield accounts
    except BaseException:
        accounts.drop()
        raise


class AccountRestore:
    """The restore of accounts.

    :param wanted: their definitions, in order; none when no account is restored
    """

    def __init__(self, target: Target, wanted: t.Sequence[Definition]) -> None:
        self._target = target
        self._wanted = wanted
        self._created: t.List[Definition] = []
        # Those that are left to execute.
        self._grants: t.List[Grant] = []
        self._warnings: t.List[str] = []

    def create(self) -> None:
        """Create the accounts."""
        if not self._wanted:
            return
        with contextlib.closing(self._target.connect_to_load()) as connection:
            for one in self._wanted:
                if one.kind != GRANTS:
                    refusal = _refusal(connection, one.texts[0])
                    if refusal:
                        # The server may quote the statement.
                        reason = refusal.partition(" near ")[0]
                        self._warnings.append(f"the {one.label} was not created: {reason}")
                    else:
                        self._created.append(one)
        self._grants = [grant for grant in self._all_grants if grant.account != PUBLIC]

    def grant(self) -> bool:
        """Execute the grants that are left; return whether the server took any of them.

        It refuses a grant as long as its table, view or routine does not exist.
        """
        if not self._grants:
            return False
        waiting, self._grants = self._grants, []
        number = 0
        with contextlib.closing(self._target.connect_to_load()) as connection:
            for grant in waiting:
                self._target.deadline.check()
                number += len(single_grants(grant.statement))
                self._grants += _refused(connection, grant)
        return len(self._grants) < number

    def finish(self) -> t.List[str]:
        """Execute the grants that are left, and compare; return a sentence for each refusal and each difference."""
        if not self._wanted:
            return []
        # Those to all come last: a restore that fails cannot take them back.
        self._grants += [grant for grant in self._all_grants if grant.account == PUBLIC]
        self.grant()
        self._leave_roles()
        return [*self._warnings, *map(str, self._grants), *self._differences()]

    def drop(self) -> None:
        """Drop the created accounts, or log their names."""
        if not self._created:
            return
        left = [one.name for one in self._created]
        # With a limit of its own: the restore's may have passed.
        login = self._target.request.login
        with contextlib.suppress(BackupError), connect(login, statement_timeout=_DROP_SECONDS) as connection:
            _refusal(connection, self._target.session.encode())
            left = [one.name for one in self._created if _refusal(connection, _drop(one))]
        if left:
            self._target.log.warning(f"drop {', '.join(left)} before the next restore: their grants are not complete")

    @property
    def _granted(self) -> t.List[Definition]:
        names = {PUBLIC, *(one.name for one in self._created)}
        return [one for one in self._wanted if one.kind == GRANTS and one.name in names]

    @property
    def _all_grants(self) -> t.List[Grant]:
        return [Grant(one.name, text) for one in self._granted for text in one.texts]

    def _leave_roles(self) -> None:
        """Take the created roles from the account that restores, unless no other account administers them."""
        roles = [one for one in self._created if one.kind == ROLE]
        if not roles:
            return
        account = self._target.server.account
        with contextlib.closing(self._target.connect_to_load()) as connection:
            for role in roles:
                with converted_errors(), connection.cursor() as cursor:
                    cursor.execute(_OTHER_ADMINISTRATORS, (unquoted(role.name),))
                    others = cursor.fetchall()
                if others:
                    refusal = _refusal(connection, f"REVOKE {role.name} FROM CURRENT_USER".encode())
                    self._warnings += [f"{account} keeps the {role.label}: {refusal}"] if refusal else []
                else:
                    self._target.log.info(
                        f"{account} administers the {role.label}, because no other created account does"
                    )

    def _differences(self) -> t.Iterator[str]:
        names = {one.name for one in (*self._created, *self._granted)}
        try:
            with contextlib.closing(self._target.connect(raw=True)) as connection:
                present = [account for account in list_accounts(connection) if account.name in names]
                found = read_accounts(connection, present)
        except DumpFailed as error:
            yield f"the created accounts were not compared: {error}"
            return
        texts = {one.name: list(one.texts) for one in found if one.kind != GRANTS}
        for one in self._created:
            if texts.get(one.name) != list(one.texts):
                yield f"the {one.label} is not as in the backup: compare SHOW CREATE USER with accounts.sql"
        wanted = _single(self._granted) - {(grant.account, grant.statement) for grant in self._grants}
        shown = _single(found)
        for name in sorted(names):
            for verb, grants in (("lacks", wanted - shown), ("has", shown - wanted)):
                statements = sorted(text.decode("utf-8", "replace") for account, text in grants if account == name)
                if statements:
                    yield f"{name} {verb}, other than in the backup: {shortened(statements)}"


def _single(definitions: t.Iterable[Definition]) -> t.Set[t.Tuple[str, bytes]]:
    """Return the accounts and single grants in definitions."""
    grants = [one for one in definitions if one.kind == GRANTS]
    return {(one.name, single) for one in grants for text in one.texts for single in single_grants(text)}


def _drop(one: Definition) -> bytes:
    return f"DROP {'ROLE' if one.kind == ROLE else 'USER'} {one.name}".encode()


def _refused(connection: Connection[Cursor], grant: Grant) -> t.Iterator[Grant]:
    """Execute a grant, if need be privilege by privilege; yield what the server refused."""
    refusal = _refusal(connection, grant.statement)
    parts = single_grants(grant.statement)
    if refusal and len(parts) == 1:
        yield grant._replace(refusal=refusal)
    elif refusal:
        for part in parts:
            yield from _refused(connection, Grant(grant.account, part))


def _refusal(connection: Connection[Cursor], text: bytes) -> str:
    """Execute a statement; return why the server refused it, empty when it did not.

    :raises ServerUnavailable: when the server stops answering
    """
    with converted_errors():
        try:
            connection.query(t.cast("str", text))
        except pymysql.err.MySQLError as error:
            if not is_refusal(error):
                raise
            return str(error.args[1])
    return ""
