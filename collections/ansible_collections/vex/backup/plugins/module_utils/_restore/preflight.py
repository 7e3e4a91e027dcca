# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The checks of a server and of this host before a restore writes anything. Check mode makes them too.

The refusal to overwrite is in ``existing``, the lock and the free space of the loaded files are in ``files``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._mysql.server import Server, describe
from ansible_collections.vex.backup.plugins.module_utils._restore.existing import Existing, find_existing
from ansible_collections.vex.backup.plugins.module_utils._restore.plan import RestorePlan
from ansible_collections.vex.backup.plugins.module_utils._restore.target import Programs, find_programs

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor


class Preflight(t.NamedTuple):
    """The server, the programs that load, and the objects to overwrite, by the database's name in the backup."""

    server: Server
    programs: Programs
    existing: t.Mapping[str, Existing]


def check_target(connection: Connection[Cursor], plan: RestorePlan) -> Preflight:
    """Check the server that a backup is to be restored to, and the programs of this host.

    :raises ProgramMissing: naming the package to install
    """
    server = describe(connection)
    programs = find_programs(plan, server)
    return Preflight(server, programs, {one.name: find_existing(connection, one) for one in plan.databases})
