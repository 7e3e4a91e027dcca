"""Encrypted tables: a server needs keys for them, and a scratch server gets some that end with it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.vex.backup.plugins.module_utils._archive.manifest import Archive, summary_of, with_archive
from ansible_collections.vex.backup.plugins.module_utils._errors import RestoreDiffers, RestoreFailed, TargetUnfit
from ansible_collections.vex.backup.plugins.module_utils._verify import scratch_keys
from tests.restore.cells import PRODUCTS, Product, use_tools
from tests.restore.dumping import Dumped
from tests.restore.scratching import scratch_server
from tests.servers.database_server import DatabaseServer

# Debian 12 has MariaDB's plugin in a package that the tests' machine does not have.
ENCRYPTING = [one for one in PRODUCTS if one.release]
SECRETS = "secrets"
CONTENTS = {
    "MariaDB 11.8": (
        f"CREATE DATABASE {SECRETS}",
        f"USE {SECRETS}",
        "CREATE TABLE first (id INT PRIMARY KEY) ENCRYPTED = YES",
        "CREATE TABLE seventh (id INT PRIMARY KEY) ENCRYPTED = YES ENCRYPTION_KEY_ID = 7",
        "CREATE TABLE plain (id INT PRIMARY KEY) ENCRYPTED = NO",
    ),
    "MySQL 9.7": (
        f"CREATE DATABASE {SECRETS} DEFAULT ENCRYPTION 'Y'",
        "CREATE TABLESPACE hidden ADD DATAFILE 'hidden.ibd' ENCRYPTION = 'Y'",
        f"USE {SECRETS}",
        "CREATE TABLE first (id INT PRIMARY KEY)",
        "CREATE TABLE seventh (id INT PRIMARY KEY) TABLESPACE hidden",
        "CREATE TABLE plain (id INT PRIMARY KEY) ENCRYPTION = 'N'",
    ),
}
NUMBERS = {"MariaDB 11.8": [1, 7], "MySQL 9.7": [1]}
NO_KEYS = "it has no keys to encrypt tables: load its keyring or encryption plugin (table secrets.first, table secrets."
COUNTS = {
    "MariaDB 11.8": "SELECT COUNT(*) FROM information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE NAME LIKE 'secrets/%'"
    " AND ENCRYPTION_SCHEME = 1",
    "MySQL 9.7": "SELECT COUNT(*) FROM information_schema.INNODB_TABLESPACES WHERE ENCRYPTION = 'Y'",
}


class Secret(NamedTuple):
    """A server with encrypted tables, the dump of them, and a folder for other servers."""

    product: Product
    server: DatabaseServer
    dumped: Dumped
    folder: Path


@pytest.fixture(scope="module", params=ENCRYPTING, ids=[one.name.replace(" ", "-") for one in ENCRYPTING])
def secret(request: pytest.FixtureRequest) -> Iterator[Secret]:
    product: Product = request.param
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(prefix="vex-") as name,
        product.server(Path(name) / "source", encrypts=True) as server,
    ):
        use_tools(patch, product, "0.10")
        Path(name).chmod(0o711)
        server.execute(*CONTENTS[product.name])
        for table in ("first", "seventh", "plain"):
            server.execute(f"INSERT INTO {SECRETS}.{table} VALUES (1), (2)")
        yield Secret(product, server, Dumped(server, Path(name), (SECRETS,)), Path(name))


def test_a_proof_has_the_keys_that_the_manifest_names(secret: Secret) -> None:
    manifest = json.loads((secret.dumped.path / "manifest.json").read_text(encoding="utf-8"))
    archive = Archive("b.zip", 1, "", "zip", encrypted=False, level=0)
    numbers = summary_of(with_archive(manifest, archive))["encryption_key_ids"]
    assert numbers == NUMBERS[secret.product.name]
    keys = secret.folder / "scratch/instance/keys"
    with scratch_server(secret.server, secret.folder, {}, encryption_key_ids=tuple(numbers)) as server:
        assert secret.dumped.run(server, make_definers=True)["restore_warnings"] == []
        assert server.execute(COUNTS[secret.product.name]) == secret.server.execute(COUNTS[secret.product.name])
        assert server.execute(COUNTS[secret.product.name]) >= ((2,),)
        assert keys.stat().st_mode & 0o007 == 0
        assert keys.parent.stat().st_mode & 0o077 == 0
        assert server.execute(f"SELECT * FROM {SECRETS}.seventh") == ((1,), (2,))
    assert not keys.parent.parent.exists()


def test_a_host_without_the_plugin_is_named(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_keys, "COMPONENTS", {"mariadb": "gone", "mysql": "gone"})
    with scratch_server(secret.server, secret.folder, {}, encryption_key_ids=(1, 7)) as server:
        assert NO_KEYS in str(secret.dumped.refusal(TargetUnfit, server, make_definers=True))


def test_a_server_without_keys_is_named(secret: Secret) -> None:
    with secret.product.server(secret.folder / "without") as target:
        assert NO_KEYS in str(secret.dumped.refusal(TargetUnfit, target))
        assert not target.execute(f"SHOW DATABASES LIKE '{SECRETS}'")


def test_a_server_that_refuses_plain_tables(secret: Secret) -> None:
    if secret.product.name.startswith("MySQL"):
        pytest.skip("MySQL asks for a privilege instead")
    options = ["--innodb-encrypt-tables=FORCE"]
    with secret.product.server(secret.folder / "forced", options=options, encrypts=True) as target:
        message = str(secret.dumped.refusal(TargetUnfit, target))
        reason = "its innodb_encrypt_tables is FORCE: SET GLOBAL innodb_encrypt_tables = ON"
        assert f"{reason} (table {SECRETS}.plain)" in message
        target.execute("SET GLOBAL innodb_encrypt_tables = ON")
        assert secret.dumped.run(target)["restore_warnings"] == []


def test_an_account_without_the_privilege(secret: Secret) -> None:
    if not secret.product.name.startswith("MySQL"):
        pytest.skip("MariaDB has no such privilege")
    remedy = "GRANT the account TABLE_ENCRYPTION_ADMIN ON *.*"
    login = {"login_user": "loader", "login_password": "canary"}
    options = ["--table-encryption-privilege-check=ON"]
    with secret.product.server(secret.folder / "checking", options=options, encrypts=True) as target:
        target.execute("CREATE TABLESPACE hidden ADD DATAFILE 'hidden.ibd' ENCRYPTION = 'Y'")
        target.create_account("loader", "canary", "ALL ON *.*")
        target.execute("REVOKE TABLE_ENCRYPTION_ADMIN ON *.* FROM loader@localhost")
        assert remedy in str(secret.dumped.refusal(RestoreFailed, target, **login))
        # The database may be there.
        target.execute(f"CREATE DATABASE {SECRETS} DEFAULT ENCRYPTION 'Y'")
        (difference,) = secret.dumped.refusal(RestoreDiffers, target, **login).details["differences"]
        assert difference.startswith(f"table {SECRETS}.plain could not be created: ")
        assert remedy in difference
        assert secret.dumped.run(target, overwrite=True)["restore_warnings"] == []


def test_the_keyring_of_the_host_is_left_alone(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL loads the components of a manifest beside its program."""
    if not secret.product.name.startswith("MySQL"):
        pytest.skip("MariaDB reads no such manifest")
    host = secret.folder / "host"
    host.mkdir()
    program = shutil.which("mysqld")
    assert program
    shutil.copy(program, host / "mysqld")
    (host / "mysqld.my").write_text('{"components": "file://component_that_no_server_has"}', encoding="ascii")
    monkeypatch.setenv("PATH", f"{host}:{os.environ['PATH']}")
    with scratch_server(secret.server, secret.folder, {}) as server:
        assert server.execute("SELECT * FROM performance_schema.keyring_component_status") == ()
