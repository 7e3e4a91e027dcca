"""Typed settings, read from the environment and a file. The app refuses to start with a wrong one, and names it."""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, FilePath, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX = "VEX_WEBSTATUS_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
# Not under /etc/vex-backup: on a host that makes backups too, that folder belongs to the backup user.
DEFAULT_FILE = Path("/etc/vex-webstatus/settings.toml")
TOKEN_CHARACTERS = 16


class SettingsWrong(Exception):
    """A setting is missing, unknown or out of range; the message names each one and the remedy."""


def known_zone(name: str) -> str:
    """Return *name* when it is a time zone of the IANA database.

    :raises ValueError: when it is not
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is not a time zone; use a name such as America/Sao_Paulo or UTC") from None
    return name


def address_or_network(text: str) -> str:
    """Return *text* when it is an IP address or a network. Uvicorn does not resolve a proxy's host name.

    :raises ValueError: when it is neither
    """
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither an IP address nor a network; use one such as 10.0.0.1 or 10.0.0.0/8"
        ) from None
    return text


def long_enough(token: SecretStr | None) -> SecretStr | None:
    """Return *token* when it is absent or too long to be guessed.

    :raises ValueError: when it is too short
    """
    if token is not None and len(token.get_secret_value()) < TOKEN_CHARACTERS:
        raise ValueError(
            f"it must have at least {TOKEN_CHARACTERS} characters: make one with"
            " python3 -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    return token


def path_without_end(text: str) -> str:
    """Return the path *text* without a slash at its end; the path of a whole host is empty.

    :raises ValueError: when it is no path, or has characters that need an encoding
    """
    path = text.rstrip("/")
    if not re.fullmatch(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*", path):
        raise ValueError(f"{text!r} is not a path of letters, digits and -._~; use one such as /vex")
    return path


class Settings(BaseSettings):
    """The settings. Each is an environment variable ``VEX_WEBSTATUS_<NAME>`` or a line of the TOML file.

    The environment overrides the file. The reference documentation is made from the descriptions.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    secret_key: SecretStr = Field(
        min_length=32,
        description="The key that signs cookies and form tokens: at least 32 random characters. A new key logs all"
        " users out.",
    )
    log_db_host: str = Field(
        "127.0.0.1", min_length=1, description="The host name or IP address of the log database's server."
    )
    log_db_port: int = Field(3306, ge=1, le=65535, description="The TCP port of the log database's server.")
    log_db_unix_socket: Path | None = Field(
        None,
        description="The path of the log database's Unix socket. When it is set, the app ignores log_db_host and"
        " log_db_port.",
    )
    log_db_name: str = Field("vex_backup", min_length=1, description="The name of the log database.")
    log_db_user: str = Field(
        "vex_backup_web", min_length=1, description="The account with which the app connects to the log database."
    )
    log_db_password: SecretStr = Field(
        SecretStr(""), description="The password of log_db_user. By default it is empty."
    )
    log_db_ca_cert: FilePath | None = Field(
        None,
        description="The path of a PEM file with certificate authorities. When it is set, the app connects to the log"
        " database with TLS and verifies the server's certificate and name.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="The host name or IP address on which the app listens.")
    port: int = Field(8080, ge=1, le=65535, description="The TCP port on which the app listens.")
    tls_certificate: FilePath | None = Field(
        None,
        description="The path of a PEM file with the app's TLS certificate. When it is set, the app serves HTTPS"
        " itself; set tls_key too. By default the app serves HTTP, for a proxy that serves HTTPS.",
    )
    tls_key: FilePath | None = Field(
        None, description="The path of a PEM file with the private key of tls_certificate."
    )
    plain_http: bool = Field(
        False,
        description="Set this to true when browsers reach the app by http://, to try it on one machine. The app then"
        " sends cookies without the Secure flag.",
    )
    trusted_proxies: list[Annotated[str, AfterValidator(address_or_network)]] = Field(
        [],
        description="The IP addresses or networks of proxies. The app trusts X-Forwarded-For and X-Forwarded-Proto only"
        " from them. By default it trusts none.",
    )
    root_path: Annotated[str, AfterValidator(path_without_end)] = Field(
        "",
        description="The path of the host below which a proxy shows the app, such as /vex. By default the app has the"
        " whole host.",
    )
    time_zone: Annotated[str, AfterValidator(known_zone)] = Field(
        "America/Sao_Paulo",
        description="The IANA time zone in which pages show times. A day on the dashboard begins at its midnight.",
    )
    session_idle_minutes: int = Field(
        30, ge=1, le=1440, description="The number of minutes without use after which a session ends."
    )
    session_hours: int = Field(
        12, ge=1, le=168, description="The number of hours after the login at which a session ends, even in use."
    )
    one_time_password_hours: int = Field(
        24,
        ge=1,
        le=168,
        description="The number of hours after which a password that an administrator set ends, unless its user has"
        " changed it.",
    )
    hsts_subdomains: bool = Field(
        False,
        description="Set this to true when every host below this host's name has HTTPS too: browsers then use only"
        " HTTPS for all of them, for a year.",
    )
    metrics_token: Annotated[SecretStr | None, AfterValidator(long_enough)] = Field(
        None,
        description="The bearer token that /metrics requires, of at least 16 characters. Without it, /metrics requires"
        " a user's session or API token.",
    )
    database_connections: int = Field(
        10, ge=1, le=100, description="The maximum number of simultaneous connections to the log database."
    )

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key need each other: set both or neither")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, by precedence: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, settings_file())

    @property
    def one_time_password_lifetime(self) -> datetime.timedelta:
        """Return :attr:`one_time_password_hours` as a duration."""
        return datetime.timedelta(hours=self.one_time_password_hours)

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone of :attr:`time_zone`."""
        return ZoneInfo(self.time_zone)


def settings_file() -> Path:
    """Return the path of the TOML file: ``VEX_WEBSTATUS_CONFIG``, else the default, which may be missing."""
    return Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def load(**given: Any) -> Settings:
    """Return the settings of this process.

    :param given: settings that override the environment and the file
    :raises SettingsWrong: when a setting is missing, unknown or out of range, or the file cannot be read
    """
    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX)
        and name.upper() != FILE_VARIABLE
        and name[len(PREFIX) :].lower() not in Settings.model_fields
    )
    if unknown:
        raise SettingsWrong(
            f"these environment variables are not settings: {', '.join(unknown)}; correct or remove them"
        )
    path = settings_file()
    try:
        _check_file(path)
        return Settings(**given)
    except ValidationError as error:
        raise SettingsWrong("\n".join(_explained(problem) for problem in error.errors(include_input=False))) from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"{path} cannot be read: {error}") from None
    except ValueError as error:
        # For example a list in the environment that is not JSON; the message names the field.
        raise SettingsWrong(str(error)) from None


def _check_file(path: Path) -> None:
    """Refuse a named file that is missing, and a file that other users may read, because it holds secrets.

    :raises SettingsWrong: when the file is refused
    :raises OSError: when its mode cannot be read
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if FILE_VARIABLE in os.environ:
            raise SettingsWrong(
                f"{path} does not exist; {FILE_VARIABLE} names it: correct the variable or create the file"
            ) from None
        return
    if stat.S_ISREG(mode) and mode & (stat.S_IROTH | stat.S_IWOTH):
        raise SettingsWrong(f"every user may read or change {path}, which holds secrets: run chmod 0600 {path}")


def _explained(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message} (environment: {PREFIX}{name.upper()})" if name else message
