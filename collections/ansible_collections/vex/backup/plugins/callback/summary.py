# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback that shows the result of each host's backup at the end of a playbook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: Show the result of each host's backup
version_added: "1.0.0"
author:
  - Vex Backup (@vex-backup)
description:
  - At the end of a playbook whose plays have the role C(vex.backup.backup), shows a table with a row for each host,
    including hosts that failed, were unreachable or did not run.
  - With the variable C(vex_backup_summary_file), also writes the summary as JSON to that file on the control node, with
    mode 0600. The file is written when the play starts, without an end, and again at the end. It is not written in
    check mode.
  - When the file cannot be written, the backups are made, and ansible-playbook exits with status 1.
requirements:
  - Enable it by C(callbacks_enabled = vex.backup.summary) in C(ansible.cfg).
"""

import typing as t

from ansible import context
from ansible.plugins.callback import CallbackBase

from ansible_collections.vex.backup.plugins.module_utils._common.files import write_json_durably
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import utc_now
from ansible_collections.vex.backup.plugins.plugin_utils.summary import document, line_of, table

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.playbook.play import Play

ROLE = "vex.backup.backup"


class CallbackModule(CallbackBase):
    """The callback plugin that Ansible loads."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "vex.backup.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._started = utc_now()
        self._hosts: t.List[str] = []
        self._failed: t.Dict[str, str] = {}
        self._unreachable: t.Dict[str, str] = {}
        self._path = ""

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """Remember the hosts to back up."""
        if ROLE not in [role.get_name() for role in play.get_roles()]:
            return
        variables = play.get_variable_manager().get_vars(play=play)
        for host in variables["ansible_play_hosts_all"]:
            if host not in self._hosts:
                self._hosts.append(host)
            self._path = variables["hostvars"][host].get("vex_backup_summary_file", self._path)
        # From now on the file is about this run, even if the run never ends.
        self._write(document([line_of(host) for host in self._hosts], self._started, None))

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """Remember the failure of a task, in case the run reports no outcome of its own."""
        if not ignore_errors:
            self._failed[result._host.get_name()] = f"{result._task.name}: {_message(result)}"

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Remember the reason why the host could not be reached."""
        self._unreachable[result._host.get_name()] = _message(result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Show the summary, and write its file."""
        if not self._hosts:
            return
        outcomes = stats.custom.get("_run", {}).get("vex_backup_outcomes", {})
        lines = [
            line_of(host, outcomes.get(host), self._failed.get(host), self._unreachable.get(host))
            for host in self._hosts
        ]
        self._display.banner("BACKUPS")
        self._display.display(table(lines))
        if not self._write(document(lines, self._started, utc_now())):
            # A callback has no other way to make the playbook fail. The stdout callback has already run.
            raise SystemExit(1)

    def _write(self, content: t.Mapping[str, t.Any]) -> bool:
        if not self._path or context.CLIARGS["check"]:
            return True
        try:
            write_json_durably(self._path, content)
        except OSError as error:
            self._display.error(
                f"vex_backup_summary_file: {self._path} cannot be written ({error.strerror}): "
                "name a file in an existing directory that you may write to"
            )
            return False
        return True


def _message(result: CallbackTaskResult) -> str:
    return str(result._result.get("msg") or "no message was given")
