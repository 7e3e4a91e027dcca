# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a login to a database server, named as in community.mysql."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of a login to a database server, named as in community.mysql."""

    DOCUMENTATION = r"""
options:
  login_host:
    description:
      - Host of the database server. V(localhost) means its TCP address, for a socket set O(login_unix_socket).
      - Without it and without O(login_unix_socket), the server on this host is used.
    type: str
  login_port:
    description: TCP port of the database server; without it, the port in O(config_file), else 3306.
    type: int
  login_unix_socket:
    description: Path of the server's Unix socket; takes precedence over O(login_host).
    type: path
  login_user:
    description: Account to log in with.
    type: str
  login_password:
    description: Password of the account. Other programs get it only through files with mode 0600.
    type: str
  config_file:
    description:
      - A MySQL option file. Its C([client]) section provides the options above that are not set.
    type: path
  ca_cert:
    description:
      - File with the certificate authorities that may sign the server's certificate.
      - When set, the connection is encrypted and the server's certificate and name are verified.
      - Not used with a Unix socket, whose data does not leave the host.
    type: path
  ssl_cert:
    description: File with the certificate of the account. Needs O(ssl_key) and O(ca_cert).
    type: path
  ssl_key:
    description: File with the key of O(ssl_cert), readable by the user that the module runs as.
    type: path
requirements:
  - PyMySQL >= 1.1
"""
