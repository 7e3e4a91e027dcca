# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backups in a bucket, as a module's result."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._catalogue import (
    StoredBackup,
    choose,
    prefix_of,
    read_catalogue,
)
from ansible_collections.vex.backup.plugins.module_utils._run_log import timestamp
from ansible_collections.vex.backup.plugins.module_utils._s3 import Bound, Store
from ansible_collections.vex.backup.plugins.module_utils._s3_read import list_objects


def list_backups(params: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """List them and, when ``name``, ``at`` or ``latest`` says which, choose one.

    :param params: the module's
    :raises OptionError: for an option that cannot work
    :raises NoSuchBackup: when there is none to choose
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    bound = Bound(params["timeout"] or None, "listing")
    with Store(params, params["bucket"], bound=bound, retries=params["retries"], parallel=1) as store:
        listed = list_objects(store, prefix_of(params["prefix"], params["hostname"]))
    backups = read_catalogue(listed, params["prefix"]).backups
    result: t.Dict[str, t.Any] = {"changed": False, "backups": [_plain(one) for one in backups]}
    if params["latest"] or params["name"] is not None or params["at"] is not None:
        result["chosen"] = _plain(choose(backups, name=params["name"], at=params["at"]))
    return result


def _plain(backup: StoredBackup) -> t.Dict[str, t.Any]:
    values = backup._asdict().items()
    return {name: timestamp(value) if isinstance(value, datetime.datetime) else value for name, value in values}
