# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backups in a bucket, as a module's result."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._repository.catalog import described, prefix_of, read_catalogue
from ansible_collections.vex.backup.plugins.module_utils._store.objects import list_objects
from ansible_collections.vex.backup.plugins.module_utils._store.s3 import Bound, Store


def list_backups(params: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """List them, newest first.

    :param params: the module's
    :raises OptionError: for an option that cannot work
    :raises StoreFailed: when the store refuses or cannot be reached
    """
    bound = Bound(params["timeout"] or None, "listing")
    with Store(params, params["bucket"], bound=bound, retries=params["retries"], parallel=1) as store:
        listed = list_objects(store, prefix_of(params["prefix"], params["hostname"]))
    return {
        "changed": False,
        "backups": [described(one) for one in read_catalogue(listed, params["prefix"]).backups],
    }
