# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option file that passes a login to the dump's tools, so that no password is an argument."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import statement


def written_option_file(folder: str, login: Login, variables: t.Mapping[str, str]) -> str:
    """Write an option file that only its owner can read into *folder*; return its path."""
    path = os.path.join(folder, "client.cnf")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(option_file_text(login, variables))
    return path


def option_file_text(login: Login, variables: t.Mapping[str, str]) -> str:
    """Return the text of a MySQL option file. Each session that a tool opens with it begins with the variables.

    :param variables: from :func:`session.prepare`, for the account of the login; empty for none
    :raises OptionError: for a value with a line break or a NUL byte, which an option file cannot contain
    """
    values = {"user": login.user, "password": login.password}
    if variables:
        values["init-command"] = statement(variables, login.instance)
    if login.unix_socket:
        values["socket"] = login.unix_socket
        sections: t.List[str] = []
    else:
        # MySQL's programs use the socket for `localhost` without the protocol, MyDumper does so with it.
        values.update(host=login.host, port=str(login.port), protocol="tcp")
        sections = _tls_sections(login, values)
    lines = ["[client]", *(f"{name}={_quote(name, value)}" for name, value in values.items()), *sections]
    return "\n".join(lines) + "\n"


def _tls_sections(login: Login, client: t.Dict[str, str]) -> t.List[str]:
    """Add the options of all programs to *client*; return the sections of single ones."""
    if not login.ca_cert:
        # Since 11.4, MariaDB's programs refuse a server whose certificate they cannot verify, and a server without TLS.
        return ["[client-mariadb]", "ssl-verify-server-cert=0"]
    # MySQL's programs know ssl-mode; `loose` makes MariaDB's ignore it.
    client.update({"ssl-ca": login.ca_cert, "loose-ssl-mode": "VERIFY_IDENTITY"})
    if login.ssl_cert and login.ssl_key:
        client.update({"ssl-cert": login.ssl_cert, "ssl-key": login.ssl_key})
    _quote("ca_cert", login.ca_cert)
    return [
        *("[client-mariadb]", "ssl-verify-server-cert=1"),
        # MyDumper 1.x takes these values with their quotes.
        *("[mydumper]", f"ca={login.ca_cert}", "ssl-mode=VERIFY_IDENTITY"),
    ]


def _quote(name: str, value: str) -> str:
    if any(character in value for character in "\n\r\0"):
        raise OptionError(
            f"the login's {name} contains a line break or a NUL byte, which a MySQL option file cannot hold: change it"
        )
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
