"""The command ``vex-webstatus``: serve the app, create an administrator, list overdue servers."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import logging
import sys
import time
from collections.abc import Sequence

import uvicorn
from sqlalchemy import select
from starlette.applications import Starlette

from webstatus import accounts
from webstatus.app import create_app, utc_now
from webstatus.database import Database
from webstatus.errors import DatabaseAway, SchemaTooOld
from webstatus.i18n import ENGLISH, translations
from webstatus.models import Privilege
from webstatus.queries import fleet
from webstatus.security import passwords
from webstatus.security.sessions import ADMINISTRATOR
from webstatus.security.trail import Actor
from webstatus.server import BoundedProtocol
from webstatus.settings import Settings, SettingsWrong, load

FAILED = 1
USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0, 1 when it failed, or 2 when settings or arguments are wrong."""
    parser = argparse.ArgumentParser(prog="vex-webstatus", description="The status web app of Vex Backup.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="serve the app; docs/reference/webstatus-settings.md lists its settings")
    commands.add_parser(
        "overdue", help="print the servers whose backup is overdue, as JSON; playbooks/watch.yml reads it"
    )
    admin = commands.add_parser("create-admin", help="create an administrator")
    admin.add_argument("--login", required=True, help="the login of the new user")
    admin.add_argument("--name", help="the name of the new user (default: the login)")
    admin.add_argument(
        "--generate",
        action="store_true",
        help="print a one-time password, which the user must change at the first login",
    )
    options = parser.parse_args(arguments)
    log_to_stderr(logging.INFO if options.command == "serve" else logging.WARNING)
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
        pass  # The check has logged the error and the name of the playbook.
    except DatabaseAway:
        print("vex-webstatus: the log database does not answer; the line above has its error", file=sys.stderr)
    except (EOFError, KeyboardInterrupt):
        print("vex-webstatus: cancelled", file=sys.stderr)
    return FAILED


def log_to_stderr(level: int) -> None:
    """Write the log to standard error, with times in UTC."""
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])


def serve(settings: Settings) -> int:
    """Serve the app until a signal stops it. It starts even while the log database does not answer.

    :raises SchemaTooOld: when the log database's schema is older than the app needs
    """
    database = Database(settings)
    try:
        with database.session():
            pass
    except SchemaTooOld:
        raise
    except DatabaseAway:
        logging.getLogger(__name__).warning("the log database does not answer: pages show error 503 until it does")
    finally:
        database.close()
    server = uvicorn.Server(server_config(settings, create_app(settings)))
    server.run()
    return 0 if server.started else FAILED


def server_config(settings: Settings, app: Starlette) -> uvicorn.Config:
    """Return the configuration of the HTTP server."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedProtocol,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        log_config=None,
        access_log=False,
    )


def overdue(settings: Settings) -> int:
    """Print the overdue servers as a JSON list of objects.

    Their keys: ``hostname``, ``due`` (UTC), ``last_backup`` (UTC, or null) and ``tolerance_minutes``.

    :raises DatabaseAway: when the log database does not answer or its schema is too old
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
    """Create an administrator. Ask for the password, or *generate* and print one.

    :raises DatabaseAway: when the log database does not answer or its schema is too old
    """
    if generate:
        password = passwords.one_time_password()
    else:
        password = ask("Password: ")
        if password != ask("Repeat the password: "):
            print("vex-webstatus: the passwords differ; try again", file=sys.stderr)
            return FAILED
    database = Database(settings)
    try:
        with database.session() as session:
            privilege = session.scalars(select(Privilege.id).where(Privilege.name == ADMINISTRATOR)).one()
            until = utc_now() + settings.one_time_password_lifetime if generate else None
            profile = accounts.Profile(name, login, password, privilege, one_time_until=until)
            accounts.create(session, Actor(None, "vex-webstatus", ""), profile, utc_now())
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
    """Read a password from the terminal without echo, or from standard input when a script runs this."""
    return getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


if __name__ == "__main__":
    sys.exit(main())
