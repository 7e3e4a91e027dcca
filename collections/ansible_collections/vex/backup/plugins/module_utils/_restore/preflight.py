# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of a server and of this host before a restore writes anything. Check mode makes them too.

The refusal to overwrite is in ``existing``, the lock and the check of the backup's files are in ``backup``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server, describe
from ansible_collections.vex.backup.plugins.module_utils._restore.definers import SCRATCH_NEEDS
from ansible_collections.vex.backup.plugins.module_utils._restore.existing import Existing, find_existing
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.refused import refuse_unfit
from ansible_collections.vex.backup.plugins.module_utils._tools.client import Client, find_client

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class Preflight(t.NamedTuple):
    """The server, the program that loads, and the objects to overwrite, by the database's name in the backup."""

    server: Server
    client: Client
    existing: t.Mapping[str, Existing]


def check_target(connection: Connection[Cursor], plan: RestorePlan, *, is_scratch: bool) -> Preflight:
    """Check the server that a backup is to be restored to, and the client of this host.

    :param is_scratch: whether the server is only for a proof
    :raises ProgramMissing: naming the package to install
    :raises TargetUnfit: naming what the server lacks
    """
    server = describe(connection)
    client = find_client(server.product)
    refuse_unfit(connection, server, plan, except_for=SCRATCH_NEEDS if is_scratch else ())
    return Preflight(server, client, {one.name: find_existing(connection, one) for one in plan.databases})
