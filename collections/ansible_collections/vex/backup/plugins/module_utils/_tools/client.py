# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server's own client, ``mysql`` or ``mariadb``: its program and the arguments that every use of it needs."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import find_program, run

REMEDY = "install the package mariadb-client or mysql-client"
_PROGRAM_SECONDS = 60
_VERSION = re.compile(r"\d+\.\d+\.\d+")

# A server ends a client that lost its connection; a new connection would have neither its snapshot nor its settings.
# The server alone limits the size of a statement or a row.
ARGUMENTS = (
    "--batch",
    "--default-character-set=utf8mb4",
    "--binary-mode",
    "--comments",
    "--skip-reconnect",
    "--max-allowed-packet=1G",
)
# Rows as the server sends them, one a line, at once.
QUERY_ARGUMENTS = ("--raw", "--skip-column-names", "--quick", "--unbuffered")


class Client(t.NamedTuple):
    """A client: its path, and its name and version for people."""

    path: str
    text: str


def find_client(product: str) -> Client:
    """Find the client of a server.

    :param product: ``mysql`` or ``mariadb``
    :raises ProgramMissing: naming the package to install
    """
    names = ["mariadb", "mysql"] if product == "mariadb" else ["mysql", "mariadb"]
    path = find_program(names, REMEDY)
    shown = run([path, "--version"], timeout=_PROGRAM_SECONDS).stdout
    # MariaDB's client shows its own version last.
    versions = _VERSION.findall(shown)
    return Client(path, f"{os.path.basename(path)} {versions[-1] if versions else shown.strip()}")
