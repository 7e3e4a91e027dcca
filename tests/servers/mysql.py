"""A private MySQL server, from Debian's packages, without an installation."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.servers import debian
from tests.servers.database_server import DatabaseServer, as_root, prepared_data
from tests.servers.process import ServerFailed


class MySQL(DatabaseServer):
    """A MySQL server."""

    program = "mysqld"
    own_options = ("--mysqlx=OFF", "--secure-file-priv=NULL", "--innodb-redo-log-capacity=32M")

    def _command(self) -> list[str]:
        programs = debian.programs(debian.MYSQL)
        return [str(programs / "mysqld"), "--no-defaults", *as_root(), f"--basedir={programs.parent / 'usr'}"]

    def _empty_data(self) -> Path:
        command = self._command()
        version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
        return prepared_data("mysql", version, lambda scratch: _initialise(command, scratch / "data"))

    def _give_keys(self) -> list[str]:
        keyring = {"path": str(self.directory / "keys"), "read_only": False}
        manifest = {"components": f"file://{debian.KEYRING}"}
        (self.data / f"{debian.KEYRING}.cnf").write_text(json.dumps(keyring), encoding="utf-8")
        (self.data / debian.MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        return []


def _initialise(command: list[str], data: Path) -> None:
    argv = [*command, "--initialize-insecure", f"--datadir={data}"]
    made = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    if made.returncode != 0:
        raise ServerFailed(f"mysqld --initialize-insecure failed:\n{made.stdout}{made.stderr}")
    # Each server makes its own identity when it starts.
    (data / "auto.cnf").unlink()
