# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option file that hands a login to MyDumper and mysqldump, so that no password is an argument."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login


def defaults_file_text(
    login: Login, session_variables: t.Mapping[str, str], first_statement: str = "", program: str = "mydumper"
) -> str:
    """The text of a MySQL option file; its values are quoted, whatever they hold.

    :param session_variables: what MyDumper 0.20 and later sets in its sessions
    :param first_statement: what MyDumper 0.10 says first in its sessions, or its loader
    :param program: which of the two
    :raises OptionError: for a value with a line break or a NUL, which an option file cannot hold
    """
    values = {"user": login.user, "password": login.password}
    if login.unix_socket:
        values["socket"] = login.unix_socket
    else:
        # Without the protocol, `localhost` would mean the socket to these programs.
        values.update(host=login.host, port=str(login.port), protocol="tcp")
        if login.ca_cert:
            # MariaDB's clients know the first of the last two, MySQL's the second; `loose` makes both pass it over.
            values.update({"ssl-ca": login.ca_cert, "loose-ssl-verify-server-cert": "1"})
            values["loose-ssl-mode"] = "VERIFY_IDENTITY"
    lines = ["[client]", *(f"{name}={_quote(name, value)}" for name, value in values.items())]
    if session_variables:
        lines += ["[mydumper_session_variables]", *(f"{name}={value}" for name, value in session_variables.items())]
    if first_statement:
        lines += [f"[{program}]", f"init-command={_quote('first statement', first_statement)}"]
    return "\n".join(lines) + "\n"


def _quote(name: str, value: str) -> str:
    if any(character in value for character in "\n\r\0"):
        raise OptionError(f"the login's {name} holds a line break or a NUL, which MySQL's option files cannot")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
