"""Accounts, roles and grants: dumped when asked, restored when asked, and never changed where they exist."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    MissingGrants,
    OptionError,
    RestoreFailed,
)
from ansible_collections.vex.backup.plugins.module_utils._restore import restore as restoring
from tests.restore.cells import Product, use_tools
from tests.restore.granting import ROOT, Accounts, everything, names, shown
from tests.servers.database_server import DatabaseServer


@pytest.fixture(scope="module")
def servers(product: Product) -> Iterator[tuple[DatabaseServer, DatabaseServer, Path]]:
    options = ["--partial-revokes=ON", "--plugin-load-add=auth_socket.so"] if "MySQL" in product.name else []
    with (
        tempfile.TemporaryDirectory(prefix="vex-") as folder,
        product.server(Path(folder) / "source", options=options) as source,
        product.server(Path(folder) / "target", options=options) as target,
    ):
        yield source, target, Path(folder)


@pytest.fixture
def accounts(
    product: Product, servers: tuple[DatabaseServer, DatabaseServer, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Accounts]:
    use_tools(monkeypatch, product, "0.10")
    source, target, folder = servers
    found = Accounts(product, source, target, folder)
    found.fill()
    yield found
    found.clear(source)
    found.clear(target)


def test_all_accounts_come_back(accounts: Accounts) -> None:
    dumped = accounts.dump()
    assert dumped.warnings == []
    manifest = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))
    assert sorted(manifest["accounts"]) == sorted(names(accounts.source))
    before = shown(accounts.target, ROOT)[ROOT]
    result = dumped.run(accounts.target, accounts=True)
    assert result["restore_warnings"] == []
    assert everything(accounts.target) == everything(accounts.source)
    assert result["accounts"]["existing"] == [ROOT]
    assert set(result["accounts"]["created"]) == set(names(accounts.source)) - {ROOT}
    login, grants = shown(accounts.target, ROOT)[ROOT]
    # Of MariaDB, the roles that nobody else could grant.
    roles = () if accounts.is_mysql else ("`reader`", "`the role é`")
    assert set(grants) - set(before[1]) == {(f"GRANT {role} TO {ROOT} WITH ADMIN OPTION",) for role in roles}
    assert login == before[0]
    accounts.target.connect("plain", "it's secret", "granted").close()


def test_accounts_are_restored_only_when_asked(accounts: Accounts) -> None:
    dumped = accounts.dump()
    before = everything(accounts.target)
    planned = dumped.run(accounts.target, check_mode=True)
    result = dumped.run(accounts.target)
    count = len(names(accounts.source))
    assert planned["accounts"] == result["accounts"] == {"held": count, "created": [], "existing": []}
    assert everything(accounts.target) == before
    assert (
        f"accounts: the backup holds {count}, which are restored only with the option accounts"
        in dumped.log.read_text(encoding="utf-8")
    )


def test_accounts_that_the_server_hides_are_named(accounts: Accounts) -> None:
    """MariaDB with skip_name_resolve, as here, hides the accounts of hosts by name as soon as it reads its tables."""
    name = "`by_name`@`host.example`"
    accounts.source.execute(f"CREATE USER {name}", "FLUSH PRIVILEGES")
    try:
        dumped = accounts.dump()
        manifest = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))
        assert (name in manifest["accounts"]) == accounts.is_mysql
        named = f"the account {name} is not in the dump, because the server does not show it: "
        assert [text.startswith(named) for text in dumped.warnings] == ([] if accounts.is_mysql else [True])
    finally:
        accounts.source.execute(
            "DELETE FROM mysql.global_priv WHERE User = 'by_name'" if not accounts.is_mysql else f"DROP USER {name}",
            "FLUSH PRIVILEGES",
        )


def test_existing_accounts_are_not_changed(accounts: Accounts) -> None:
    dumped = accounts.dump()
    accounts.target.execute(
        "CREATE USER plain@'%' IDENTIFIED BY 'another'",
        "CREATE ROLE reader",
        "CREATE USER manager@localhost IDENTIFIED BY 'another'",
        "GRANT RELOAD ON *.* TO manager@localhost",
    )
    role = "`reader`@`%`" if accounts.is_mysql else "`reader`"
    existing = ["`manager`@`localhost`", "`plain`@`%`", role]
    before = shown(accounts.target, *existing)
    planned = dumped.run(accounts.target, accounts=True, check_mode=True)["accounts"]
    assert sorted(planned["existing"]) == sorted([*existing, ROOT])
    assert len(planned["created"]) == planned["held"] - len(existing) - 1
    result = dumped.run(accounts.target, accounts=True)
    assert shown(accounts.target, *existing) == before
    log = dumped.log.read_text(encoding="utf-8")
    assert f"on the server and not changed: {', '.join(planned['existing'])}" in log
    assert result["accounts"] == planned


def test_refused_statements_cost_no_others(accounts: Accounts) -> None:
    """A grant on a table that is gone, a login by a plugin that the target does not have."""
    accounts.source.execute(
        "CREATE TABLE granted.gone (a INT)",
        "GRANT INSERT, SELECT (a) ON granted.gone TO idle@localhost",
        "GRANT SELECT ON granted.t TO idle@localhost",
        "DROP TABLE granted.gone",
    )
    if accounts.is_mysql:
        accounts.source.execute("CREATE USER foreign_login@localhost IDENTIFIED WITH auth_socket")
        accounts.target.execute("UNINSTALL PLUGIN auth_socket")
    else:
        accounts.source.execute(
            "INSERT INTO mysql.global_priv VALUES ('localhost', 'foreign_login',"
            """ '{"access": 0, "plugin": "unheard_of", "authentication_string": "0123456789"}')""",
            "FLUSH PRIVILEGES",
            "GRANT SELECT ON granted.t TO foreign_login@localhost",
        )
    try:
        result = accounts.dump().run(accounts.target, accounts=True)
    finally:
        if accounts.is_mysql:
            accounts.target.execute("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'")
    refused = "`idle`@`localhost`: the server refused GRANT {} ON `granted`.`gone` TO `idle`@`localhost`: Table "
    plugin = "auth_socket" if accounts.is_mysql else "unheard_of"
    starts = [
        *(refused.format(privilege) for privilege in ("INSERT", "SELECT (`a`)")),
        f"the account `foreign_login`@`localhost` was not created: Plugin '{plugin}' is not loaded",
    ]
    warnings = [text for text in result["restore_warnings"] if "`factors`" not in text and "`socket`" not in text]
    assert sorted(text.partition("'granted.gone' doesn't")[0] for text in warnings) == sorted(starts)
    assert result["status"] == 2
    expected, found = everything(accounts.source), everything(accounts.target)
    missing = {"`foreign_login`@`localhost`"}
    missing |= {"`factors`@`localhost`", "`socket`@`localhost`"} if accounts.is_mysql else set()
    assert set(expected) - set(found) == missing
    changed = "`idle`@`localhost`"
    assert found[changed][1][-1] == (f"GRANT SELECT ON `granted`.`t` TO {changed}",)
    assert {name for name in found if found[name] != expected[name]} == {changed}


def test_no_hash_leaves_the_script(accounts: Accounts) -> None:
    dumped = accounts.dump()
    script = (dumped.path / "dump" / "accounts.sql").read_text(encoding="utf-8")
    hashes = set(re.findall(r"0x[0-9A-F]{60,}|\*[0-9A-F]{40}", script))
    assert len(hashes) >= 3
    # The target knows nothing of these statements, and quotes them in its message.
    damaged = re.sub(r"(0x[0-9A-F]{60,}|'\*[0-9A-F]{40}')", r"\1 UNHEARD \1", script)
    (dumped.path / "dump" / "accounts.sql").write_text(damaged, encoding="utf-8")
    result = dumped.run(accounts.target, accounts=True)
    assert len([text for text in result["restore_warnings"] if "was not created: You have an error in" in text]) > 5
    places = [json.dumps(result), dumped.log.read_text(), (dumped.path / "manifest.json").read_text()]
    for secret in hashes:
        assert not any(secret[2:12] in text for text in places)


def test_an_account_that_must_not_see_others(accounts: Accounts) -> None:
    for server in (accounts.source, accounts.target):
        server.create_account("confined", "p", f"{accounts.product.grants.partition(' ON')[0]} ON *.*")
    databases = "SELECT, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT ON granted.*"
    for host in accounts.source.client_hosts:
        privileges = accounts.product.grants.partition(" ON")[0]
        accounts.source.execute(
            f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM confined@'{host}'",
            f"GRANT {databases} TO confined@'{host}'",
            f"GRANT {', '.join(set(privileges.split(', ')) - {'SELECT'})} ON *.* TO confined@'{host}'",
        )
        accounts.target.execute(f"REVOKE SELECT ON *.* FROM confined@'{host}'")
    confined = {"login_user": "confined", "login_password": "p"}
    with pytest.raises(MissingGrants, match=r"SELECT ON mysql\.\*") as caught:
        accounts.dump(**confined)
    assert "SELECT ON mysql.*" in caught.value.details["missing_grants"]
    for check_mode in (False, True):
        error = accounts.dump().refusal(
            MissingGrants, accounts.target, accounts=True, check_mode=check_mode, **confined
        )
        assert "Remedy: GRANT SELECT ON mysql.* TO 'confined'@'localhost'" in str(error)
    assert "granted" not in [name for (name,) in accounts.target.execute("SHOW DATABASES")]


def test_accounts_that_cannot_be_restored(accounts: Accounts) -> None:
    dumped = accounts.dump()
    error = dumped.refusal(OptionError, accounts.target, accounts=True, database="granted")
    assert str(error) == "accounts belong to the whole server: leave out database, or accounts"
    manifest = dumped.path / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    other = {"mysql": "mariadb", "mariadb": "mysql"}[content["server"]["product"]]
    for change, message in (
        ({"server": {**content["server"], "product": other}}, f"accounts of {other} cannot be restored into M"),
        ({"accounts": []}, "the backup holds no accounts"),
        ({"accounts": ["`a`@`b`"]}, "`a`@`b` is missing from dump/accounts.sql of the backup: unpack it again"),
    ):
        manifest.write_text(json.dumps({**content, **change}), encoding="utf-8")
        kind = RestoreFailed if "missing" in message else OptionError
        assert message in str(dumped.refusal(kind, accounts.target, accounts=True))
    assert everything(accounts.target) == {}


def test_a_failed_restore_leaves_no_account_without_its_grants(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumped = accounts.dump()

    def fail(*_given: object) -> None:
        assert everything(accounts.target)
        # Another administrator drops one meanwhile.
        accounts.target.execute("DROP USER idle@localhost")
        raise RestoreFailed("the load failed")

    monkeypatch.setattr(restoring, "load_and_compare", fail)
    dumped.refusal(RestoreFailed, accounts.target, accounts=True)
    assert everything(accounts.target) == {}
    assert "drop `idle`@`localhost` before the next restore" in dumped.log.read_text(encoding="utf-8")


def test_differences_are_named(accounts: Accounts) -> None:
    """Statements that the server takes, and shows in other words."""
    dumped = accounts.dump()
    path = dumped.path / "dump" / "accounts.sql"
    role = "`reader`@`%`" if accounts.is_mysql else "`reader`"
    text = path.read_text(encoding="utf-8").replace("CREATE USER `idle`", "CREATE USER  `idle`")
    grant = f"GRANT {{}} ON `granted`.* TO {role}"
    path.write_text(text.replace(grant.format("SELECT"), grant.format("ALL")), encoding="utf-8")
    assert sorted(dumped.run(accounts.target, accounts=True)["restore_warnings"]) == [
        f"{role} has, other than in the backup: {grant.format('ALL PRIVILEGES')}",
        f"{role} lacks, other than in the backup: {grant.format('ALL')}",
        "the account `idle`@`localhost` is not as in the backup: compare SHOW CREATE USER with accounts.sql",
    ]


def test_accounts_by_hand(accounts: Accounts) -> None:
    """The last command of the manifest is a comment, for a person who wants the accounts too."""
    dumped = accounts.dump()
    folder = dumped.path.parent
    (folder / "LOGIN.cnf").write_text(f"[client]\nsocket={accounts.target.socket}\nuser=root\n", encoding="utf-8")
    *commands, command = json.loads((dumped.path / "manifest.json").read_text(encoding="utf-8"))["restore"]
    script = "\n".join([*commands, command.removeprefix("# ")])
    done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    assert len(errors) == 1
    assert "Operation CREATE USER failed for 'root'@'localhost'" in errors[0]
    assert everything(accounts.target) == everything(accounts.source)


def test_definers_that_may_read_a_view_only_by_a_grant_on_it(accounts: Accounts) -> None:
    """MySQL creates a view on another view only if its definer may read that."""
    accounts.source.execute(
        "CREATE USER viewer@localhost",
        "GRANT SELECT ON granted.v_first TO viewer@localhost",
        "CREATE DEFINER = viewer@localhost VIEW granted.a_second AS SELECT a FROM granted.v_first",
        "GRANT SELECT ON granted.a_second TO plain@'%'",
        "CREATE DEFINER = plain@'%' VIEW granted.a_third AS SELECT a FROM granted.a_second",
        "CREATE DEFINER = manager@localhost VIEW granted.a_fourth AS SELECT a FROM granted.a_third",
    )
    result = accounts.dump().run(accounts.target, accounts=True)
    assert result["restore_warnings"] == []
    assert everything(accounts.target) == everything(accounts.source)


def test_views_that_call_functions_need_no_privilege_to_execute_them(accounts: Accounts) -> None:
    accounts.source.execute(
        "USE granted",
        "CREATE SQL SECURITY INVOKER VIEW invoked AS SELECT f() AS x",
        "CREATE SQL SECURITY INVOKER VIEW upon AS SELECT x FROM invoked WHERE f() > 0",
        "CREATE VIEW of_both AS SELECT x FROM upon UNION SELECT f()",
    )
    accounts.source.create_account("dumper", "p", accounts.product.grants)
    dumped = accounts.dump(login_user="dumper", login_password="p", accounts=False)
    assert dumped.warnings == []
    assert dumped.run(accounts.target)["databases"][0]["views"] == 4


def test_privileges_that_the_target_cannot_limit(accounts: Accounts) -> None:
    if not accounts.is_mysql:
        pytest.skip("MariaDB has no partial revokes")
    dumped = accounts.dump()
    accounts.target.execute("SET GLOBAL partial_revokes = OFF")
    try:
        error = dumped.refusal(RestoreFailed, accounts.target, accounts=True)
    finally:
        accounts.target.execute("SET GLOBAL partial_revokes = ON")
    assert str(error).startswith("`noted`@`%` would have privileges on databases where they are revoked, because the")
    assert everything(accounts.target) == {}


def test_what_no_statement_shows_is_named(accounts: Accounts) -> None:
    if not accounts.is_mysql:
        pytest.skip("MariaDB has one password for an account")
    accounts.source.execute("ALTER USER plain@'%' IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD")
    assert accounts.dump().warnings == [
        "the account `plain`@`%` has a second password (RETAIN CURRENT PASSWORD), which is not in the dump"
    ]


def test_default_roles_that_only_the_source_grants_to_all(accounts: Accounts) -> None:
    if not accounts.is_mysql:
        pytest.skip("MariaDB has no mandatory roles")
    accounts.source.execute(
        "CREATE ROLE given",
        "SET GLOBAL mandatory_roles = 'given'",
        "SET DEFAULT ROLE writer, given TO plain@'%'",
    )
    try:
        dumped = accounts.dump()
        warnings = dumped.run(accounts.target, accounts=True)["restore_warnings"]
        assert len(warnings) == 1, "\n".join(warnings)
        assert warnings[0].startswith(
            "`plain`@`%`: the server refused ALTER USER `plain`@`%` DEFAULT ROLE `given`@`%`, "
        )
        roles = "SELECT DEFAULT_ROLE_USER FROM mysql.default_roles"
        assert accounts.target.execute(roles) == (("writer",),)
        accounts.clear(accounts.target)
        accounts.target.execute("CREATE ROLE given", "SET GLOBAL mandatory_roles = 'given'")
        assert dumped.run(accounts.target, accounts=True)["restore_warnings"] == []
        assert accounts.target.execute(f"{roles} ORDER BY 1") == (("given",), ("writer",))
    finally:
        for server in (accounts.source, accounts.target):
            server.execute("SET GLOBAL mandatory_roles = ''")
