"""A table that the server cannot read: the rest is uploaded, as an error, and takes no place of a whole backup."""

from __future__ import annotations

from pathlib import Path

from tests.destinations import destined
from tests.faults.checks import assert_says, check_mail, final_names
from tests.faults.conftest import NewHost
from tests.modules import ModuleProcess
from tests.playbook import Installation, text_of
from tests.restore.cells import restore
from tests.servers.mariadb import MariaDB

LOST = "shop.crashed is not in the dump, because it cannot be read: "
LAST_TWO = {"keep_last": 2}


def fill(server: MariaDB) -> None:
    server.execute(
        "CREATE DATABASE shop",
        "USE shop",
        "CREATE TABLE crashed (id INT PRIMARY KEY) ENGINE=MyISAM",
        "CREATE TABLE kept (id INT PRIMARY KEY)",
        "INSERT INTO crashed VALUES (1)",
        "CREATE TABLE secret (id INT PRIMARY KEY)",
        "INSERT INTO kept VALUES (1), (2)",
    )


def damage(server: MariaDB) -> None:
    server.execute("FLUSH TABLES")
    (server.data / "shop" / "crashed.MYD").unlink()


def listed(host: Installation) -> dict[str, tuple[bool, bool]]:
    """Return whether each backup in the bucket is whole, and whether it is incomplete, as the module says."""
    options = {
        "access_key": host.store.access_key,
        "secret_key": host.store.secret_key,
        "endpoint_url": host.store.endpoint,
        "bucket": host.store.bucket,
        "hostname": host.hostname,
    }
    found = ModuleProcess("backup_info", destined(options)).result()["backups"]
    return {one["name"]: (one["manifest"], one["incomplete"]) for one in found}


def test_an_incomplete_backup(new_host: NewHost, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    fill(fresh_mariadb)
    host = new_host(fresh_mariadb)
    first = host.backup(**LAST_TWO, exclude_tables=["shop.secr*"])
    whole = first.backup["nome_arquivo"]
    # No problem, but said everywhere.
    assert first.backup["status_backup"] == 1
    assert first.backup["observacao"] == "[INFO] left out by exclude_tables: shop.secret"
    assert "Fora do backup: left out by exclude_tables: shop.secret" in text_of(first.mail)
    host.sink.clear()
    fresh_mariadb.execute("DROP TABLE shop.secret")

    damage(fresh_mariadb)
    outcome = host.backup(**LAST_TWO)
    lacking = outcome.backups[1]["nome_arquivo"]
    assert outcome.status != 0
    assert [row["status_backup"] for row in outcome.backups] == [1, 3]
    assert [row["status_upload"] for row in outcome.uploads] == [1, 1]
    words = [LOST, "Repair, exclude or drop it"]
    assert_says(outcome.backups[1]["observacao"], ["[ERROR]", *words])
    assert_says(outcome.output, ["the backup is incomplete: ", *words])
    newest = outcome._replace(backups=outcome.backups[1:], uploads=outcome.uploads[1:])
    check_mail(host, newest, ["Status Backup: Erro", "Status Upload: Sucesso", *words])
    keys = {Path(key).name for key in outcome.keys}
    assert keys == {whole, f"{whole}.manifest.json", lacking, f"{lacking}.incomplete.json"}
    # The whole one stays on the host too.
    assert set(final_names(outcome)) >= {whole, lacking}

    # Only the whole one is chosen, unless the other one is named.
    names = [name.partition(".")[0] for name in (whole, lacking)]
    assert listed(host) == {names[0]: (True, False), names[1]: (False, True)}
    output = restore(host, fresh_mariadb, database="shop", **{"as": "newest"})
    assert names[0] in output
    output = restore(host, fresh_mariadb, database="shop", name=names[1], **{"as": "named"})
    assert_says(output, ["shop.crashed is not in the backup, because its server could not read it: "])
    assert fresh_mariadb.execute("SELECT COUNT(*) FROM newest.crashed, newest.kept") == ((2,),)
    assert fresh_mariadb.execute("SHOW TABLES FROM named") == (("kept",),)

    # Whole backups come again: it stays as long as a whole one would.
    fresh_mariadb.execute("DROP TABLE shop.crashed", "DROP DATABASE newest", "DROP DATABASE named")
    third = host.backup(**LAST_TWO)
    assert third.status == 0, third.output
    assert [one[:2] for one in listed(host).values()] == [(True, False), (False, True), (True, False)]
    fourth = host.backup(**LAST_TWO)
    assert list(listed(host).values()) == [(True, False)] * 2
    assert fourth.unfinished == []
