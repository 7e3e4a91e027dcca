"""mysql_restore of damaged backups, with wrong options and on servers that refuse."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.plugins.module_utils._errors import (
    BackupError,
    CommandTimeout,
    Interrupted,
    ManifestUnusable,
    OptionError,
    RestoreDiffers,
    RestoreFailed,
    ServerUnavailable,
)
from ansible_collections.vex.backup.plugins.module_utils._mysql.definitions import block, parse_blocks
from ansible_collections.vex.backup.plugins.module_utils._restore import load as load_module
from tests.playbook import HANGS
from tests.restore.dumping import Dumped, small_dump
from tests.servers.mariadb import MariaDB

FIRST = "dump/small/tables/small.first.sql"
SLEEPING = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'INSERT%SLEEP(600)%'"


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


@pytest.fixture
def small(mariadb: MariaDB, tmp_path: Path) -> Iterator[Dumped]:
    with small_dump(mariadb, tmp_path) as dumped:
        yield dumped


def test_a_missing_row(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """The client reports no error."""
    rewrite(small.path / FIRST, lambda text: text.replace(b",\n(2)", b""))
    error = small.refusal(RestoreDiffers, fresh_mariadb)
    assert "table small.first has 1 rows, 2 were dumped" in str(error)
    assert error.details["incomplete"] == ["small"]
    counted, sampled = error.details["differences"]
    assert counted == "table small.first has 1 rows, 2 were dumped"
    assert sampled == "table small.first lacks a row after id=1"


def test_another_value(small: Dumped, fresh_mariadb: MariaDB) -> None:
    rewrite(small.path / FIRST, lambda text: text.replace(b"(2)", b"(3)"))
    error = small.refusal(RestoreDiffers, fresh_mariadb)
    assert error.details["differences"] == ["table small.first has another value in the row id=3"]


@pytest.mark.parametrize(
    ("file", "before", "after", "names"),
    [
        ("tables.sql", b"int(11)", b"bigint(20)", ["table small.first", "table small.second"]),
        ("routines.sql", b"SELECT 1", b"SELECT 2", ["procedure small.p"]),
        ("triggers.sql", b"SET sql_mode = '", b"SET sql_mode = 'ANSI_QUOTES,", ["trigger small.t"]),
    ],
)
def test_another_definition(
    small: Dumped, fresh_mariadb: MariaDB, file: str, before: bytes, after: bytes, names: list[str]
) -> None:
    rewrite(small.path / "dump/small" / file, lambda text: text.replace(before, after))
    found = small.refusal(RestoreDiffers, fresh_mariadb).details["differences"]
    assert found[: len(names)] == [f"{name} has another definition" for name in names]


@pytest.mark.parametrize(
    ("file", "kind", "name"), [("tables.sql", "table", "second"), ("routines.sql", "procedure", "p")]
)
def test_a_missing_definition(small: Dumped, fresh_mariadb: MariaDB, file: str, kind: str, name: str) -> None:
    path = small.path / "dump/small" / file
    blocks = parse_blocks(path.read_bytes())
    path.write_bytes(b"".join(block(one) for one in blocks if one.name != name))
    message = str(small.refusal(RestoreFailed, fresh_mariadb))
    assert f"the definition of {kind} {name} is missing from the files in dump/small" in message
    assert ("small",) not in fresh_mariadb.execute("SHOW DATABASES")


def test_rows_that_the_server_refuses(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """The rows of the other tables are loaded."""
    rewrite(small.path / FIRST, lambda text: text.replace(b"(2)", b"(1)"))
    error = small.refusal(RestoreDiffers, fresh_mariadb)
    refused, *others = error.details["differences"]
    assert refused.startswith("table small.first lacks rows: small.first.sql could not be loaded: mariadb: ERROR ")
    assert others == []
    assert fresh_mariadb.execute("SELECT COUNT(*) FROM small.second") == ((2,),)


def test_rows_that_the_server_refuses_before_the_client_has_read_all(
    small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path
) -> None:
    small.source.execute(
        "USE small",
        "CREATE TABLE large (id INT PRIMARY KEY, note TEXT)",
        "INSERT INTO large SELECT seq, REPEAT('x', 1000) FROM seq_1_to_5000",
    )
    backup = Dumped(small.source, tmp_path / "large", ("small",), compression="none")
    (path,) = (backup.path / "dump/small/tables").glob("small.large.*")
    rewrite(path, lambda text: text.replace(b"INTO `large`", b"INTO `none`", 1))
    error = backup.refusal(RestoreDiffers, fresh_mariadb)
    (refused,) = error.details["differences"]
    assert refused.startswith("table small.large lacks rows: ")
    assert "Table 'small.none' doesn't exist" in refused


def test_a_session_that_the_server_ends_between_two_definitions(small: Dumped, fresh_mariadb: MariaDB) -> None:
    path = small.path / "dump/small/tables.sql"
    first, *others = parse_blocks(path.read_bytes())
    path.write_bytes(b"".join(map(block, [first._replace(texts=[b"KILL CONNECTION_ID()"]), *others])))
    assert "the server stopped answering" in str(small.refusal(ServerUnavailable, fresh_mariadb))


def test_a_database_that_was_read_only(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """MariaDB has no such databases."""
    end = b" /* READ ONLY = 1 */"
    rewrite(
        small.path / "dump/small/database.sql",
        lambda text: b"\n".join(line.replace(b"*/;;", b"*/" + end + b";;") for line in text.split(b"\n")),
    )
    (warning,) = small.run(fresh_mariadb)["restore_warnings"]
    assert warning.startswith("database small was read only, and is not: You have an error in your SQL syntax")


def test_another_collation_of_a_database(small: Dumped, fresh_mariadb: MariaDB) -> None:
    rewrite(
        small.path / "dump/small/database.sql",
        lambda text: re.sub(rb"CHARACTER SET \w+( COLLATE \w+)?", b"CHARACTER SET latin1 COLLATE latin1_bin", text),
    )
    collation = json.loads((small.path / "manifest.json").read_text(encoding="utf-8"))["databases"][0]["collation"]
    first, *_others = small.refusal(RestoreDiffers, fresh_mariadb).details["differences"]
    assert first == f"database small has the collation latin1_bin, not {collation}"


def test_objects_that_the_server_refuses(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """All of them are named, and the others are created."""
    rewrite(small.path / "dump/small/tables.sql", lambda text: text.replace(b"TABLE `first` (", b"TABLE `first` x ("))
    rewrite(small.path / "dump/small/routines.sql", lambda text: text.replace(b"SELECT 1", b"nonsense"))
    error = small.refusal(RestoreDiffers, fresh_mariadb)
    found = [text.partition(": ")[0] for text in error.details["differences"]]
    names = ["table small.first", "procedure small.p", "trigger small.t"]
    assert found == [f"{name} could not be created" for name in names]
    assert "You have an error in your SQL syntax" in str(error)
    assert fresh_mariadb.execute("SELECT COUNT(*) FROM small.second") == ((2,),)


@pytest.mark.parametrize(("compression", "step"), [("none", 2), ("zstd", 20), ("gzip", 20)])
def test_files_that_were_cut_off(
    small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path, compression: str, step: int
) -> None:
    """Nothing of a cut statement is executed, and the files after it are loaded, by the same client or another."""
    small.source.execute(
        "CREATE TABLE small.at (id INT PRIMARY KEY, note VARCHAR(20))",
        r"INSERT INTO small.at VALUES (1, ''), (2, CHAR(39)), (3, '\\'), (4, 'x\\\'a')",
    )
    backup = Dumped(small.source, tmp_path / "cut", ("small",), compression=compression)
    (path,) = (backup.path / "dump/small/tables").glob("small.at.sql*")
    content = path.read_bytes()
    for cut in range(2, 40, step):
        path.write_bytes(content[:-cut])
        error = backup.refusal(RestoreDiffers, fresh_mariadb, overwrite=True)
        assert [text.partition(": ")[0] for text in error.details["differences"]] == ["table small.at lacks rows"]
        counts = [fresh_mariadb.execute(f"SELECT COUNT(*) FROM small.{name}") for name in ("at", "first", "second")]
        assert counts == [((0,),), ((2,),), ((2,),)]


def test_a_client_that_is_killed(small: Dumped, fresh_mariadb: MariaDB) -> None:
    rewrite(small.path / FIRST, lambda text: text.replace(b"(1)", b"(1 + SLEEP(600))"))

    def kill() -> None:
        wait_until(lambda: fresh_mariadb.execute(SLEEPING) == ((1,),))
        for pid in clients():
            os.kill(pid, signal.SIGKILL)

    with meanwhile(kill):
        error = small.refusal(RestoreDiffers, fresh_mariadb)
    assert "table small.first lacks rows: small.first.sql could not be loaded: mariadb: exit status -9" in str(error)


def test_a_connection_that_is_killed(small: Dumped, fresh_mariadb: MariaDB) -> None:
    """The client does not log in again, which would load the rest of a transaction."""
    rewrite(small.path / FIRST, lambda text: text.replace(b"(1)", b"(1 + SLEEP(600))"))

    def kill() -> None:
        wait_until(lambda: fresh_mariadb.execute(SLEEPING) == ((1,),))
        ((number,),) = fresh_mariadb.execute(SLEEPING.replace("COUNT(*)", "ID"))
        fresh_mariadb.execute(f"KILL {number}")

    with meanwhile(kill):
        error = small.refusal(RestoreDiffers, fresh_mariadb)
    assert "table small.first lacks rows: small.first.sql could not be loaded: mariadb: ERROR 20" in str(error)
    assert fresh_mariadb.execute("SELECT COUNT(*) FROM small.second") == ((2,),)


def test_a_server_that_goes_away_while_rows_are_loaded(small: Dumped, fresh_mariadb: MariaDB) -> None:
    rewrite(small.path / FIRST, lambda text: text.replace(b"(1)", b"(1 + SLEEP(600))"))

    def kill() -> None:
        wait_until(lambda: fresh_mariadb.execute(SLEEPING) == ((1,),))
        fresh_mariadb.kill()

    with meanwhile(kill):
        message = str(small.refusal(ServerUnavailable, fresh_mariadb))
    assert "could not be reached" in message
    assert "table small.first lacks rows" in message


@pytest.mark.parametrize("signalled", [False, True])
def test_a_load_that_is_ended(small: Dumped, fresh_mariadb: MariaDB, signalled: bool) -> None:
    """No client is left."""
    rewrite(small.path / FIRST, lambda text: text.replace(b"(1)", b"(1 + SLEEP(600))"))

    def interrupt() -> None:
        wait_until(lambda: fresh_mariadb.execute(SLEEPING) == ((1,),))
        if signalled:
            os.kill(os.getpid(), signal.SIGTERM)

    with meanwhile(interrupt):
        small.refusal(Interrupted if signalled else CommandTimeout, fresh_mariadb, timeout=0 if signalled else 20)
    assert clients() == []
    # With the client, the transaction ended.
    assert fresh_mariadb.execute("SELECT COUNT(*) FROM small.first") == ((0,),)


def clients() -> list[int]:
    """Return the clients that this process started."""
    return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_client(pid)]


def is_client(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        parent = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return False
    return parent == os.getpid() and b"--skip-reconnect" in words


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + HANGS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextlib.contextmanager
def meanwhile(action: Callable[[], None]) -> Iterator[None]:
    """Run *action* in a thread during the block."""
    thread = threading.Thread(target=action)
    thread.start()
    yield
    thread.join()


def test_a_missing_file(small: Dumped, fresh_mariadb: MariaDB) -> None:
    (small.path / FIRST).unlink()
    assert "is missing from the backup" in str(small.refusal(RestoreFailed, fresh_mariadb))
    assert ("small",) not in fresh_mariadb.execute("SHOW DATABASES")


def test_a_backup_of_an_earlier_release(small: Dumped, fresh_mariadb: MariaDB) -> None:
    manifest = small.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 1'))
    message = str(small.refusal(ManifestUnusable, fresh_mariadb))
    assert "was made by an earlier release" in message
    assert "`restore` in its manifest" in message


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"threads": 0}, OptionError, "threads must be at least 1"),
        ({"path": "/nowhere"}, ManifestUnusable, "cannot be read"),
        ({"database": "none"}, OptionError, "the backup holds no database 'none'"),
        ({"login_unix_socket": "/nowhere"}, ServerUnavailable, "could not be reached"),
        ({"login_user": "nobody"}, ServerUnavailable, "refused the login"),
    ],
)
def test_options_that_cannot_work(
    small: Dumped, fresh_mariadb: MariaDB, options: dict[str, Any], error: type[BackupError], message: str
) -> None:
    assert message in str(small.refusal(error, fresh_mariadb, **options))


def test_the_deadline(small: Dumped, fresh_mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", iter(range(0, 10_000, 10)).__next__)
    assert "the restore took longer than" in str(small.refusal(CommandTimeout, fresh_mariadb, timeout=5))


def test_a_trigger_whose_table_cannot_be_read(small: Dumped, fresh_mariadb: MariaDB, tmp_path: Path) -> None:
    """A warning reports the missing trigger."""
    small.source.execute(
        "CREATE TRIGGER small.unclear BEFORE INSERT ON /* which */ small.first FOR EACH ROW SET NEW.id = NEW.id"
    )
    dumped = Dumped(small.source, tmp_path / "with", ("small",))
    (warning,) = dumped.run(fresh_mariadb, database="small", table="first")["restore_warnings"]
    assert "trigger small.unclear was not restored" in warning


def test_an_account_without_the_rights(small: Dumped, fresh_mariadb: MariaDB) -> None:
    fresh_mariadb.create_account("reader", "its password", "SELECT ON *.*")
    account = {"login_user": "reader", "login_password": "its password"}
    message = str(small.refusal(RestoreFailed, fresh_mariadb, **account))
    assert "the server refused a statement of the restore: Access denied for user 'reader'" in message


def test_a_server_that_goes_away(small: Dumped, fresh_mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_arguments: object) -> None:
        fresh_mariadb.kill()

    monkeypatch.setattr(load_module, "drop_existing", gone)
    assert "the server stopped answering" in str(small.refusal(ServerUnavailable, fresh_mariadb))
