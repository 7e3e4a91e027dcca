# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of ``vex-backup``."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import re
import sys
import typing as t

from .audit import audit
from .check import check
from .copy_backup import copy
from .identity import become_user
from .list_backups import show_backups
from .places import COLLECTION, Places
from .prune import hold, prune
from .restore import restore
from .run import run
from .statuses import CommandError
from .upload import upload

FIRST_SERVER = "server"
LAST_PORT = 65535
EPILOG = """exit status: 0 done; 1 failed, or check or audit found a problem; 2 wrong usage or configuration;
75 a run is in progress, nothing was done"""
NAME = re.compile(r"backup_\d{8}_\d{6}")
# As the option `at` of backup_download.
TIMES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
ADDRESS = re.compile(r"(?P<host>[^\s:\[\]]+|\[[^\s\[\]]+\])(?::(?P<port>\d{1,5}))?")

ACTIONS: dict[str, t.Callable[[Places, argparse.Namespace], int]] = {
    "run": lambda places, options: run(places, verbose=options.verbose),
    "check": lambda places, options: check(places, as_json=options.json),
    "prune": lambda places, options: prune(places, dry_run=options.dry_run, destination=options.destination),
    "upload": lambda places, _options: upload(places),
    "hold": lambda places, options: hold(places, options.name, held=True, destination=options.destination),
    "release": lambda places, options: hold(places, options.name, held=False, destination=options.destination),
    "audit": lambda places, options: audit(
        places, deep=options.deep, as_json=options.json, destination=options.destination
    ),
    "list": lambda places, options: show_backups(
        places,
        server=options.server,
        every_server=options.every_server,
        destination=options.destination,
        as_json=options.json,
    ),
    "restore": restore,
    "copy": copy,
}


def main(release: str, arguments: t.Optional[t.Sequence[str]] = None) -> int:
    """Carry out a command line.

    :param release: path of the directory with the programs
    :returns: the exit status
    """
    options = _parser(release).parse_args(arguments)
    if options.command == "restore" and options.database is None and (options.restore_as or options.table):
        options.refuse("--as and --table apply to one database: give --database too")
    places = Places(release, options.instance or FIRST_SERVER)
    try:
        become_user(places)
        return ACTIONS[options.command](places, options)
    except CommandError as error:
        sys.stderr.write(f"vex-backup: {error}\n")
        return error.status


def version(release: str) -> str:
    """Return the version of the collection, which is the command's too."""
    with open(os.path.join(release, COLLECTION, "MANIFEST.json"), encoding="utf-8") as manifest:
        return str(json.load(manifest)["collection_info"]["version"])


def address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST[:PORT]``; the port is 0 when it is not given.

    :raises argparse.ArgumentTypeError: when *text* has another form
    """
    found = ADDRESS.fullmatch(text)
    port = int(found["port"] or 0) if found else 0
    if found is None or port > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT")
    return found["host"].strip("[]"), port


def _parser(release: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vex-backup", description="Back up the MySQL or MariaDB server of this host.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=f"vex-backup {version(release)}")
    parser.add_argument(
        "--instance", type=_instance, metavar="NAME", help="a second server of this host (vex_backup_host_instance)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar=" | ".join(ACTIONS))
    running = commands.add_parser("run", help="back up now; print nothing unless the backup fails", epilog=EPILOG)
    running.add_argument(
        "-v", "--verbose", action="store_true", help="print Ansible's output instead of writing it to the log"
    )
    checking = commands.add_parser("check", help="check everything that a run needs", epilog=EPILOG)
    checking.add_argument("--json", action="store_true", help="print JSON")
    pruning = commands.add_parser("prune", help="remove backups that no retention rule keeps", epilog=EPILOG)
    pruning.add_argument("--dry-run", action="store_true", help="print what would be kept or removed, and why")
    _add_from(pruning, "only in this destination")
    commands.add_parser("upload", help="upload the archives that earlier runs could not upload", epilog=EPILOG)
    for command, description in (("hold", "protect a backup from retention"), ("release", "end the hold of a backup")):
        holding = commands.add_parser(command, help=description, epilog=EPILOG)
        holding.add_argument("name", type=_name, metavar="NAME")
        _add_from(holding)
    auditing = commands.add_parser(
        "audit", help="compare the bucket with itself and with the log tables", epilog=EPILOG
    )
    auditing.add_argument("--deep", action="store_true", help="download every archive and check it")
    auditing.add_argument("--json", action="store_true", help="print JSON")
    _add_from(auditing, "only this destination")
    listing = commands.add_parser("list", help="show the backups in the bucket", epilog=EPILOG)
    listing.add_argument("--json", action="store_true", help="print JSON")
    _add_from(listing)
    whose = listing.add_mutually_exclusive_group()
    whose.add_argument("--server", metavar="NAME", help="the backups of another server in the same bucket")
    whose.add_argument("--every-server", action="store_true", help="the backups of every server")
    _add_restore(
        commands.add_parser("restore", help="restore a backup; without --yes, only print the plan", epilog=EPILOG)
    )
    _add_copy(commands.add_parser("copy", help="copy a backup to another destination", epilog=EPILOG))
    return parser


def _add_copy(copying: argparse.ArgumentParser) -> None:
    copying.add_argument(
        "--from", dest="destination", metavar="DESTINATION", required=True, help="the destination that has the backup"
    )
    copying.add_argument("--to", dest="target", metavar="DESTINATION", required=True, help="the destination to copy to")
    which = copying.add_mutually_exclusive_group()
    which.add_argument(
        "--at", type=_time, metavar="TIME", help="the newest backup taken by then: 'YYYY-MM-DD HH:MM', UTC"
    )
    which.add_argument("--name", type=_name, help="the backup of this name; without it and --at, the newest")


def _add_from(
    command: argparse.ArgumentParser, meaning: str = "in this destination, not the first that answers"
) -> None:
    command.add_argument("--from", dest="destination", metavar="DESTINATION", help=meaning)


def _add_restore(restoring: argparse.ArgumentParser) -> None:
    restoring.set_defaults(refuse=restoring.error)
    which = restoring.add_mutually_exclusive_group()
    which.add_argument("--latest", action="store_true", help="the newest backup (the default)")
    which.add_argument(
        "--at", type=_time, metavar="TIME", help="the newest backup taken by then: 'YYYY-MM-DD HH:MM', UTC"
    )
    which.add_argument("--name", type=_name, help="the backup of this name: backup_YYYYMMDD_HHMMSS")
    _add_from(restoring, "from this destination, not from the first that answers")
    restoring.add_argument("--server", metavar="NAME", help="a backup of another server in the same bucket")
    restoring.add_argument("--database", metavar="D", help="only this database")
    restoring.add_argument("--as", dest="restore_as", metavar="E", help="restore the database under this name")
    restoring.add_argument("--table", metavar="T", help="only this table of the database")
    restoring.add_argument(
        "--accounts", action="store_true", help="also the accounts and grants that the server does not have"
    )
    restoring.add_argument(
        "--to",
        type=address,
        metavar="HOST[:PORT]",
        help="restore into this server instead of the one that is backed up",
    )
    restoring.add_argument(
        "--user", help="account on that server; its password is prompted for, or read from standard input"
    )
    restoring.add_argument(
        "--threads", type=_number, metavar="N", help="number of tables, or chunks of tables, loaded at the same time"
    )
    restoring.add_argument(
        "--thaw", action="store_true", help="wait, for hours, until a backup in cold storage can be read"
    )
    restoring.add_argument("--overwrite", action="store_true", help="drop existing tables of the same name first")
    restoring.add_argument("--yes", action="store_true", help="restore")


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a backup's name, such as backup_20260101_030000")
    return text


def _time(text: str) -> str:
    for form in TIMES:
        with contextlib.suppress(ValueError):
            datetime.datetime.strptime(text.strip().replace("T", " ").rstrip("Z"), form)
            return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a time: write 2026-01-31, '2026-01-31 03:00' or '2026-01-31 03:00:00', in UTC"
    )


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _instance(text: str) -> str:
    # The name becomes part of a path.
    if not re.fullmatch("[a-z0-9-]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a word of a-z, 0-9 and -")
    return text
