# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a backup run, and the results of its stages, as the role has them."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import (
    Result,
    Target,
    ended,
    ended_by_item,
    target_of,
)

# The stages that are loops over the names of the destinations.
BY_DESTINATION = frozenset({"uploads", "earlier", "prunes"})


@dataclasses.dataclass(frozen=True)
class Plan:
    """The plan of a run.

    ``name`` is the run's, ``archive_name`` the file name of its archive, ``dump_path`` the directory of the dump.
    ``is_packed``: the dump is packed into an archive. ``is_uploaded``: the archive is uploaded, to each of the
    ``targets``. ``is_check``: in check mode, where nothing is made.
    """

    hostname: str
    name: str
    archive_name: str
    dump_path: str
    is_packed: bool
    is_uploaded: bool
    targets: t.Sequence[Target] = ()
    is_check: bool = False

    @classmethod
    def from_role(cls, plan: t.Mapping[str, t.Any]) -> Plan:
        """Read the plan of a role.

        :param plan: by field; instead of the ``targets`` the ``stores``, as the filter ``destinations`` returns them,
            and the ``archive_format``
        :raises Exception: of any kind, for another shape
        """
        fields = {name: value for name, value in plan.items() if name not in {"stores", "archive_format"}}
        hostname, archive_format = str(plan["hostname"]), str(plan["archive_format"])
        run = str(plan["name"]) if plan["is_uploaded"] else ""
        return cls(**fields, targets=[target_of(store, hostname, run, archive_format) for store in plan["stores"]])


@dataclasses.dataclass(frozen=True)
class Failure:
    """The task that ended the run early: its name and its message."""

    task: str
    message: str


@dataclasses.dataclass(frozen=True)
class Stages:
    """The results of a run's stages so far, as Ansible registers them; empty for a stage that did not run.

    ``opened`` and ``closed`` are of ``backup_log_record``, ``dump`` of ``mysql_dump``, ``pack`` of ``archive_7z``,
    ``uploads`` of ``destination_upload``, ``sizes`` of ``backup_alarm``, ``earlier`` of ``backup_upload``, ``prune`` of
    ``backup_prune`` on the host and ``prunes`` in the destinations, ``mail`` of ``backup_mail``, ``channels`` of
    ``backup_notify``, ``ping`` of ``backup_ping``; ``before_run``, ``after_dump`` and ``after_run`` of
    ``backup_hook``. ``uploads``, ``earlier`` and ``prunes`` are by the name of the destination.
    """

    opened: Result = dataclasses.field(default_factory=dict)
    before_run: Result = dataclasses.field(default_factory=dict)
    dump: Result = dataclasses.field(default_factory=dict)
    after_dump: Result = dataclasses.field(default_factory=dict)
    pack: Result = dataclasses.field(default_factory=dict)
    uploads: t.Mapping[str, Result] = dataclasses.field(default_factory=dict)
    sizes: Result = dataclasses.field(default_factory=dict)
    closed: Result = dataclasses.field(default_factory=dict)
    earlier: t.Mapping[str, Result] = dataclasses.field(default_factory=dict)
    prune: Result = dataclasses.field(default_factory=dict)
    prunes: t.Mapping[str, Result] = dataclasses.field(default_factory=dict)
    after_run: Result = dataclasses.field(default_factory=dict)
    mail: Result = dataclasses.field(default_factory=dict)
    channels: Result = dataclasses.field(default_factory=dict)
    ping: Result = dataclasses.field(default_factory=dict)
    failure: t.Optional[Failure] = None

    @classmethod
    def from_registered(cls, registered: t.Mapping[str, t.Any]) -> Stages:
        """Read the stages of a role.

        :param registered: by field; a list for a stage that ran in the background: the result of its task and that of
            the task that waited for it. Those by destination are such lists of loops over their names. ``failure`` is
            a mapping, empty when nothing failed
        :raises Exception: of any kind, for another shape
        """
        results: t.Dict[str, t.Any] = {
            name: (ended_by_item if name in BY_DESTINATION else ended)(result)
            for name, result in registered.items()
            if name != "failure"
        }
        failure = registered.get("failure")
        # The message of a module may be a list or a number.
        return cls(**results, failure=Failure(str(failure["task"]), str(failure["message"])) if failure else None)
