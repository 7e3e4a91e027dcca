# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of ``vex-backup``."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import typing as t

from .check import check
from .identity import become_user
from .places import COLLECTION, Places
from .run import run
from .statuses import CommandError

FIRST_SERVER = "server"
EPILOG = """exit status: 0 done; 1 the backup failed, or check found something; 2 wrong usage or configuration;
75 a run is in progress, nothing was done"""


def main(release: str, arguments: t.Optional[t.Sequence[str]] = None) -> int:
    """Do what the command line asks for.

    :param release: the directory with the programs
    :returns: the exit status
    """
    asked = _parser(release).parse_args(arguments)
    places = Places(release, asked.instance or FIRST_SERVER)
    try:
        become_user(places)
        if asked.command == "run":
            return run(places, verbose=asked.verbose)
        return check(places, as_json=asked.json)
    except CommandError as error:
        sys.stderr.write(f"vex-backup: {error}\n")
        return error.status


def version(release: str) -> str:
    """The collection's version, which the command shares."""
    with open(os.path.join(release, COLLECTION, "MANIFEST.json"), encoding="utf-8") as manifest:
        return str(json.load(manifest)["collection_info"]["version"])


def _parser(release: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vex-backup", description="Back this host's MySQL or MariaDB up.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"vex-backup {version(release)}")
    parser.add_argument(
        "--instance", type=_instance, metavar="NAME", help="a second server of this host (vex_backup_host_instance)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="run | check")
    running = commands.add_parser("run", help="back up now; says nothing unless something fails", epilog=EPILOG)
    running.add_argument("-v", "--verbose", action="store_true", help="show what Ansible says, not in the log then")
    checking = commands.add_parser("check", help="say whether a run could do its work", epilog=EPILOG)
    checking.add_argument("--json", action="store_true", help="for programs")
    return parser


def _instance(text: str) -> str:
    # It becomes part of a path.
    if not re.fullmatch("[a-z0-9-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a word of a-z, 0-9 and -")
    return text
