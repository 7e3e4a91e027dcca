"""The environment and a file → typed settings; a wrong one is refused at start, by its name."""

from __future__ import annotations

import ipaddress
import os
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
# Not in /etc/vex-backup, which is the backups' user's on a host that is backed up too.
DEFAULT_FILE = Path("/etc/vex-webstatus/settings.toml")


class SettingsWrong(Exception):
    """A setting is missing, unknown or out of range; the message names each, and the remedy."""


def known_zone(name: str) -> str:
    """A time zone's name, as the system's database knows it.

    :raises ValueError: when it does not
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is no time zone, such as America/Sao_Paulo or UTC") from None
    return name


def address_or_network(text: str) -> str:
    """An IP address, or a network such as ``10.0.0.0/8``: a proxy is not known by its name.

    :raises ValueError: when it is neither
    """
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address and no network such as 10.0.0.0/8") from None
    return text


class Settings(BaseSettings):
    """All settings. Each is an environment variable ``VEX_WEBSTATUS_<NAME>``, or a line of the TOML file.

    The environment comes first. docs/reference/webstatus-settings.md has them with examples.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    secret_key: SecretStr = Field(min_length=32, description="Signs the cookies. At least 32 characters, at random.")
    log_db_host: str = Field("127.0.0.1", min_length=1, description="The log database's server.")
    log_db_port: int = Field(3306, ge=1, le=65535, description="Its port.")
    log_db_unix_socket: Path | None = Field(None, description="Its socket, instead of host and port.")
    log_db_name: str = Field("vex_backup", min_length=1, description="The log database.")
    log_db_user: str = Field("vex_backup_web", min_length=1, description="The web app's account there.")
    log_db_password: SecretStr = Field(SecretStr(""), description="The account's password.")
    log_db_ca_cert: FilePath | None = Field(
        None, description="Certificate authorities: asks for TLS, and verifies the server and its name."
    )
    host: str = Field("127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(8080, ge=1, le=65535, description="The port to listen on.")
    tls_certificate: FilePath | None = Field(None, description="A PEM file: serve HTTPS without a proxy before it.")
    tls_key: FilePath | None = Field(None, description="The certificate's key.")
    plain_http: bool = Field(
        False, description="People reach the app by http://, so cookies cannot be Secure. For trials on one machine."
    )
    trusted_proxies: list[Annotated[str, AfterValidator(address_or_network)]] = Field(
        [], description="Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."
    )
    time_zone: Annotated[str, AfterValidator(known_zone)] = Field(
        "America/Sao_Paulo", description="The zone that times are shown in, and that a day is counted in."
    )
    session_idle_minutes: int = Field(30, ge=1, le=1440, description="A session ends when it is unused this long.")
    session_hours: int = Field(12, ge=1, le=168, description="A session ends after this long in any case.")
    metrics_token: SecretStr | None = Field(
        None, min_length=16, description="The bearer token that /metrics asks for; without it a session is needed."
    )
    database_connections: int = Field(10, ge=1, le=100, description="The most connections to the log database.")

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: set both or none")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - passed by name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, settings_file())

    @property
    def zone(self) -> ZoneInfo:
        """The zone of :attr:`time_zone`."""
        return ZoneInfo(self.time_zone)


def settings_file() -> Path:
    """The TOML file to read: what ``VEX_WEBSTATUS_CONFIG`` names, else the default; it need not be there."""
    return Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def load(**given: Any) -> Settings:
    """The settings of this process.

    :param given: settings that count more than the environment and the file
    :raises SettingsWrong: when one is missing, unknown or out of range, or the file named cannot be read
    """
    unknown = sorted(
        name
        for name in os.environ
        if name.upper().startswith(PREFIX)
        and name.upper() != FILE_VARIABLE
        and name[len(PREFIX) :].lower() not in Settings.model_fields
    )
    if unknown:
        raise SettingsWrong(f"the environment has settings that do not exist: {', '.join(unknown)}")
    path = settings_file()
    try:
        _check_file(path)
        return Settings(**given)
    except ValidationError as error:
        raise SettingsWrong("\n".join(_explained(problem) for problem in error.errors(include_input=False))) from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"{path} cannot be read: {error}") from None
    except ValueError as error:
        # A list in the environment that is not JSON, among others; the message names the field.
        raise SettingsWrong(str(error)) from None


def _check_file(path: Path) -> None:
    """Refuse a file that was named and is not there, or that others may read: it holds secrets.

    :raises OSError: when it cannot be looked at
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if FILE_VARIABLE in os.environ:
            raise SettingsWrong(f"{FILE_VARIABLE} names {path}, which does not exist") from None
        return
    if stat.S_ISREG(mode) and mode & (stat.S_IROTH | stat.S_IWOTH):
        raise SettingsWrong(f"{path} holds secrets, and everybody may read or change it: chmod 0600 {path}")


def _explained(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    return f"{name}: {message} (environment: {PREFIX}{name.upper()})" if name else message
