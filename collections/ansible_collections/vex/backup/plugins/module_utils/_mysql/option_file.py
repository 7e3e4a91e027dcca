# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The option file that passes a login to the dump's tools, so that no password is an argument."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login


def option_file_text(
    login: Login, session_variables: t.Mapping[str, str], first_statement: str = "", program: str = "mydumper"
) -> str:
    """Return the text of a MySQL option file, with all values quoted.

    :param session_variables: variables that MyDumper 0.20 and later sets in its sessions
    :param first_statement: the statement that MyDumper 0.10 or its loader executes first in its sessions
    :param program: ``mydumper`` or ``myloader``, for ``first_statement``
    :raises OptionError: for a value with a line break or a NUL byte, which an option file cannot contain
    """
    values = {"user": login.user, "password": login.password}
    if login.unix_socket:
        values["socket"] = login.unix_socket
    else:
        # Without the protocol, these programs use the socket for `localhost`.
        values.update(host=login.host, port=str(login.port), protocol="tcp")
        if login.ca_cert:
            # MariaDB's clients know the option ssl-verify-server-cert, MySQL's know ssl-mode; `loose` makes each ignore
            # the other.
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
        raise OptionError(
            f"the login's {name} contains a line break or a NUL byte, which a MySQL option file cannot hold: change it"
        )
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
