# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The environment of a hook: the facts of the run, and nothing of this process's own, which may hold secrets."""

from __future__ import annotations

import dataclasses
import os
import pwd
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.text import fit_bytes

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Linux refuses a variable of more than 128 KiB.
_LIMIT_BYTES = 32 * 1024


@dataclasses.dataclass(frozen=True)
class Facts:
    """The facts of a run, as texts: empty for one that is not known, or not yet.

    ``status`` and ``upload_status`` are from ``_common/status.py``; the first is 0 until the dump has one.
    ``databases`` are names and ``problems`` sentences, one a line. ``dump_dir``, ``archive`` and ``run_log`` are paths.
    ``bucket`` and ``key`` are of the uploaded archive.
    """

    hostname: str
    run_uuid: str
    name: str
    started: str
    status: str
    upload_status: str
    databases: str
    dump_dir: str
    dump_bytes: str
    archive: str
    archive_bytes: str
    bucket: str
    key: str
    run_log: str
    problems: str


# Each variable and its fact.
VARIABLES = {
    "VEX_BACKUP_HOSTNAME": "hostname",
    "VEX_BACKUP_RUN_UUID": "run_uuid",
    "VEX_BACKUP_NAME": "name",
    "VEX_BACKUP_STARTED": "started",
    "VEX_BACKUP_STATUS": "status",
    "VEX_BACKUP_UPLOAD_STATUS": "upload_status",
    "VEX_BACKUP_DATABASES": "databases",
    "VEX_BACKUP_DUMP_DIR": "dump_dir",
    "VEX_BACKUP_DUMP_BYTES": "dump_bytes",
    "VEX_BACKUP_ARCHIVE": "archive",
    "VEX_BACKUP_BYTES": "archive_bytes",
    "VEX_BACKUP_BUCKET": "bucket",
    "VEX_BACKUP_KEY": "key",
    "VEX_BACKUP_LOG": "run_log",
    "VEX_BACKUP_PROBLEMS": "problems",
}
# They may be absent: the archive holds the dump, and retention removes archives.
PATHS = {"dump_dir", "archive"}


def environment_of(facts: Facts, phase: str) -> t.Dict[str, str]:
    """Return all variables of a hook of this *phase*. A path that does not exist is empty."""
    known = {variable: _value(fact, getattr(facts, fact)) for variable, fact in VARIABLES.items()}
    return {**_account(), "PATH": PATH, "LC_ALL": "C.UTF-8", **known, "VEX_BACKUP_PHASE": phase}


def _value(fact: str, text: str) -> str:
    if fact in PATHS and not os.path.exists(text):
        return ""
    return fit_bytes(text.replace("\0", " "), _LIMIT_BYTES)


def _account() -> t.Dict[str, str]:
    try:
        account = pwd.getpwuid(os.geteuid())
    except KeyError:
        # An account without an entry, as in some containers.
        return {"HOME": "/"}
    return {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name}
