# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How modules log in to the log database."""

from __future__ import annotations


class ModuleDocFragment:
    """How modules log in to the log database."""

    DOCUMENTATION = r"""
options:
  login_host:
    description:
      - Host of the database server.
      - Without it and without O(login_unix_socket), the server is the one on this host.
    type: str
  login_port:
    description: TCP port of the database server; 3306 unless O(config_file) says otherwise.
    type: int
  login_unix_socket:
    description: Path of the server's Unix socket; takes precedence over O(login_host).
    type: path
  login_user:
    description: Account to log in with.
    type: str
  login_password:
    description: Its password. Reaches other programs only through files with mode 0600.
    type: str
  config_file:
    description:
      - A MySQL option file whose C([client]) section gives what the options above do not.
    type: path
  ca_cert:
    description:
      - File with the certificate authorities that the server's certificate must come from.
      - When set, the connection is encrypted and the server's certificate and name are verified.
      - It plays no part with a Unix socket; what passes there does not leave the host.
    type: path
  login_database:
    description: Name of the log database.
    type: str
    default: vex_backup
  connect_timeout:
    description: Seconds to wait for the log database to answer.
    type: int
    default: 10
requirements:
  - PyMySQL >= 1.1
"""
