# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts of a run that hooks get, from the results of its stages so far."""

from __future__ import annotations

import typing as t

from ansible_collections.vex.backup.plugins.module_utils._common.status import RUNNING
from ansible_collections.vex.backup.plugins.plugin_utils.run_outcome import Plan, Stages, decide
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import UPLOADED


def facts_of(plan: Plan, stages: Stages) -> t.Dict[str, str]:
    """Return the facts as texts, empty for what is not known yet; those of ``backup_hook`` without ``run_log``.

    The status is the dump's, 0 before it, until the record is closed, and then the backup's. The bucket and the key are
    those of the first destination that has the archive.
    """
    outcome = decide(plan, stages)
    places = [one for one in outcome.destinations if one["state"] == UPLOADED] or [{}]
    facts = {
        "hostname": plan.hostname,
        "run_uuid": stages.opened.get("run_uuid"),
        "name": stages.opened.get("name"),
        "started": stages.opened.get("started"),
        "status": outcome.status if stages.closed else stages.dump.get("status", RUNNING),
        "upload_status": outcome.upload_status if stages.closed else None,
        "databases": "\n".join(map(str, stages.dump.get("databases") or [])),
        "dump_dir": plan.dump_path if "status" in stages.dump else None,
        "dump_bytes": stages.dump.get("dump_bytes"),
        "archive": stages.pack.get("archive"),
        "archive_bytes": stages.pack.get("size"),
        "bucket": places[0].get("bucket"),
        "key": places[0].get("key"),
        "problems": "\n".join(outcome.problems),
    }
    return {name: "" if value is None else str(value) for name, value in facts.items()}
