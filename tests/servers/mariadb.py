"""A private MariaDB server from the distribution's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers import debian
from tests.servers.database_server import OPTIONS, DatabaseServer, as_root, prepared_data
from tests.servers.process import ServerFailed


class MariaDB(DatabaseServer):
    """A MariaDB server."""

    program = "mariadbd"
    own_options = (
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_ci",
        "--binlog-format=ROW",
        "--innodb-log-file-size=32M",
    )

    @classmethod
    def find(cls, program: str) -> str:
        """Return the path of one of the server's programs."""
        found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/libexec")
        if found is None:
            raise ServerFailed(f"{program} is not on this host; run scripts/setup")
        return found

    def _command(self) -> list[str]:
        return [self.find("mariadbd"), "--no-defaults", *as_root()]

    def _empty_data(self) -> Path:
        command = [self.find("mariadbd"), "--no-defaults", "--version"]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return prepared_data("mariadb", "\n".join([version, *OPTIONS, *self.own_options]), self._initialise)

    def _initialise(self, directory: Path) -> None:
        made = subprocess.run(
            [
                self.find("mariadb-install-db"),
                "--no-defaults",
                *as_root(),
                f"--datadir={directory / 'data'}",
                "--force",  # accept a host whose name has no address
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=32M",
            ],
            capture_output=True,
            check=False,
        )
        if made.returncode != 0:
            output = (made.stdout + made.stderr).decode("utf-8", "replace")
            raise ServerFailed(f"mariadb-install-db failed:\n{output}")
        with type(self)(directory) as server:
            accounts = server.execute("SELECT user, host FROM mysql.user WHERE host <> 'localhost' OR user = ''")
            for user_name, host in accounts:
                server.execute(f"DROP USER '{user_name}'@'{host}'")
            server.execute("RESET MASTER")


class MariaDB11(MariaDB):
    """A MariaDB server of version 11.8, whatever version this machine has."""

    @classmethod
    def find(cls, program: str) -> str:
        """Return the path of one of the server's programs."""
        return str(debian.programs(debian.MARIADB) / program)

    def _give_keys(self) -> list[str]:
        keys = self.directory / "keys"
        keys.write_text("".join(f"{number};{number:064x}\n" for number in (1, 7)), encoding="ascii")
        return ["--plugin-load-add=file_key_management", f"--file-key-management-filename={keys}"]
