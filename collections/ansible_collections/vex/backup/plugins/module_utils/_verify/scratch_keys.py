# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Throw-away keys of a scratch server, with which it holds encrypted tables. They are removed with the server."""

from __future__ import annotations

import json
import os
import pwd
import re
import secrets
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.process import run
from ansible_collections.vex.backup.plugins.module_utils._verify.scratch_folder import ScratchFolder

# What encrypts tables, by product: a plugin and a component.
COMPONENTS = {"mariadb": "file_key_management", "mysql": "component_keyring_file"}
_HELP_SECONDS = 60
_PLUGINS = re.compile(r"^plugin-dir\s+(\S.*)$", re.MULTILINE)
_KEY_BYTES = 32
# MariaDB's plugin refuses a file without it.
_FIRST_KEY = 1


def mariadb_keys(
    folder: ScratchFolder, numbers: t.Iterable[int], account: t.Optional[pwd.struct_passwd]
) -> t.List[str]:
    """Write keys with these numbers; return the options of the server, which starts without its plugin too."""
    path = _keys(folder)
    wanted = sorted({_FIRST_KEY, *numbers})
    _write(path, "".join(f"{number};{secrets.token_hex(_KEY_BYTES)}\n" for number in wanted), 0o600)
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)
    return [f"--plugin-load-add={COMPONENTS['mariadb']}", f"--loose-file-key-management-filename={path}"]


def mysql_keys(folder: ScratchFolder, server: t.Sequence[str]) -> t.List[str]:
    """Let MySQL load its keyring; return the options of the server, none when the host lacks the component.

    MySQL reads a manifest of components beside its program, and a component's settings beside the component.

    :param server: the server's command, with a program in the folder's own directory
    """
    name = COMPONENTS["mysql"]
    described = run([*server, "--verbose", "--help"], cwd="/", timeout=_HELP_SECONDS).stdout
    component = os.path.join("".join(_PLUGINS.findall(described)), f"{name}.so")
    if not os.path.isfile(component):
        return []
    own = os.path.join(folder.program, name)
    os.symlink(component, f"{own}.so")
    _write(f"{own}.cnf", json.dumps({"path": _keys(folder), "read_only": False}), 0o644)
    _write(f"{server[0]}.my", json.dumps({"components": f"file://{name}"}), 0o644)
    return [f"--plugin-dir={folder.program}"]


def _keys(folder: ScratchFolder) -> str:
    return os.path.join(folder.instance, "keys")


def _write(path: str, text: str, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(text)
