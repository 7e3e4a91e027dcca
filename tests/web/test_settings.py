"""Settings: a wrong one is refused by its name, and no secret is printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from webstatus.settings import PREFIX, Settings, SettingsWrong, load

SECRET = "s3cr3t-" * 8


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Set only a secret key. Return the settings file."""
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)
    path = tmp_path / "webstatus.toml"
    write(path, f'secret_key = "{SECRET}"\n')
    monkeypatch.setenv(f"{PREFIX}CONFIG", str(path))
    return path


def write(path: Path, content: str, mode: int = 0o600) -> None:
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)


def refused(**given: object) -> str:
    with pytest.raises(SettingsWrong) as caught:
        load(**given)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_the_defaults() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.plain_http) == ("127.0.0.1", 8080, False)
    assert settings.zone.key == "America/Sao_Paulo"
    assert SECRET not in f"{settings!r}{settings}{settings.model_dump()}"


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch, environment: Path) -> None:
    write(environment, f'secret_key = "{SECRET}"\nport = 1111\nhost = "192.0.2.1"\ntrusted_proxies = ["10.0.0.0/8"]\n')
    monkeypatch.setenv(f"{PREFIX}PORT", "2222")
    settings = load()
    assert (settings.port, settings.host, settings.trusted_proxies) == (2222, "192.0.2.1", ["10.0.0.0/8"])
    monkeypatch.setenv(f"{PREFIX}TRUSTED_PROXIES", '["::1"]')
    assert load(port=3333).port == 3333
    assert load().trusted_proxies == ["::1"]


@pytest.mark.parametrize("given", ["/vex/app", "/vex/app/"])
def test_a_root_path_has_no_slash_at_its_end(given: str) -> None:
    assert load(root_path=given).root_path == "/vex/app"
    assert load(root_path="/").root_path == load().root_path == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_key", "short"),
        ("log_db_host", ""),
        ("log_db_port", "0"),
        ("log_db_port", "70000"),
        ("log_db_name", ""),
        ("log_db_user", ""),
        ("log_db_ca_cert", "/nonexistent/ca.pem"),
        ("host", ""),
        ("port", "http"),
        ("tls_certificate", "/nonexistent/cert.pem"),
        ("tls_key", "/nonexistent/key.pem"),
        ("plain_http", "perhaps"),
        ("trusted_proxies", "10.0.0.1"),
        ("trusted_proxies", '["*"]'),
        ("trusted_proxies", '["10.0.0.1/8"]'),
        ("trusted_proxies", '["proxy.example"]'),
        ("root_path", "vex"),
        ("root_path", "/vex/../x"),
        ("root_path", "/vex//x"),
        ("root_path", "/v?x"),
        ("root_path", "/vex\n"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("session_idle_minutes", "0"),
        ("session_hours", "-1"),
        ("session_hours", "169"),
        ("one_time_password_hours", "0"),
        ("hsts_subdomains", "perhaps"),
        ("metrics_token", "short"),
        ("database_connections", "0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name.upper(), value)
    assert name in refused()


def test_every_setting_that_can_be_wrong_is_tested() -> None:
    tried = {parameters[0] for parameters in test_a_wrong_setting_is_named.pytestmark[0].args[1]}  # type: ignore[attr-defined]
    # Any text can be a password, and a socket may not exist yet.
    assert set(Settings.model_fields) - tried == {"log_db_password", "log_db_unix_socket"}


def test_a_wrong_secret_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", "hunter2")
    monkeypatch.setenv(f"{PREFIX}METRICS_TOKEN", "hunter3")
    message = refused()
    assert "secret_key" in message
    assert "metrics_token: it must have at least 16 characters: make one with python3 -c" in message
    assert "hunter" not in message


def test_several_wrong_settings_are_all_named(environment: Path) -> None:
    write(environment, "port = 0\nhots = 'x'\n")
    message = refused()
    for name in ("secret_key", "port", "hots"):
        assert name in message


def test_an_unknown_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}PROT", "80")
    assert f"{PREFIX}PROT" in refused()


def test_certificate_and_key_need_each_other(tmp_path: Path) -> None:
    (tmp_path / "c.pem").touch()
    assert "tls_key" in refused(tls_certificate=str(tmp_path / "c.pem"))


def test_a_named_file_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}CONFIG", "/nonexistent/webstatus.toml")
    assert "/nonexistent/webstatus.toml" in refused()


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_a_file_that_others_read_is_refused(environment: Path, mode: int) -> None:
    environment.chmod(mode)
    message = refused()
    assert str(environment) in message
    assert "chmod 0600" in message


@pytest.mark.parametrize("content", [b"secret_key = ", b"\xff\xfe", b"= 5"])
def test_a_file_that_is_not_toml_is_refused(environment: Path, content: bytes) -> None:
    environment.write_bytes(content)
    assert str(environment) in refused()
