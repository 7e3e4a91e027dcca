"""``playbooks/awx.yml`` with the real modules of awx.awx, and the objects that it creates in AWX."""

from __future__ import annotations

import datetime
import json
import subprocess
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dateutil.rrule import rrulestr
from jinja2 import Template

from tests.integration.awx_collection import awx_collection
from tests.playbook import HANGS, PLAYBOOK, ROOT, environment, write_private
from tests.servers.awx import Awx

ROLES = ROOT / "collections/ansible_collections/vex/backup/roles"
SECRET = "not-to-be-seen"
MACHINE = "Database hosts"
SETTINGS = yaml.safe_load((ROOT / "inventories/example/group_vars/all/awx.yml").read_text())
LOGINS = ("login", "restore_login", "log_db", "log_db_migrator", "smtp")
INVENTORY = {
    **{f"vex_backup_{login}_user": f"{login}-user" for login in LOGINS},
    **{f"vex_backup_{login}_password": f"{SECRET}-{login}" for login in LOGINS},
    "vex_backup_s3_access_key": "access-key",
    "vex_backup_s3_secret_key": f"{SECRET}-s3",
    "vex_backup_manifest_key": f"{SECRET}-manifests",
}
# This fleet does not encrypt its archives.
NOT_GIVEN = {"vex_backup_archive_password"}
TEMPLATES = ["schema", "deploy", "back up", "audit", "prove", "watch", "back up as asked", "restore"]
OF_RUNS = ["bucket", "log database", "mail server", "manifests", "server"]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Awx, str]]:
    """Run AWX and the playbook; return AWX and the playbook's output."""
    with Awx(MACHINE) as server:
        yield server, set_up(server, tmp_path_factory.mktemp("awx"))


@pytest.fixture
def awx(first: tuple[Awx, str]) -> Awx:
    """Return AWX after the playbook."""
    return first[0]


def set_up(awx: Awx, directory: Path, *arguments: str, **changes: Any) -> str:
    """Run the playbook; return its output."""
    variables = directory / "variables.json"
    write_private(variables, {**SETTINGS, **INVENTORY, **changes})
    collections = f"{ROOT / 'collections'}:{awx_collection()}"
    changed = {
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_HOME": str(directory / "ansible"),
        "CONTROLLER_HOST": awx.address,
        "CONTROLLER_OAUTH_TOKEN": awx.token,
    }
    done = subprocess.run(
        [*PLAYBOOK, "playbooks/awx.yml", "-vvv", "--extra-vars", f"@{variables}", *arguments],
        cwd=ROOT,
        env=environment(changed),
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def variables_of(*roles: str) -> dict[str, Any]:
    """Return the options of roles by name."""
    found: dict[str, Any] = {}
    for role in roles:
        specs = yaml.safe_load((ROLES / role / "meta/argument_specs.yml").read_text())["argument_specs"]
        found.update(specs["main"]["options"])
    return found


def test_no_secret_is_printed(first: tuple[Awx, str]) -> None:
    assert "changed=" in first[1]
    assert SECRET not in first[1]


def test_everything_is_there(awx: Awx) -> None:
    (project,) = awx.named("projects").values()
    assert (project["scm_url"], project["scm_branch"]) == (SETTINGS["vex_backup_awx_scm_url"], "main")
    (source,) = awx.named("inventory_sources").values()
    assert (source["source"], source["source_path"]) == ("scm", SETTINGS["vex_backup_awx_inventory"])
    assert source["source_project"] == project["id"]
    (image,) = awx.named("execution_environments").values()
    assert image["image"] == SETTINGS["vex_backup_awx_image"]
    templates = awx.named("job_templates")
    assert [name.removeprefix("Vex Backup: ") for name in templates] == TEMPLATES
    assert [item["playbook"] for item in templates.values() if not (ROOT / item["playbook"]).is_file()] == []
    for item in templates.values():
        assert (item["project"], item["execution_environment"], item["forks"]) == (project["id"], image["id"], 20)
    # On the control node, a job cannot become root.
    assert [item["playbook"] for item in templates.values() if not item["become_enabled"]] == [
        "playbooks/schema.yml",
        # The playbook itself sets become.
        "playbooks/deploy.yml",
    ]
    runs = sorted([MACHINE, *(f"Vex Backup: {name}" for name in OF_RUNS)])
    assert awx.credentials_of("Vex Backup: back up") == awx.credentials_of("Vex Backup: deploy") == runs
    for template, given in (
        ("schema", ["log database's schema"]),
        ("prove", ["bucket", "log database", "mail server", "manifests"]),
        ("watch", ["log database", "mail server"]),
        ("restore", ["bucket", "log database", "manifests", "restore"]),
    ):
        wanted = sorted([MACHINE, *(f"Vex Backup: {name}" for name in given)])
        assert awx.credentials_of(f"Vex Backup: {template}") == wanted


def test_secrets_become_the_roles_variables(awx: Awx) -> None:
    """The roles know every variable of a job, and every secret of the roles has a credential."""
    types = awx.named("credential_types")
    credentials = awx.named("credentials")
    given: dict[str, str] = {}
    secret: set[str] = set()
    for name, kind in types.items():
        fields = {field["id"]: bool(field.get("secret")) for field in kind["inputs"]["fields"]}
        assert set(kind["inputs"]["required"]) == set(fields)
        inputs = credentials[name]["inputs"] if name in credentials else dict.fromkeys(fields, "")
        assert set(inputs) == set(fields)
        for variable, template in kind["injectors"]["extra_vars"].items():
            given[variable] = Template(template).render(inputs)
            secret |= {variable for field, hidden in fields.items() if hidden and field in template}
    assert given == {**INVENTORY, **dict.fromkeys(NOT_GIVEN, "")}
    options = variables_of("backup", "restore", "log_schema")
    assert set(given) <= set(options)
    # Lists, the tokens of temporary keys and the addresses of pings, one for each server, have no credential.
    hidden = {name for name, option in options.items() if option.get("no_log") and option["type"] == "str"}
    assert hidden - {"vex_backup_s3_session_token", "vex_backup_ping_url"} == secret


def test_the_surveys_ask_what_the_roles_take(awx: Awx) -> None:
    templates = awx.named("job_templates")
    roles = {"Vex Backup: back up as asked": "backup", "Vex Backup: restore": "restore"}
    assert [name for name, item in templates.items() if item["survey_enabled"]] == list(roles)
    for name, role in roles.items():
        survey = awx.surveys[templates[name]["id"]]
        assert set(survey) == {"name", "description", "spec"}
        options = variables_of(role)
        for question in survey["spec"]:
            assert {"question_name", "question_description", "type", "required", "default"} <= set(question)
            if question["variable"] == "vex_backup_restore_hosts":
                # Without this answer, the restore would run on every host.
                assert question["variable"] in (ROOT / templates[name]["playbook"]).read_text()
                assert (question["type"], question["required"], question["min"]) == ("text", True, 1)
                continue
            option = options[question["variable"]]
            if question["type"] == "multiplechoice":
                known = option.get("choices", [json.dumps(value) for value in (True, False)])
                assert question["choices"] == known
                assert question["default"] in known
            else:
                assert question["type"] == "text"
                assert option["type"] == "str" or (option["type"], option["elements"]) == ("list", "str")


def test_a_restore_shows_its_plan_unless_it_is_asked_to_go_on(awx: Awx) -> None:
    template = awx.named("job_templates")["Vex Backup: restore"]
    defaults = {question["variable"]: question["default"] for question in awx.surveys[template["id"]]["spec"]}
    assert defaults["vex_backup_restore_yes"] == defaults["vex_backup_restore_overwrite"] == "false"


def test_the_watch_is_where_the_web_app_is(awx: Awx) -> None:
    template = awx.named("job_templates")["Vex Backup: watch"]
    assert json.loads(template["extra_vars"]) == {"vex_backup_watch_hosts": "vex_backup_watch"}


@pytest.mark.parametrize(
    ("template", "times"),
    [
        ("back up", ["2026-03-01T02:00", "2026-03-02T02:00"]),
        ("prove", ["2026-03-01T06:30", "2026-03-02T06:30"]),
        ("watch", ["2026-03-01T00:15", "2026-03-01T00:30"]),
        ("audit", ["2026-03-01T08:00", "2026-03-08T08:00"]),
    ],
)
def test_the_schedules_are_in_the_fleets_time_zone(awx: Awx, template: str, times: list[str]) -> None:
    number = awx.named("job_templates")[f"Vex Backup: {template}"]["id"]
    (schedule,) = (item for item in awx.named("schedules").values() if item["unified_job_template"] == number)
    zone = zoneinfo.ZoneInfo(SETTINGS["vex_backup_awx_time_zone"])
    start, rule = schedule["rrule"].split(" ")
    # AWX refuses a rule without DTSTART or INTERVAL.
    assert start.startswith("DTSTART;TZID=") and "INTERVAL=" in rule
    rules = rrulestr(f"{start}\n{rule}", tzids=zoneinfo.ZoneInfo)
    coming = rules.xafter(datetime.datetime(2026, 3, 1, tzinfo=zone), count=2)
    assert [f"{time.astimezone(zone):%Y-%m-%dT%H:%M}" for time in coming] == times


def test_again(awx: Awx, tmp_path: Path) -> None:
    """A second run changes nothing. AWX hides secrets, so changed secrets are sent only on request."""
    done = len(awx.writes)
    changes = {"vex_backup_login_password": f"{SECRET}-other"}
    assert "changed=0" in set_up(awx, tmp_path, **changes)
    assert awx.writes[done:] == []
    assert SECRET not in set_up(awx, tmp_path, "-e", "vex_backup_awx_update_secrets=true", **changes)
    assert awx.named("credentials")["Vex Backup: server"]["inputs"]["password"] == f"{SECRET}-other"
    assert {request.split("/")[3] for request in awx.writes[done:]} == {"credentials"}
