# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A connection to one MySQL or MariaDB server, with PyMySQL."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import os
import socket
import ssl
import traceback
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError, ServerUnavailable, WrongServer
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOOK, Variables, prepare

try:
    import pymysql
    import pymysql.err
except ImportError:
    PYMYSQL_FAILURE: t.Optional[str] = traceback.format_exc()
else:
    PYMYSQL_FAILURE = None

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

DEFAULT_PORT = 3306
DEFAULT_CONNECT_SECONDS = 10
# The server's socket in the packages of Debian, Enterprise Linux and MySQL.
DEFAULT_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")  # noqa: S108  # only read

LOOPBACK = ("127.0.0.1", "::1")

_SECURE_TRANSPORT_REQUIRED = 3159
ACCESS_DENIED = (1045, 1698, 1251, 3118)
NO_SUCH_DATABASE = (1044, 1049)
_TOO_MANY_SESSIONS = "allows {user} no more sessions: raise the limit, or lower threads"
_REFUSALS = {
    1040: _TOO_MANY_SESSIONS,
    1203: _TOO_MANY_SESSIONS,
    1226: _TOO_MANY_SESSIONS,
    1184: "ended the session of {user}, because its init_connect fails for this account: correct init_connect, or GRANT"
    " the account CONNECTION ADMIN (MySQL: CONNECTION_ADMIN) ON *.*",
}
ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "\\": "\\", "s": " ", '"': '"', "'": "'"}
# The server's clients trim these; str.strip() would remove more.
BLANKS = " \t\r\v\f"


@dataclasses.dataclass(frozen=True)
class Login:
    """The address of a server, and the account that logs in: a module's options, completed by its option file.

    With ``unix_socket`` set, ``host``, ``port`` and the files for TLS are not used. ``connect_timeout`` is in seconds
    and applies to each step of the connection and the login. ``instance`` is the only server that sessions of this
    login accept, as in ``Server.instance``; empty for any.
    """

    host: str
    port: int
    unix_socket: t.Optional[str]
    user: str
    password: str = dataclasses.field(repr=False)
    ca_cert: t.Optional[str]
    connect_timeout: int = DEFAULT_CONNECT_SECONDS
    ssl_cert: t.Optional[str] = None
    ssl_key: t.Optional[str] = None
    instance: str = ""

    def only(self, instance: str) -> Login:
        """Return this login for one server, the one that was checked: sessions on any other fail."""
        return dataclasses.replace(self, instance=instance)

    @property
    def address(self) -> str:
        """The server's address for messages."""
        return self.unix_socket or f"{self.host}:{self.port}"


def resolve_login(params: t.Mapping[str, t.Any]) -> Login:
    """Combine a module's options and their option file into a login; options take precedence.

    :param params: a module's ``LOGIN`` or ``LOG_DB`` options; an absent option counts as not set
    :raises OptionError: when ``config_file`` or a file for TLS cannot be read, the file's port is not a number, or a
        certificate comes without its key or without ``ca_cert``
    """
    config_file = params.get("config_file")
    client = read_client_section(config_file) if config_file else {}
    host = params.get("login_host")
    unix_socket = params.get("login_unix_socket")
    if not host and not unix_socket:
        host, unix_socket = client.get("host"), client.get("socket")
        if host and host != "localhost":
            # As the server's own clients do: another host is reached by TCP, even if a socket is set.
            unix_socket = None
    port = params.get("login_port") or _port(client, config_file)
    if not host and not unix_socket and not port:
        unix_socket = next((path for path in DEFAULT_SOCKETS if os.path.exists(path)), None)
    host, port = host or LOOPBACK[0], port or DEFAULT_PORT
    if host.lower() == "localhost" and not unix_socket:
        host = _loopback(port)
    tls = _tls_files(params, client)
    password = params.get("login_password")
    return Login(
        host=host,
        port=port,
        unix_socket=unix_socket,
        user=params.get("login_user") or client.get("user") or getpass.getuser(),
        password=client.get("password", "") if password is None else password,
        ca_cert=tls["ca_cert"],
        connect_timeout=params.get("connect_timeout") or DEFAULT_CONNECT_SECONDS,
        ssl_cert=tls["ssl_cert"],
        ssl_key=tls["ssl_key"],
    )


def read_client_section(path: str) -> t.Dict[str, str]:
    """Read the ``[client]`` section of a MySQL option file, as the server's own clients do.

    :returns: values by option name, with ``-`` for ``_``, without options that have no value
    :raises OptionError: when the file cannot be read
    """
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            lines = file.read().split("\n")
    except OSError as error:
        raise OptionError(f"config_file {path} cannot be read: {error.strerror}") from None
    options: t.Dict[str, str] = {}
    section = ""
    for line in (line.strip(BLANKS) for line in lines):
        if line.startswith("[") and "]" in line:
            section = line[1 : line.index("]")].strip(BLANKS)
        elif section == "client" and line and line[0] not in "#;!":
            name, equals, value = line.partition("=")
            if equals:
                options[name.strip(BLANKS).replace("_", "-")] = _option_value(value)
    return options


def connect(
    login: Login,
    database: t.Optional[str] = None,
    *,
    purpose: t.Optional[Variables] = LOOK,
    autocommit: bool = True,
    statement_timeout: t.Optional[int] = None,
    raw: bool = False,
) -> Connection[Cursor]:
    """Log in to a server.

    :param database: the current database; ``None`` for none
    :param purpose: the variables to set in the session, ``LOOK`` or ``LOAD``; ``None`` for the log database's own
    :param statement_timeout: seconds to wait for the result of a statement; ``None`` for no limit
    :param raw: whether texts are returned as the bytes that the server sends
    :raises ServerUnavailable: when the server cannot be reached, refuses the login, or has no such database
    :raises SessionRefused: when the server refuses a variable of the purpose
    :raises WrongServer: when the server is not ``login.instance``
    """
    tls = _tls_options(login)
    try:
        connection: Connection[Cursor] = pymysql.connect(
            host=login.host,
            port=login.port,
            unix_socket=login.unix_socket,
            user=login.user,
            # PyMySQL encodes a text as Latin-1.
            password=login.password.encode("utf-8", "surrogateescape"),
            database=database,
            charset="utf8mb4",
            use_unicode=not raw,
            autocommit=autocommit,
            connect_timeout=login.connect_timeout,
            # connect_timeout alone ends with the TCP handshake: a server that accepts and sends nothing would block.
            read_timeout=login.connect_timeout,
            write_timeout=login.connect_timeout,
            **tls,
        )
    except (pymysql.err.Error, OSError, RuntimeError, ValueError) as error:
        unavailable = ServerUnavailable(_explain(login, database, error))
        unavailable.number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        raise unavailable from None
    # PyMySQL before 1.2 continues without encryption when the server offers no TLS, and has no public way to check.
    if "ssl_ca" in tls and not isinstance(connection._sock, ssl.SSLSocket):  # type: ignore[attr-defined]  # noqa: SLF001
        connection.close()
        raise ServerUnavailable(
            f"the server at {login.address} offers no TLS, which ca_cert requires: enable TLS there, or unset ca_cert"
        )
    if purpose is not None:
        _prepare(connection, purpose, login)
    # PyMySQL has no public way to change them.
    connection._read_timeout = statement_timeout  # type: ignore[attr-defined]  # noqa: SLF001
    connection._write_timeout = statement_timeout  # type: ignore[attr-defined]  # noqa: SLF001
    return connection


def variables_for_tools(login: Login, purpose: Variables) -> t.Dict[str, str]:
    """Return the variables that the sessions of other programs must set, for :func:`option_file_text`.

    :raises BackupError: as :func:`connect`
    """
    connection = connect(login, purpose=None)
    variables = _prepare(connection, purpose, login)
    connection.close()
    return variables


def _prepare(connection: Connection[Cursor], purpose: Variables, login: Login) -> t.Dict[str, str]:
    try:
        return prepare(connection, purpose, login.instance)
    except BaseException as error:
        connection.close()
        if isinstance(error, WrongServer):
            raise WrongServer(
                f"{login.address}: {error}. Remedy: give the address of one server, not of a group"
            ) from None
        if isinstance(error, (pymysql.err.MySQLError, OSError)):
            raise ServerUnavailable(_explain(login, None, error)) from None
        raise


def _loopback(port: int) -> str:
    """Return the address of this host that ``localhost`` means: MySQL's programs take the name for a socket."""
    for address in LOOPBACK:
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
            return address
    return LOOPBACK[0]


def _tls_options(login: Login) -> t.Dict[str, t.Any]:
    """Return PyMySQL's options for TLS."""
    if login.unix_socket:
        # As the server's clients do. PyMySQL from 1.2 on would encrypt the connection, which takes a fortieth of a
        # second of the processor's time before its first byte.
        return {"ssl_disabled": True}
    if login.ca_cert is None:
        return {}
    return {
        "ssl_ca": login.ca_cert,
        "ssl_cert": login.ssl_cert,
        "ssl_key": login.ssl_key,
        "ssl_verify_cert": True,
        "ssl_verify_identity": True,
    }


def _tls_files(params: t.Mapping[str, t.Any], client: t.Mapping[str, str]) -> t.Dict[str, t.Optional[str]]:
    names = {"ca_cert": "ssl-ca", "ssl_cert": "ssl-cert", "ssl_key": "ssl-key"}
    files = {option: params.get(option) or client.get(name) or None for option, name in names.items()}
    for option, path in files.items():
        if path and not os.access(path, os.R_OK):
            raise OptionError(f"{option} {path} cannot be read: check its path and mode")
    if any((files["ssl_cert"], files["ssl_key"])) and not all(files.values()):
        raise OptionError("ssl_cert, ssl_key and ca_cert belong together: set all three, or ca_cert alone")
    return files


def _port(client: t.Mapping[str, str], config_file: t.Optional[str]) -> t.Optional[int]:
    text = client.get("port")
    if text is None:
        return None
    if not text.isdigit():
        raise OptionError(f"config_file {config_file}: its port {text!r} is not a number")
    return int(text)


def _option_value(text: str) -> str:
    text = _without_comment(text).strip(BLANKS)
    if len(text) > 1 and text[0] in "'\"" and text[0] == text[-1]:
        text = text[1:-1]
    value = ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            value += ESCAPES.get(following, "\\" + following)
        else:
            value += character
    return value


def _without_comment(text: str) -> str:
    quote, escaped = "", False
    for index, character in enumerate(text):
        if character in "'\"" and not escaped and quote in ("", character):
            quote = "" if quote else character
        if character == "#" and not quote:
            return text[:index]
        escaped = bool(quote) and character == "\\" and not escaped
    return text


def _explain(login: Login, database: t.Optional[str], error: Exception) -> str:
    """Return a message that names the failure and the option to check; server messages never contain passwords."""
    number = error.args[0] if error.args else None
    where = f"the server at {login.address}"
    if number in ACCESS_DENIED:
        return f"{where} refused the login of {login.user}: check login_user and login_password ({error.args[1]})"
    if number in NO_SUCH_DATABASE:
        return f"{where} has no database {database} that {login.user} may use ({error.args[1]})"
    if number == _SECURE_TRANSPORT_REQUIRED:
        return f"{where} requires an encrypted login: set ca_cert, or use login_unix_socket ({error.args[1]})"
    if number in _REFUSALS:
        return f"{where} {_REFUSALS[number].format(user=login.user)} ({error.args[1]})"
    if isinstance(error, RuntimeError) and "cryptography" in str(error):
        return f"{where} requires an encrypted login: set ca_cert, use login_unix_socket, or install cryptography"
    reason = error.args[1] if len(error.args) > 1 else error
    option = "login_unix_socket" if login.unix_socket else "login_host and login_port"
    return f"{where} could not be reached: check {option} ({reason})"
