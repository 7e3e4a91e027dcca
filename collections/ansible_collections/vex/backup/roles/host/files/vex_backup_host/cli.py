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

from .audit import audit
from .check import check
from .identity import become_user
from .places import COLLECTION, Places
from .prune import hold, prune
from .restore import restore
from .run import run
from .statuses import CommandError
from .stored import show_backups

FIRST_SERVER = "server"
LAST_PORT = 65535
EPILOG = """exit status: 0 done; 1 it failed, or check or audit found something; 2 wrong usage or configuration;
75 a run is in progress, nothing was done"""
NAME = re.compile(r"backup_\d{8}_\d{6}")
ADDRESS = re.compile(r"(?P<host>[^\s:\[\]]+|\[[^\s\[\]]+\])(?::(?P<port>\d{1,5}))?")

ACTIONS: dict[str, t.Callable[[Places, argparse.Namespace], int]] = {
    "run": lambda places, asked: run(places, verbose=asked.verbose),
    "check": lambda places, asked: check(places, as_json=asked.json),
    "prune": lambda places, asked: prune(places, dry_run=asked.dry_run),
    "hold": lambda places, asked: hold(places, asked.name, held=True),
    "release": lambda places, asked: hold(places, asked.name, held=False),
    "audit": lambda places, asked: audit(places, deep=asked.deep, as_json=asked.json),
    "list": lambda places, asked: show_backups(
        places, server=asked.server, every_server=asked.every_server, as_json=asked.json
    ),
    "restore": restore,
}


def main(release: str, arguments: t.Optional[t.Sequence[str]] = None) -> int:
    """Do what the command line asks for.

    :param release: the directory with the programs
    :returns: the exit status
    """
    asked = _parser(release).parse_args(arguments)
    places = Places(release, asked.instance or FIRST_SERVER)
    try:
        become_user(places)
        return ACTIONS[asked.command](places, asked)
    except CommandError as error:
        sys.stderr.write(f"vex-backup: {error}\n")
        return error.status


def version(release: str) -> str:
    """The collection's version, which the command shares."""
    with open(os.path.join(release, COLLECTION, "MANIFEST.json"), encoding="utf-8") as manifest:
        return str(json.load(manifest)["collection_info"]["version"])


def address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST[:PORT]``; 0 for the usual port.

    :raises argparse.ArgumentTypeError: for what is none
    """
    found = ADDRESS.fullmatch(text)
    port = int(found["port"] or 0) if found else 0
    if found is None or port > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT")
    return found["host"].strip("[]"), port


def _parser(release: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vex-backup", description="Back this host's MySQL or MariaDB up.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"vex-backup {version(release)}")
    parser.add_argument(
        "--instance", type=_instance, metavar="NAME", help="a second server of this host (vex_backup_host_instance)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(ACTIONS))
    running = commands.add_parser("run", help="back up now; says nothing unless something fails", epilog=EPILOG)
    running.add_argument("-v", "--verbose", action="store_true", help="show what Ansible says, not in the log then")
    checking = commands.add_parser("check", help="say whether a run could do its work", epilog=EPILOG)
    checking.add_argument("--json", action="store_true", help="for programs")
    pruning = commands.add_parser("prune", help="remove from the bucket what no rule keeps", epilog=EPILOG)
    pruning.add_argument("--dry-run", action="store_true", help="only say what becomes of each backup, and why")
    for command, does in (("hold", "keep a backup from retention"), ("release", "give a held backup back to it")):
        commands.add_parser(command, help=does, epilog=EPILOG).add_argument("name", type=_name, metavar="NAME")
    auditing = commands.add_parser("audit", help="compare the bucket with itself and the log tables", epilog=EPILOG)
    auditing.add_argument("--deep", action="store_true", help="read every archive back")
    auditing.add_argument("--json", action="store_true", help="for programs")
    listing = commands.add_parser("list", help="show the backups in the bucket", epilog=EPILOG)
    listing.add_argument("--json", action="store_true", help="for programs")
    whose = listing.add_mutually_exclusive_group()
    whose.add_argument("--server", metavar="NAME", help="those of another server in the same bucket")
    whose.add_argument("--every-server", action="store_true", help="those of every server")
    _add_restore(
        commands.add_parser("restore", help="bring a backup back; shows first what it would do", epilog=EPILOG)
    )
    return parser


def _add_restore(restoring: argparse.ArgumentParser) -> None:
    which = restoring.add_mutually_exclusive_group()
    which.add_argument("--latest", action="store_true", help="the newest backup, which is the default")
    which.add_argument("--at", metavar="TIME", help="the newest one taken until then: 'YYYY-MM-DD HH:MM', UTC")
    which.add_argument("--name", help="the one of this name: backup_YYYYMMDD_HHMMSS")
    restoring.add_argument("--server", metavar="NAME", help="a backup of another server in the same bucket")
    restoring.add_argument("--database", metavar="D", help="this database alone")
    restoring.add_argument("--as", dest="restore_as", metavar="E", help="the database under this name")
    restoring.add_argument("--table", metavar="T", help="this table of the database alone")
    restoring.add_argument(
        "--to", type=address, metavar="HOST[:PORT]", help="into another server than the one that is backed up"
    )
    restoring.add_argument("--user", help="log in there as this account; asks for its password, or reads a line")
    restoring.add_argument("--threads", type=int, metavar="N", help="tables, or pieces of them, at a time")
    restoring.add_argument("--overwrite", action="store_true", help="drop what is in the way")
    restoring.add_argument("--yes", action="store_true", help="do what the plan says")


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a backup, such as backup_20260101_030000")
    return text


def _instance(text: str) -> str:
    # It becomes part of a path.
    if not re.fullmatch("[a-z0-9-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a word of a-z, 0-9 and -")
    return text
