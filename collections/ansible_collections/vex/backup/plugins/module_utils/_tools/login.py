# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trial logins of the programs that a dump runs, with the option file that they get: for ``check``."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import run
from ansible_collections.vex.backup.plugins.module_utils._errors import ToolLoginFailed

SECONDS = 60
_SHOWN_CHARACTERS = 500


def client_login(client: str, option_file: str) -> t.List[str]:
    """Return the command with which the server's client logs in and ends."""
    return [client, f"--defaults-file={option_file}", "--batch", "--execute=DO 0"]


def mydumper_login(program: str, option_file: str, database: str, output: str, options: t.Sequence[str]) -> t.List[str]:
    """Return the command with which MyDumper logs in, dumps nothing and ends.

    :param database: any that the account may read
    :param output: directory that does not exist; it gets the file ``metadata``
    :param options: of the version and the server, without locks
    """
    return [
        program,
        f"--defaults-file={option_file}",
        f"--outputdir={output}",
        f"--database={database}",
        *("--no-data", "--no-schemas", "--threads=1"),
        *options,
    ]


def try_login(command: t.Sequence[str], environment: t.Optional[t.Mapping[str, str]] = None) -> None:
    """Run a command that logs in.

    :raises ToolLoginFailed: with what the program printed
    """
    done = run(command, environment=environment, timeout=SECONDS)
    if done.returncode:
        reason = " ".join(f"{done.stderr}\n{done.stdout}".split())[-_SHOWN_CHARACTERS:]
        raise ToolLoginFailed(
            f"{os.path.basename(command[0])} cannot log in to the server that this host reaches: "
            f"{reason or f'exit status {done.returncode}'}"
        )
