"""``vex-webstatus``: serve the app, make an administrator."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import logging
import sys
from collections.abc import Sequence

import uvicorn
from sqlalchemy import select

from webstatus import accounts
from webstatus.app import create_app, utc_now
from webstatus.database import Database
from webstatus.errors import DatabaseAway, SchemaTooOld
from webstatus.i18n import ENGLISH, translations
from webstatus.models import Privilege
from webstatus.queries import fleet
from webstatus.security import passwords
from webstatus.security.sessions import ADMINISTRATOR
from webstatus.settings import Settings, SettingsWrong, load

FAILED = 1
USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit status: 0, 1 when it failed, 2 when the settings or arguments are wrong."""
    parser = argparse.ArgumentParser(prog="vex-webstatus", description="The status web app of Vex Backup.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve the app; settings: docs/reference/webstatus-settings.md")
    commands.add_parser("overdue", help="print, as JSON, the servers whose backup is overdue; playbooks/watch.yml asks")
    admin = commands.add_parser("create-admin", help="make an administrator")
    admin.add_argument("--login", required=True, help="what to log in with")
    admin.add_argument("--name", help="the person's name; default: the login")
    admin.add_argument(
        "--generate", action="store_true", help="print a one-time password, to be changed at the first login"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = load()
        if options.command == "create-admin":
            login = options.login.strip()
            return create_admin(settings, login, options.name or login, generate=options.generate)
        return overdue(settings) if options.command == "overdue" else serve(settings)
    except SettingsWrong as error:
        print(f"vex-webstatus: wrong settings:\n{error}", file=sys.stderr)
        return USAGE
    except SchemaTooOld:
        pass  # Said by the check itself, with the name of the playbook.
    except DatabaseAway:
        print("vex-webstatus: the log database does not answer; see the line above", file=sys.stderr)
    except (EOFError, KeyboardInterrupt):
        print("vex-webstatus: given up", file=sys.stderr)
    return FAILED


def serve(settings: Settings) -> int:
    """Serve until a signal ends it.

    :raises SchemaTooOld: when the log database lacks steps; one that is away does not keep the app from starting
    """
    database = Database(settings)
    try:
        with database.session():
            pass
    except SchemaTooOld:
        raise
    except DatabaseAway:
        logging.getLogger(__name__).warning("serving without the log database: pages say 503 until it is back")
    finally:
        database.close()
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else FAILED


def overdue(settings: Settings) -> int:
    """Print a JSON list: ``hostname``, ``due`` and ``last_backup`` (UTC) and ``tolerance_minutes`` of each server.

    :raises DatabaseAway: when the log database is away or too old
    """
    now = utc_now()
    with contextlib.closing(Database(settings)) as database, database.session() as session:
        servers = [state for state in fleet.fleet(session) if state.is_overdue(now)]
    print(
        json.dumps(
            [
                {
                    "hostname": state.hostname,
                    "due": str(state.due),
                    "last_backup": str(state.backup.finished) if state.backup else None,
                    "tolerance_minutes": int(state.schedule.tolerance.total_seconds() // 60) if state.schedule else 0,
                }
                for state in servers
            ]
        )
    )
    return 0


def create_admin(settings: Settings, login: str, name: str, *, generate: bool) -> int:
    """Make an administrator, with a password that is asked for or generated.

    :raises DatabaseAway: when the log database is away or too old
    """
    if generate:
        password = passwords.one_time_password()
    else:
        password = ask("Password: ")
        if password != ask("Again: "):
            print("vex-webstatus: the two passwords differ", file=sys.stderr)
            return FAILED
    database = Database(settings)
    try:
        with database.session() as session:
            privilege = session.scalars(select(Privilege.id).where(Privilege.nome == ADMINISTRATOR)).one()
            profile = accounts.Profile(name, login, password, privilege, must_change_password=generate)
            accounts.create(session, accounts.Actor(None, "vex-webstatus", ""), profile, utc_now())
            session.commit()
    except accounts.AccountRefused as error:
        print(f"vex-webstatus: {translations(ENGLISH).gettext(error.message)}", file=sys.stderr)
        return FAILED
    finally:
        database.close()
    if generate:
        print(f"login: {login}\none-time password: {password}")
    return 0


def ask(prompt: str) -> str:
    """A password, typed unseen at a terminal, else a line of standard input: scripts have no terminal."""
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


if __name__ == "__main__":
    sys.exit(main())
