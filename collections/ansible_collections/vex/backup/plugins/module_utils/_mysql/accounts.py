# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts, roles and grants of a server, as the server itself states them.

The statements that create an account have its login and its limits; the grants have neither, so that executing them
cannot change the password of an account that exists.
"""

from __future__ import annotations

import contextlib
import json
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import (
    Definition,
    server_errors_but_refusals,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.identifier import QUOTED, quote_identifier
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import server_errors

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

# The kinds of definitions, in the order in which they can be executed. On MySQL, a role is an account.
ROLE = "ROLE"
ACCOUNT = "ACCOUNT"
GRANTS = "GRANTS"
KINDS = (ROLE, ACCOUNT, GRANTS)
# What MariaDB calls all accounts together. It has grants, and is not created.
PUBLIC = "PUBLIC"

# Each product skips the comment of the other.
_LIST = """
SELECT User, Host, x509_subject, x509_issuer, ssl_cipher /*M!100005 , is_role */ /*!80021 , User_attributes */
  FROM mysql.user ORDER BY User, Host
"""
# Accounts that each server makes for itself.
_OWN = ("mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema")
# No such account, or no such role.
_DROPPED = (1133, 1141, 1396)
_NO_EFFECT = re.compile(rb"GRANT USAGE ON \*\.\* TO \S+")
# In a text whose quoted parts are masked.
_GRANT = re.compile(rb"(?:GRANT|REVOKE) (?P<what>.*?)(?: ON .*?)?(?: TO | FROM )(?P<grantee>\S+)(?P<rest>.*)")
_OPTIONS = (b" WITH GRANT OPTION", b" WITH ADMIN OPTION")
_DEFAULT_ROLES = re.compile(rb" DEFAULT ROLE (\S+)(?= REQUIRE )")
_COLUMNS = re.compile(rb"\([^()]*\)")


class Account(t.NamedTuple):
    """An account or a role of a server.

    ``name`` is quoted as in SQL: ```app`@`10.0.%```. ``certificate`` are what the server demands of its certificate, by
    the word of the statement. ``has_second_login`` is set when the account can log in by its former password too.
    """

    kind: str
    name: str
    certificate: t.Mapping[bytes, bytes]
    has_second_login: bool


def list_accounts(connection: Connection[Cursor]) -> t.List[Account]:
    """Return the accounts and roles of a server, without those that it made for itself.

    :param connection: opened with ``raw``, so that texts are the server's bytes
    :raises ServerUnavailable: when the server does not answer, or refuses
    """
    with server_errors(), connection.cursor() as cursor:
        cursor.execute(_LIST)
        columns = [column[0].lower() for column in cursor.description]
        found = [dict(zip(columns, row)) for row in cursor.fetchall()]
    return [_account(one) for one in found if one["user"].decode() not in _OWN]


def read_accounts(connection: Connection[Cursor], accounts: t.Iterable[Account]) -> t.List[Definition]:
    """Return the definitions of accounts: first those that create them, then their grants.

    :param connection: as for :func:`list_accounts`
    :raises DumpFailed: for an account that the server does not show
    """
    found = [definition for account in accounts for definition in _read(connection, account)]
    return sorted(found, key=lambda one: KINDS.index(one.kind))


def single_grants(statement: bytes) -> t.List[bytes]:
    """Return a grant or a revocation as one statement for each privilege or role in it."""
    found = _GRANT.fullmatch(_masked(statement))
    if not found:
        return [statement]
    start, end = found.span("what")
    return [statement[:start] + part + statement[end:] for part in _parts(statement[start:end])]


def _account(found: t.Mapping[str, t.Any]) -> Account:
    user, host = found["user"].decode(), found["host"].decode()
    is_role = found.get("is_role") == b"Y"
    name = quote_identifier(user) if is_role else f"{quote_identifier(user)}@{quote_identifier(host)}"
    columns = ((b"SUBJECT", "x509_subject"), (b"ISSUER", "x509_issuer"), (b"CIPHER", "ssl_cipher"))
    attributes = json.loads(found.get("user_attributes") or "{}")
    return Account(
        ROLE if is_role else ACCOUNT,
        PUBLIC if is_role and user == PUBLIC else name,
        {word: found[column] for word, column in columns},
        "additional_password" in attributes,
    )


def _read(connection: Connection[Cursor], account: Account) -> t.List[Definition]:
    """Return the definition that creates an account and its grants, nothing when it was dropped meanwhile."""
    try:
        with server_errors_but_refusals(), connection.cursor() as cursor:
            created, roles, grants = _creation(cursor, account)
            cursor.execute(f"SHOW GRANTS FOR {account.name}")
            grants += _grants(account.name.encode(), [row[0] for row in cursor.fetchall()])
    except pymysql.err.MySQLError as error:
        if error.args[0] in _DROPPED:
            return []
        raise DumpFailed(f"the server cannot show the account {account.name}: {error.args[1]}") from None
    grants += _default_roles(account.name.encode(), roles, grants)
    definitions = ((account.kind, created), (GRANTS, grants))
    return [Definition(kind, account.name, [], texts) for kind, texts in definitions if texts]


def _creation(cursor: Cursor, account: Account) -> t.Tuple[t.List[bytes], bytes, t.List[bytes]]:
    """Return the statement that creates an account, its default roles, and statements to execute later."""
    if account.name == PUBLIC:
        return [], b"", []
    if account.kind == ROLE:
        return [f"CREATE ROLE {account.name}".encode()], b"", []
    cursor.execute(f"SHOW CREATE USER {account.name}")
    # MariaDB adds a statement for an expired password that expires in the future too.
    text, *later = [row[0] for row in cursor.fetchall()]
    text, roles = _without_default_roles(_with_escapes(text, account.certificate))
    return [text], roles, later


def _with_escapes(text: bytes, certificate: t.Mapping[bytes, bytes]) -> bytes:
    """Return a statement with its texts about certificates escaped: MySQL shows them as they are."""
    for word, value in certificate.items():
        escaped = value.replace(b"\\", b"\\\\").replace(b"'", b"''")
        text = text.replace(b" %s '%s'" % (word, value), b" %s '%s'" % (word, escaped), 1)
    return text


def _without_default_roles(text: bytes) -> t.Tuple[bytes, bytes]:
    """Return MySQL's statement for an account without its default roles, which may not exist yet, and these."""
    found = _DEFAULT_ROLES.search(_masked(text))
    if not found:
        return text, b""
    return text[: found.start()] + text[found.end() :], text[found.start(1) : found.end(1)]


def _default_roles(name: bytes, roles: bytes, grants: t.Sequence[bytes]) -> t.List[bytes]:
    """Return the statements that set default roles of MySQL.

    A mandatory role of the server can be one, and the account has no grant for it. A server where it is not mandatory
    refuses it, and keeps those that the statement before it has set.
    """
    granted = [one for text in grants for one in single_grants(text)]
    wanted = _parts(roles)
    own = [role for role in wanted if any(one.startswith(b"GRANT %s TO " % role) for one in granted)]
    lists = [own, wanted] if own != wanted else [wanted]
    return [b"ALTER USER %s DEFAULT ROLE %s" % (name, b", ".join(one)) for one in lists if one]


def _grants(name: bytes, statements: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield the grants that *name* has itself, without what creates the account."""
    for statement in statements:
        found = _GRANT.fullmatch(_masked(statement))
        if found is None:
            # MariaDB's default role.
            yield statement
            continue
        # MariaDB shows the grants of the roles of a role too.
        if statement[slice(*found.span("grantee"))] == name:
            option = next((option for option in _OPTIONS if option in found["rest"]), b"")
            grant = statement[: found.end("grantee")] + option
            if not _NO_EFFECT.fullmatch(_masked(grant)):
                yield grant


def _parts(text: bytes) -> t.List[bytes]:
    """Return the members of a list of privileges or roles; a privilege may have a list of columns."""
    parts, place = [], 0
    for part in _masked(text, _COLUMNS).split(b","):
        parts.append(text[place : place + len(part)].strip())
        place += len(part) + 1
    return [part for part in parts if part]


def _masked(text: bytes, *more: t.Pattern[bytes]) -> bytes:
    """Return a statement with dots for all that is quoted, and for what *more* match then."""
    for pattern in (QUOTED, *more):
        text = pattern.sub(lambda found: b"." * len(found[0]), text)
    return text
