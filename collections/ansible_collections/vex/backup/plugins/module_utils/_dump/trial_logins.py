# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins of the dump's programs, each in the way of a dump: a check tries what a run does."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.vex.backup.plugins.module_utils._dump.plan import Plan
from ansible_collections.vex.backup.plugins.module_utils._mysql.connection import Login, variables_for_tools
from ansible_collections.vex.backup.plugins.module_utils._mysql.option_file import written_option_file
from ansible_collections.vex.backup.plugins.module_utils._mysql.session import LOOK
from ansible_collections.vex.backup.plugins.module_utils._tools.client import Client
from ansible_collections.vex.backup.plugins.module_utils._tools.login import client_login, mydumper_login, try_login
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import environment


def try_client(login: Login, client: Client) -> None:
    """Log in with the server's client.

    :param login: for the server that was checked
    :raises ToolLoginFailed: with what the program printed
    """
    with tempfile.TemporaryDirectory(prefix="vex-backup-") as private:
        option_file = written_option_file(private, login, variables_for_tools(login, LOOK))
        try_login(client_login(client.path, option_file), environment())


def try_mydumper(login: Login, plan: Plan) -> None:
    """Log in with MyDumper, unless it would dump nothing.

    :param login: for the server that was checked
    :raises ToolLoginFailed: with what the program printed
    """
    database = next((one.name for one in plan.databases if one.mydumper_tables), None)
    if database is None:
        return
    with tempfile.TemporaryDirectory(prefix="vex-backup-") as private:
        option_file = written_option_file(private, login, variables_for_tools(login, LOOK))
        more = plan.version.driver.trial_arguments(plan.server.product, plan.server_version)
        output = os.path.join(private, "output")
        try_login(mydumper_login(plan.mydumper_path, option_file, database, output, more), environment())
