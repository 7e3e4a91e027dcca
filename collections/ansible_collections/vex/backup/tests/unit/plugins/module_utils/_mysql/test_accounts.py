# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The texts of accounts and grants. tests/restore/test_accounts.py reads them from servers."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("pymysql")

import pymysql.err

from ansible_collections.vex.backup.plugins.module_utils._errors import DumpFailed, ServerUnavailable
from ansible_collections.vex.backup.plugins.module_utils._mysql.accounts import (
    ACCOUNT,
    ROLE,
    Account,
    list_accounts,
    read_accounts,
    single_grants,
)

NO_CERTIFICATE = {b"SUBJECT": b"", b"ISSUER": b"", b"CIPHER": b""}
APP = Account(ACCOUNT, "`app`@`%`", NO_CERTIFICATE, has_second_login=False)
OPERATIONAL = pymysql.err.OperationalError


class Cursor:
    """A cursor that answers by the beginning of the statement."""

    description = (("User",), ("Host",))

    def __init__(self, answers: t.Mapping[str, t.Any]) -> None:
        self.answers = answers
        self.found: t.List[t.Tuple[bytes, ...]] = []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def execute(self, statement: str) -> None:
        answer = next(found for start, found in self.answers.items() if statement.strip().startswith(start))
        if isinstance(answer, Exception):
            raise answer
        self.found = [(text,) for text in answer]

    def fetchall(self) -> t.List[t.Tuple[bytes, ...]]:
        return self.found


class Server:
    """A server with one answer to all statements that begin in the same way."""

    def __init__(self, **answers: t.Any) -> None:
        self.answers = {name.replace("_", " "): found for name, found in answers.items()}

    def cursor(self) -> Cursor:
        return Cursor(self.answers)


def read(account: Account, **answers: t.Any) -> t.List[t.Tuple[str, t.Sequence[bytes]]]:
    return [(one.kind, one.texts) for one in read_accounts(t.cast("t.Any", Server(**answers)), [account])]


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        (
            "GRANT SELECT, LOCK TABLES ON *.* TO `a`@`%`",
            ["GRANT SELECT ON *.* TO `a`@`%`", "GRANT LOCK TABLES ON *.* TO `a`@`%`"],
        ),
        (
            "GRANT SELECT (`a, TO`, `)`), INSERT (`b`) ON `d ON`.`t TO x` TO `r` WITH GRANT OPTION",
            [
                "GRANT SELECT (`a, TO`, `)`) ON `d ON`.`t TO x` TO `r` WITH GRANT OPTION",
                "GRANT INSERT (`b`) ON `d ON`.`t TO x` TO `r` WITH GRANT OPTION",
            ],
        ),
        ("GRANT `a,b`@`%`,`c`@`x` TO `u`@`%`", ["GRANT `a,b`@`%` TO `u`@`%`", "GRANT `c`@`x` TO `u`@`%`"]),
        ("REVOKE A_B,C ON `d`.* FROM `u`@`%`", ["REVOKE A_B ON `d`.* FROM `u`@`%`", "REVOKE C ON `d`.* FROM `u`@`%`"]),
        ("GRANT EXECUTE ON PACKAGE BODY `d`.`p` TO `u`@`%`", ["GRANT EXECUTE ON PACKAGE BODY `d`.`p` TO `u`@`%`"]),
        ("GRANT PROXY ON ``@`%` TO `u`@`%`", ["GRANT PROXY ON ``@`%` TO `u`@`%`"]),
        ("SET DEFAULT ROLE `r` FOR `u`@`%`", ["SET DEFAULT ROLE `r` FOR `u`@`%`"]),
        ("ALTER USER `u`@`%` DEFAULT ROLE `r`@`%`, `s`@`%`", ["ALTER USER `u`@`%` DEFAULT ROLE `r`@`%`, `s`@`%`"]),
    ],
)
def test_a_grant_is_one_statement_for_each_privilege(statement: str, parts: t.List[str]) -> None:
    assert single_grants(statement.encode()) == [part.encode() for part in parts]


def test_grants_have_neither_login_nor_limits() -> None:
    shown = [
        b"GRANT `r` TO `app`@`%` WITH ADMIN OPTION",
        b"GRANT SELECT ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*F0' REQUIRE SSL WITH GRANT OPTION MAX_UPDATES 3",
        b"GRANT INSERT ON `it's`.* TO `app`@`%`",
        b"GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED VIA x USING ' TO `b`@`c` WITH GRANT OPTION'",
        b"GRANT SELECT ON *.* TO `another`@`%`",
    ]
    assert read(APP, SHOW_CREATE=[b"CREATE USER 1"], SHOW_GRANTS=shown)[1][1] == [
        b"GRANT `r` TO `app`@`%` WITH ADMIN OPTION",
        b"GRANT SELECT ON *.* TO `app`@`%` WITH GRANT OPTION",
        b"GRANT INSERT ON `it's`.* TO `app`@`%`",
    ]


def test_default_roles_come_after_the_grants() -> None:
    text = b"CREATE USER `app`@`%` AS 'x DEFAULT ROLE `q` REQUIRE ' DEFAULT ROLE `m`@`%`,`a,b`@`%` REQUIRE NONE"
    assert read(APP, SHOW_CREATE=[text], SHOW_GRANTS=[b"GRANT `a,b`@`%` TO `app`@`%`"]) == [
        (ACCOUNT, [b"CREATE USER `app`@`%` AS 'x DEFAULT ROLE `q` REQUIRE ' REQUIRE NONE"]),
        (
            "GRANTS",
            [
                b"GRANT `a,b`@`%` TO `app`@`%`",
                b"ALTER USER `app`@`%` DEFAULT ROLE `a,b`@`%`",
                b"ALTER USER `app`@`%` DEFAULT ROLE `m`@`%`, `a,b`@`%`",
            ],
        ),
    ]


def test_a_role_that_was_dropped_meanwhile_is_left_out() -> None:
    role = Account(ROLE, "`r`", NO_CERTIFICATE, has_second_login=False)
    assert read(role, SHOW_GRANTS=[b"GRANT USAGE ON *.* TO `r`"]) == [(ROLE, [b"CREATE ROLE `r`"])]
    assert read(role, SHOW_GRANTS=OPERATIONAL(1141, "no such grant")) == []
    assert read(APP, SHOW_CREATE=OPERATIONAL(1396, "failed")) == []


def test_refusals_of_the_server_are_named() -> None:
    with pytest.raises(DumpFailed, match="the server cannot show the account `app`@`%`: skip-grant-tables"):
        read(APP, SHOW_CREATE=OPERATIONAL(1290, "skip-grant-tables"))
    with pytest.raises(ServerUnavailable):
        read(APP, SHOW_CREATE=OPERATIONAL(2013, "lost"))
    with pytest.raises(ServerUnavailable, match="the server refused a statement: denied"):
        list_accounts(t.cast("t.Any", Server(SELECT=OPERATIONAL(1142, "denied"))))
