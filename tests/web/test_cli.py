"""The command ``vex-webstatus``, run as a process."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping

import pytest
from starlette.applications import Starlette

from tests.playbook import HANGS, LogDatabase
from tests.web.people import Person
from tests.web.visitor import Visitor
from webstatus import cli


def run(settings: Mapping[str, str], *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    given = {f"VEX_WEBSTATUS_{name.upper()}": value for name, value in {"config": os.devnull, **settings}.items()}
    done = subprocess.run(
        [sys.executable, "-m", "webstatus.cli", *arguments],
        input=typed,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def login() -> str:
    """Return a login that no user has."""
    return f"cli-{secrets.token_hex(4)}"


def test_a_one_time_password_is_printed_and_must_be_changed(
    app: Starlette, web_settings: dict[str, str], web_database: LogDatabase, login: str
) -> None:
    done = run(web_settings, "create-admin", "--login", login, "--generate")
    assert done.returncode == 0, done.stderr
    printed = re.fullmatch(rf"login: {login}\none-time password: (\S{{20}})\n", done.stdout)
    assert printed
    (row,) = web_database.rows("SELECT * FROM usuario WHERE login = %s", login)
    assert row["senha"].startswith("$2b$12$")
    assert (row["nome"], row["trocar_senha"]) == (login, 1)
    visitor = Visitor(app).log_in(Person(0, "", login, printed[1]))
    assert visitor.get("/users").headers["location"] == "/profile"
    (entry,) = web_database.rows("SELECT * FROM auditoria WHERE alvo = %s", login)
    assert (entry["login"], entry["acao"], entry["usuario_id"]) == ("vex-webstatus", "criar_usuario", None)


def test_a_typed_password_is_asked_for_twice(app: Starlette, web_settings: dict[str, str], login: str) -> None:
    typed = "a good password\na good password\n"
    done = run(web_settings, "create-admin", "--login", f" {login} ", "--name", "Ana", typed=typed)
    assert done.returncode == 0, done.stderr
    assert Visitor(app).log_in(Person(0, "", login, "a good password")).get("/users").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        ([], "one password\nother password\n", "the passwords differ"),
        ([], "short\nshort\n", "at least 8 characters"),
        ([], "\n\n", "Enter a password"),
        (["--login", " "], "a good password\na good password\n", "The name and the login are required"),
        (["--login", "x" * 51], "a good password\na good password\n", "50 characters"),
        (["--name", "a\tb"], "a good password\na good password\n", "control characters"),
    ],
)
def test_a_refusal_names_its_reason(
    web_settings: dict[str, str], login: str, arguments: list[str], typed: str, said: str
) -> None:
    done = run(web_settings, "create-admin", "--login", login, *arguments, typed=typed)
    assert done.returncode == 1
    assert said in done.stderr


def test_a_login_that_is_taken(web_settings: dict[str, str], administrator: Person) -> None:
    done = run(web_settings, "create-admin", "--login", administrator.login.upper(), "--generate")
    assert (done.returncode, done.stdout) == (1, "")
    assert "This login is taken" in done.stderr


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_a_cancelled_command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    web_settings: dict[str, str],
    end: type[BaseException],
) -> None:
    def cancel(_prompt: str) -> str:
        raise end

    monkeypatch.setattr(cli, "ask", cancel)
    for name, value in {"config": os.devnull, **web_settings}.items():
        monkeypatch.setenv(f"VEX_WEBSTATUS_{name.upper()}", value)
    assert cli.main(["create-admin", "--login", "x"]) == 1
    assert "cancelled" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["serve"], ["create-admin", "--login", "x", "--generate"]])
def test_wrong_settings_are_named(web_settings: dict[str, str], command: list[str]) -> None:
    done = run({**web_settings, "port": "0", "secret_key": "hunter2"}, *command)
    assert done.returncode == 2
    assert "port" in done.stderr
    assert "secret_key" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_log_database_that_does_not_answer(web_settings: dict[str, str]) -> None:
    away = {**web_settings, "log_db_unix_socket": "/nonexistent/socket"}
    done = run(away, "create-admin", "--login", "x", "--generate")
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not answer" in done.stderr


def test_a_schema_that_is_too_old(web_settings: dict[str, str], web_database: LogDatabase) -> None:
    steps = web_database.rows("SELECT * FROM versao_esquema WHERE numero > 5")
    web_database.rows("DELETE FROM versao_esquema WHERE numero > 5")
    try:
        for command in (["serve"], ["create-admin", "--login", "x", "--generate"]):
            done = run(web_settings, *command)
            assert done.returncode == 1
            assert "playbooks/schema.yml" in done.stderr
    finally:
        for step in steps:
            names = ", ".join(step)
            web_database.rows(
                f"INSERT INTO versao_esquema ({names}) VALUES ({', '.join(['%s'] * len(step))})", *step.values()
            )
