"""The demo: start servers under var/demo/, back up, check the backup, restore it, prove it, start the web app.

VEX_MYDUMPER_DIR names a directory with another MyDumper than that on PATH.

scripts/demo and scripts/demo-down run it.
"""

from __future__ import annotations

import contextlib
import email.policy
import fcntl
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pymysql
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers import sample_data
from tests.servers.mariadb import MariaDB
from tests.servers.ports import free_port
from tests.servers.process import Process, ServerFailed
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.webstatus import WebStatus

ROOT = Path(__file__).resolve().parent.parent
DIRECTORY = ROOT / "var" / "demo"
STATE = DIRECTORY / "state.json"
GRANTS = ROOT / "collections/ansible_collections/vex/backup/roles/log_schema/files/grants"
NEEDED_BYTES = 1_500_000_000
START_AGAIN = "run `make demo-down`, remove var/demo and try again"

# The privileges that a dump needs. MySQL calls BINLOG MONITOR REPLICATION CLIENT.
BACKUP_GRANT = "SELECT, RELOAD, PROCESS, LOCK TABLES, SHOW VIEW, TRIGGER, EVENT, BINLOG MONITOR ON *.*"
ACCOUNTS = ("vex_backup", "vex_backup_migrator", "vex_backup_writer", "vex_backup_web")
# inventories/demo leaves the copy out of the backups.
RESTORE = {
    "vex_backup_restore_database": "portal",
    "vex_backup_restore_as": "portal_copia",
    "vex_backup_restore_overwrite": True,
    "vex_backup_restore_yes": True,
}
ATTACHMENTS = {"backup_script.log", "mydumper_log.log"}


class DemoFailed(Exception):
    """The demo failed. The message says why, and *remedy* says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Servers(NamedTuple):
    """The demo's servers."""

    mariadb: MariaDB
    s3: SeaweedFS
    smtp: Process
    smtp_port: int
    mails: Path


def main() -> int:
    """Run ``up`` or ``down``. Return the exit status."""
    DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (DIRECTORY / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return {"up": up, "down": down}[sys.argv[1]]()
        except BlockingIOError:
            problem, remedy = "another demo is running in this checkout", "wait until it ends"
        except DemoFailed as error:
            problem, remedy = str(error), error.remedy
        except ServerFailed as error:
            problem, remedy = str(error), START_AGAIN
        except (OSError, pymysql.MySQLError, BotoCoreError, ClientError) as error:
            problem, remedy = f"{type(error).__name__}: {error}", START_AGAIN
        except KeyboardInterrupt:
            problem, remedy = "interrupted", "run `make demo-down` to stop the servers"
    print(f"demo: failed: {problem}\ndemo: what to do: {remedy}", file=sys.stderr)
    return 1


def up() -> int:
    """Start the servers that do not run yet, make one backup, check, restore and prove it, and start the web app."""
    if shutil.disk_usage(DIRECTORY).free < NEEDED_BYTES:
        raise DemoFailed(
            f"less than {NEEDED_BYTES / 1e9:.1f} GB is free under {DIRECTORY}", "free some space on that disk"
        )
    state = json.loads(STATE.read_text()) if STATE.exists() else {}
    servers = servers_of(state)
    with stage("starting MariaDB"):
        servers.mariadb.start()
    with stage("starting SeaweedFS, the S3 server"):
        servers.s3.start()
    with stage("starting the mail server"):
        start_smtp(servers)
    state = save(servers, state)
    if not state["filled"]:
        with stage("creating three sample databases"):
            fill(servers.mariadb)
        state = save(servers, {**state, "filled": True})
    with stage("creating the accounts"):
        make_accounts(servers.mariadb, state["passwords"])
    with stage("creating the tables of the log database", newline=True):
        playbook("schema.yml")
        grant(servers.mariadb, "writer.sql", "web.sql")
    before = servers.mariadb.execute("SELECT COALESCE(MAX(id), 0) FROM vex_backup.backup_log")[0][0]
    mails_before = set(servers.mails.glob("*.eml"))
    with stage("making a backup", newline=True):
        playbook("backup.yml")
    with stage("checking the record, the uploaded archive and the mail"):
        line = check_backup(servers, before, mails_before)
    with stage("restoring a database under another name", newline=True):
        playbook("restore.yml", RESTORE)
    with stage("proving the backup on a scratch server", newline=True):
        playbook("verify.yml", {"vex_backup_verify_hosts": "all"})
    with stage("starting the web app"):
        web = web_app(servers.mariadb, state)
        # A running app may have an older version of the code.
        web.stop()
        web.start()
        state = write_state({**state, "web": {**state["web"], "port": web.port}})
        login = administrator(web, state)
    print(f"demo: databases, bucket and mails are under {DIRECTORY}; `make demo-down` stops the servers")
    print(f"{line} url={web.url} user={login['user']} password={login['password']}")
    return 0


def down() -> int:
    """Stop the servers."""
    servers = servers_of(json.loads(STATE.read_text()))
    web = Process("webstatus", DIRECTORY / "web", detached=True)
    for process in (web, servers.smtp, servers.s3.process, servers.mariadb.process):
        print(f"demo: {process.name} {'stopped' if process.pid else 'was not running'}")
    web.stop()
    servers.smtp.stop()
    servers.s3.stop()
    servers.mariadb.stop()
    return 0


@contextlib.contextmanager
def stage(what: str, *, newline: bool = False) -> Iterator[None]:
    """Print a stage's name and its duration."""
    print(f"demo: {what} ...", end="\n" if newline else " ", flush=True)
    started = time.monotonic()
    yield
    print(f"{'demo: ' if newline else ''}done in {time.monotonic() - started:.1f} s", flush=True)


def servers_of(state: dict[str, Any]) -> Servers:
    """Return the servers with the ports and keys of *state*, or with new ones where it has none."""
    smtp = Process("smtp", DIRECTORY, detached=True)
    smtp_port = state.get("smtp", {}).get("port")
    s3 = state.get("s3", {})
    return Servers(
        mariadb=MariaDB(DIRECTORY / "mariadb", port=state.get("mariadb", {}).get("port"), detached=True),
        s3=SeaweedFS(DIRECTORY / "s3", ports=s3.get("ports"), keys=s3.get("login"), detached=True),
        smtp=smtp,
        smtp_port=smtp_port if smtp.pid and smtp_port else free_port(smtp_port),
        mails=DIRECTORY / "mails",
    )


def save(servers: Servers, state: dict[str, Any]) -> dict[str, Any]:
    """Save the servers' ports, keys and passwords with *state*. Return the new state."""
    passwords = state.get("passwords", {})
    store = servers.s3
    state = {
        "directory": str(DIRECTORY),
        "filled": state.get("filled", False),
        "passwords": {name: passwords.get(name) or secrets.token_urlsafe(24) for name in ACCOUNTS},
        "mariadb": {"socket": servers.mariadb.socket, "port": servers.mariadb.port},
        "s3": {
            "endpoint": store.endpoint,
            "ports": store.ports,
            "login": {
                name: getattr(store, name) for name in ("access_key", "secret_key", "ro_access_key", "ro_secret_key")
            },
        },
        "smtp": {"port": servers.smtp_port},
        "web": {"secret_key": secrets.token_urlsafe(48), **state.get("web", {})},
    }
    return write_state(state)


def write_state(state: dict[str, Any]) -> dict[str, Any]:
    """Write the state file, which inventories/demo, the next demo and demo-down read. It holds passwords."""
    partial = STATE.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(state, indent=2) + "\n")
    partial.rename(STATE)
    return state


def start_smtp(servers: Servers) -> None:
    """Start the mail server unless it runs already."""

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", servers.smtp_port), 1):
            return True
        return False

    if servers.smtp.pid is None:
        argv = [sys.executable, "-m", "tests.servers.smtp"]
        servers.smtp.start([*argv, f"--directory={servers.mails}", f"--port={servers.smtp_port}"], answers)


def fill(mariadb: MariaDB) -> None:
    """Create the sample databases. Drop what an interrupted run has left of them."""
    mariadb.execute(*(f"DROP DATABASE IF EXISTS `{name}`" for name in sample_data.DATABASES))
    with contextlib.closing(mariadb.connect()) as connection:
        sample_data.fill(connection)


def make_accounts(mariadb: MariaDB, passwords: dict[str, str]) -> None:
    """Create the accounts. The writer's and the web app's grants need the log tables, so they follow later."""
    for name in ACCOUNTS:
        mariadb.create_account(name, passwords[name])
    mariadb.execute(f"GRANT {BACKUP_GRANT} TO vex_backup@localhost")
    mariadb.execute(*shipped_grants("migrator.sql"))


def grant(mariadb: MariaDB, *names: str) -> None:
    """Run grants files of the collection. The log database's tables must exist."""
    for name in names:
        mariadb.execute(*shipped_grants(name))


def web_app(mariadb: MariaDB, state: dict[str, Any]) -> WebStatus:
    """Return the web app of the demo's log database."""
    settings = {
        "secret_key": state["web"]["secret_key"],
        "log_db_unix_socket": mariadb.socket,
        "log_db_password": state["passwords"]["vex_backup_web"],
    }
    return WebStatus(DIRECTORY / "web", settings, state["web"].get("port"), detached=True)


def administrator(web: WebStatus, state: dict[str, Any]) -> dict[str, str]:
    """Create an administrator unless that of *state* can still log in. Return ``user`` and ``password``."""
    known: dict[str, str] | None = state["web"].get("administrator")
    if known and web.accepts(known["user"], known["password"]):
        return known
    user = f"admin-{secrets.token_hex(2)}" if known else "admin"
    password = secrets.token_urlsafe(12)
    web.create_administrator(user, password)
    if not web.accepts(user, password):
        raise DemoFailed(f"the new administrator {user} cannot log in to the web app", f"see {web.process.log}")
    login = {"user": user, "password": password}
    write_state({**state, "web": {**state["web"], "administrator": login}})
    return login


def shipped_grants(name: str) -> list[str]:
    """Return the statements of one grants file, for accounts of the host localhost."""
    text = re.sub(r"^--.*$", "", (GRANTS / name).read_text(), flags=re.MULTILINE)
    return [statement.strip().replace("@'%'", "@'localhost'") for statement in text.split(";") if statement.strip()]


def playbook(name: str, variables: dict[str, Any] | None = None) -> None:
    """Run a playbook with inventories/demo. Print its tasks as they start."""
    log = DIRECTORY / f"{Path(name).stem}.log"
    argv = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "inventories/demo", f"playbooks/{name}"]
    argv += ["-e", json.dumps(variables or {})]
    # Ansible needs a UTF-8 locale, which a minimal system does not set.
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(filter(None, (os.environ.get("VEX_MYDUMPER_DIR"), os.environ["PATH"]))),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
    }
    with subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as process:
        output = []
        for line in process.stdout or ():
            output.append(line)
            if task := re.match(r"TASK \[(?:.* : )?(.*)\]", line):
                print(f"demo:   {task[1]}", flush=True)
    log.write_text("".join(output))
    if process.returncode:
        raise DemoFailed(f"playbooks/{name} failed; the end of its output:\n{''.join(output[-40:])}", f"see {log}")


def check_backup(servers: Servers, before: int, mails_before: set[Path]) -> str:
    """Check the new record, the uploaded archive and the mail. Return the demo's last line."""
    rows = servers.mariadb.execute(
        "SELECT b.run_uuid, b.status_backup, u.status_upload, u.caminho_arquivo, u.bucket"
        " FROM vex_backup.backup_log b LEFT JOIN vex_backup.upload_s3_log u ON u.backup_id = b.id"
        f" WHERE b.id > {before}"
    )
    if len(rows) != 1:
        raise DemoFailed(f"the backup wrote {len(rows)} records instead of one", f"see {DIRECTORY / 'backup.log'}")
    run, status, upload, key, bucket = rows[0]
    size = servers.s3.client().head_object(Bucket=bucket, Key=key)["ContentLength"] if upload == 1 else 0
    mail = int(any(is_report(path) for path in set(servers.mails.glob("*.eml")) - mails_before))
    line = f"demo: run={run} status={status} upload={upload} mail={mail} key={key} bytes={size}"
    if (status, upload, mail) != (1, 1, 1):
        raise DemoFailed(f"the backup, its upload or its mail failed\n{line}", f"see {DIRECTORY / 'backup.log'}")
    return line


def is_report(path: Path) -> bool:
    """Return whether a mail is the report of a backup with both logs attached."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    names = {part.get_filename() for part in message.iter_attachments()}
    return "Rotina de backup" in message["subject"] and names == ATTACHMENTS


if __name__ == "__main__":
    sys.exit(main())
