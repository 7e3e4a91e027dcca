"""Deployment: a bare host gets the product, backs itself up by its own cron, and is bare again after uninstalling."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.vex.backup.roles.host.files.vex_backup_host.statuses import IN_PROGRESS
from tests.fleet.deployment import Deployment, wheelhouse
from tests.fleet.fleet import Control, Member, backup
from tests.fleet.hosts import Host, running
from tests.fleet.images import BARE_MARIADB, BARE_MYSQL
from tests.playbook import Row

WORK = "/var/backups/vex-backup"
# A password that a shell, YAML, Jinja and an option file would each change.
ODD_PASSWORD = "it's {{ 7 * 7 }} 'q\" \\ é#" + secrets.token_hex(4)
VENV_PYTHON = "/opt/vex-backup/venv/bin/python"
# Cron reads its files once a minute.
CRON_STARTS_WITHIN = 600
# The machine may be busy.
A_RUN_TAKES = 1800
EVERYWHERE = "find / -xdev -name '*vex-backup*' -not -path '/proc/*' -not -path '/exchange/*'"


@pytest.fixture(scope="session")
def mydumper(hosts: dict[str, Host]) -> Path:
    """Fetch a package of MyDumper for Debian 13, which has none: sid's."""
    host = hosts["mariadb-1"]
    fetched = host.shell("apt-get -qq update && apt-get -qq download mydumper", directory="/exchange")
    assert fetched.returncode == 0, fetched.stderr
    (package,) = host.exchange.glob("mydumper_*.deb")
    return package


@pytest.fixture
def bare(hosts: dict[str, Host]) -> Iterator[dict[str, Host]]:
    """Run hosts for one test, with a database to back up and no programs for it."""
    keys = hosts["mysql-1"].keys
    folder = keys.private.parent.parent
    made = {
        recipe.product: Host(f"bare-{recipe.product}", recipe, keys, folder / f"bare-{secrets.token_hex(4)}")
        for recipe in (BARE_MYSQL, BARE_MARIADB)
    }
    with running(made.values()):
        for host in made.values():
            host.execute("CREATE DATABASE shop", "CREATE TABLE shop.item (id int PRIMARY KEY)")
            host.execute("INSERT INTO shop.item VALUES (1), (2)")
            assert host.shell("command -v mydumper 7zz zstd logrotate").stdout == ""
        yield made


@pytest.fixture
def deploy(bare: dict[str, Host], control: Control, mydumper: Path, inventory_directory: Path) -> Deployment:
    """Prepare the deployment of both hosts, each by a name of its own; a test changes its ``members``."""
    members = [Member(host, control) for host in bare.values()]
    for member in members:
        member.work = member.variables["vex_backup_work_dir"] = WORK
        member.variables["vex_backup_login_password"] = ODD_PASSWORD
        member.variables["vex_backup_host_create_account"] = True
        member.variables["vex_backup_host_account_host"] = "%"
        if member.host.recipe.suite == "trixie":
            member.variables.update(
                {f"vex_backup_{name}": value for name, value in package_variables(mydumper).items()}
            )
    return Deployment(members, inventory_directory)


def test_from_bare_to_bare(deploy: Deployment, inventory_directory: Path) -> None:
    mysql, mariadb = deploy.members
    reports = second_server_of(mariadb)
    deploy.members.append(reports)
    scheduled: dict[str, Any] = {"schedule": "* * * * *", "schedule_spread_minutes": 0}

    planned = deploy("--check", **scheduled)
    assert planned.status == 0, planned.output
    assert all(changed > 0 for changed in planned.changed.values())
    for member in deploy.members:
        assert traces(member) == []

    first = deploy(**scheduled)
    assert first.status == 0, first.output
    deployed = time.monotonic()
    for member in deploy.members:
        await_run(member, deployed + CRON_STARTS_WITHIN + A_RUN_TAKES)
    for member in (mysql, mariadb):
        stop_cron(member.host)
    for member in deploy.members:
        row = expected(member)
        assert (row["agenda"], row["fuso"], row["tolerancia_minutos"]) == ("* * * * *", "UTC", 60)
        assert row["versao_servidor"].startswith(("MySQL 9.", "MariaDB 11."))

    again = deploy(**scheduled)
    assert again.status == 0, again.output
    assert set(again.changed.values()) == {0}, again.output

    for member in deploy.members:
        assert command(member, "--version")[1].startswith("vex-backup 1.")
        looked = command(member, "check")
        assert looked[0] == 0, looked
        assert {line.split()[0] for line in looked[1].splitlines()} == {"OK"}
        run_now(member)
    back_up_from_the_control_node(mysql, inventory_directory)
    for member in deploy.members:
        runs = member.observe()
        assert {row["status_backup"] for row in runs.backups} == {1}, [row["observacao"] for row in runs.backups]
        assert len(runs.mails) == len(runs.backups) >= 2
    for member in (mysql, mariadb):
        rotate_logs(member)
        assert_private(member)

    uninstall(deploy)


def test_impossible_settings_are_refused_before_a_change(deploy: Deployment, mydumper: Path) -> None:
    """Debian 13 has no MyDumper; a package is installed only with its checksum."""
    _mysql, mariadb = deploy.members
    right = package_variables(mydumper)
    wrong = {**right, "host_mydumper_sha256": "0" * 64}
    far = {"login_host": "db.example.com", "host_account_host": "localhost"}
    for name in right:
        del mariadb.variables[f"vex_backup_{name}"]
    # One host under several names, each with another wrong setting.
    refusals = {
        variant_of(mariadb, variables): words
        for variables, words in (
            ({}, "has no package of MyDumper. Set vex_backup_host_mydumper_package"),
            ({"host_mydumper_package": str(mydumper)}, "installed only with its SHA-256"),
            ({**far, **right}, "vex_backup_login_host is another machine: set vex_backup_host_account_host"),
            ({"schedule": "61 3 * * *", **right}, "'61' is not valid as the minute: give a value from 0 to 59"),
            (
                {"schedule": "0 3 * * *", "schedule_timezone": "America/Sao_Paulo", **right},
                "supports only the host's own",
            ),
            (wrong, f"has the SHA-256 {right['host_mydumper_sha256']}, not vex_backup_host_mydumper_sha256"),
        )
    }
    deploy.members = list(refusals)
    refused = deploy()
    assert refused.status == 2, refused.output
    assert [words for words in refusals.values() if words not in refused.said] == []
    assert refused.changed == {member.hostname: 0 for member in refusals}, refused.output
    assert traces(mariadb) == []

    deploy.members = [mariadb]
    mariadb.variables["vex_backup_host_create_account"] = False
    done = deploy(**right, host_wheelhouse="", host_index_url=index_on(mariadb.host))
    assert mariadb.host.shell("mydumper --version").returncode == 0
    # The account is missing, so the deployment is complete and the check at its end fails.
    assert done.status == 2
    assert "a backup could not run. `vex-backup check` on the host reports: server:" in done.said
    assert "refused the login of" in done.said


def uninstall(deploy: Deployment) -> None:
    """Uninstall, after two attempts that are refused."""
    mysql, mariadb, reports = deploy.members
    with run_in_progress(mysql.host), start_that_waits(mariadb.host, "--instance reports run"):
        refused = deploy(host_state="absent")
    assert refused.status == 2, refused.output
    assert "A run is in progress on the host" in refused.said
    assert "Processes of reports still run on the host" in refused.said
    assert mysql.host.shell("command -v vex-backup").returncode == 0
    with start_that_waits(mysql.host):
        left = deploy("--limit", f"{mysql.hostname},{mariadb.hostname}", host_state="absent")
    assert left.status == 2, left.output
    assert "Processes of vex-backup still run on the host" in left.said
    message = "is uninstalled, but other servers of the host still use the programs: /etc/vex-backup/reports.yml"
    assert message in left.said
    for member, is_left in ((mysql, True), (mariadb, False), (reports, True)):
        account = f"SELECT 1 FROM mysql.user WHERE User = '{member.account[0]}'"
        assert bool(member.host.execute(account)) == is_left, "a run that may still start needs its account"
        assert bool(expected(member)["ativo"]) == is_left
    gone = deploy(host_state="absent")
    assert gone.status == 0, gone.output
    assert all(refused.changed.values()), refused.output
    again = deploy(host_state="absent")
    assert (again.status, set(again.changed.values())) == (0, {0}), again.output
    for member in deploy.members:
        assert expected(member)["ativo"] == 0
        assert traces(member) == sorted({WORK, member.work})
        assert member.host.shell(f"ls {member.work}/*.zip").returncode == 0
        assert member.host.shell("getent passwd vex-backup").returncode == 2
        assert not member.host.execute(f"SELECT 1 FROM mysql.user WHERE User = '{member.account[0]}'")


def second_server_of(member: Member) -> Member:
    """Return a second entry of the inventory for the same host, which backs up the same server."""
    second = Member(member.host, member.control)
    second.variables["vex_backup_host_instance"] = "reports"
    second.variables["vex_backup_host_create_account"] = True
    second.variables["vex_backup_login_password"] = ODD_PASSWORD
    return second


def variant_of(member: Member, variables: dict[str, str]) -> Member:
    """Return another entry of the inventory for the same host, with more *variables*."""
    other = Member(member.host, member.control)
    other.variables = {**member.variables, **{f"vex_backup_{name}": value for name, value in variables.items()}}
    return other


def package_variables(package: Path) -> dict[str, str]:
    """Return the variables that install MyDumper from *package*."""
    sha256 = hashlib.sha256(package.read_bytes()).hexdigest()
    return {"host_mydumper_package": str(package), "host_mydumper_sha256": sha256}


def command(member: Member, *arguments: str) -> tuple[int, str]:
    """Run ``vex-backup`` on the host as an administrator; return its exit status and its output."""
    instance = member.variables.get("vex_backup_host_instance")
    words = ["vex-backup", *(["--instance", instance] if instance else []), *arguments]
    done = member.host.shell(" ".join(words))
    return done.returncode, done.stdout + done.stderr


def expected(member: Member) -> Row:
    """Return the server's row in ``servidor``."""
    (row,) = member.control.log_database.rows("SELECT * FROM servidor WHERE hostname = %s", member.hostname)
    return row


def traces(member: Member) -> list[str]:
    """Return the paths of the product on the host, directories without their contents."""
    found = sorted(member.host.shell(f"{EVERYWHERE} -prune; ls -d {member.work} 2>/dev/null || true").stdout.split())
    return sorted(set(found))


def await_run(member: Member, deadline: float) -> None:
    """Wait until a run of the server has ended."""
    while not any(row["status_backup"] for row in member.observe().backups):
        assert time.monotonic() < deadline, member.host.shell("cat /var/log/vex-backup/*.log").stdout
        time.sleep(1)


def stop_cron(host: Host) -> None:
    """Stop cron, whose runs would block those of the test. A run in progress goes on."""
    stopped = host.shell("kill $(cat /run/crond.pid)")
    assert stopped.returncode == 0, stopped.stderr


def run_now(member: Member) -> None:
    """Back up by hand when no run of cron's is in progress."""
    deadline = time.monotonic() + A_RUN_TAKES
    while (done := command(member, "run"))[0] == IN_PROGRESS:
        assert "a run is in progress, process" in done[1]
        assert time.monotonic() < deadline
        time.sleep(1)
    assert done == (0, "")


def back_up_from_the_control_node(member: Member, directory: Path) -> None:
    """Back up from the control node, as the user vex-backup, with the deployed programs."""
    member.variables.update(ansible_become_user="vex-backup", ansible_python_interpreter=VENV_PYTHON)
    done = backup([member], directory)[member.host.name]
    assert done.status == 0, done.output


def rotate_logs(member: Member) -> None:
    """Rotate the logs as cron does weekly; later runs write to the new log."""
    rotated = member.host.shell("logrotate --force /etc/logrotate.d/vex-backup")
    assert rotated.returncode == 0, rotated.stderr
    assert "server.log.1.gz" in member.host.shell("ls /var/log/vex-backup").stdout
    run_now(member)
    assert "exit status 0" in member.host.shell("cat /var/log/vex-backup/server.log").stdout


def assert_private(member: Member) -> None:
    """Check that the user owns all files that runs write, and that nobody else can read them."""
    listed = member.host.shell(
        f"find {WORK} /etc/vex-backup /var/log/vex-backup /var/lib/vex-backup -printf '%u %m %p\n'"
    ).stdout.splitlines()
    assert len(listed) > 4
    for line in listed:
        owner, mode, _path = line.split(" ", 2)
        assert owner == "vex-backup", line
        assert int(mode, 8) & 0o077 == 0, line


def index_on(host: Host) -> str:
    """Make an index for pip with the wheels, which the host can reach; return its address."""
    for wheel in wheelhouse().glob("*.whl"):
        project = host.exchange / "simple" / wheel.name.split("-", 1)[0].replace("_", "-").lower()
        project.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, project)
        links = "".join(f'<a href="{one.name}">{one.name}</a>\n' for one in project.glob("*.whl"))
        (project / "index.html").write_text(links, encoding="utf-8")
    return "file:///exchange/simple"


@contextlib.contextmanager
def kept_running(host: Host, user: str, *program: str) -> Iterator[None]:
    """Run a program that prints ``here`` and then waits for the end of its input."""
    with subprocess.Popen(
        ["podman", "exec", "--interactive", "--user", user, host.container, *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"here\n"
        yield


def run_in_progress(host: Host) -> contextlib.AbstractContextManager[None]:
    """Hold the lock of the host's runs, as a run in progress does."""
    return kept_running(host, "root", "flock", "/var/lib/vex-backup/server.lock", "sh", "-c", "echo here; cat")


def start_that_waits(host: Host, run: str = "run") -> contextlib.AbstractContextManager[None]:
    """Run what cron starts: a shell that waits before it executes *run*."""
    return kept_running(host, "vex-backup", "sh", "-c", f"echo here; cat; : {run}")
