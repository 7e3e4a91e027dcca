# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan and the stages of a good run."""

from __future__ import annotations

import dataclasses

from ansible_collections.vex.backup.plugins.plugin_utils.run_stages import Plan, Stages
from ansible_collections.vex.backup.plugins.plugin_utils.upload_outcome import Target

RUN = "0b7a9f5e-8a55-4d7b-9a3e-1c2d3e4f5a6b"
PLAN = Plan(
    hostname="db1",
    name="backup_20250720_161523",
    archive_name="backup_20250720_161523.zip",
    dump_path="/work/backup_20250720_161523",
    is_packed=True,
    is_uploaded=True,
    targets=(Target("s3", "s3", "vex", "db1/2025/07/backup_20250720_161523.zip"),),
)
# The plan as the role gives it.
ROLE_PLAN = {
    **{name: value for name, value in dataclasses.asdict(PLAN).items() if name != "targets"},
    "stores": [{"name": "s3", "type": "s3", "place": "vex", "prefix": "", "keep": {}, "options": {"bucket": "vex"}}],
    "archive_format": "zip",
}
OPENED = {"run_uuid": RUN, "name": PLAN.name, "started": "2025-07-20 16:15:23"}
DUMP = {
    "status": 1,
    "databases": ["loja", "a, b"],
    "dump_bytes": 5000,
    "compressed_bytes": 900,
    "server_version": "MariaDB 11.8.3",
    "tool_version": "mydumper 0.10.1",
    "binlog_coordinates": "binlog.000001:4",
    "dump_started": "2025-07-20 16:15:24",
    "dump_finished": "2025-07-20 16:15:30",
    "dump_warnings": [],
    "dump_errors": [],
}
PACK = {
    "archive": "/work/backup_20250720_161523.zip",
    "size": 1000,
    "sha256": "0" * 64,
    "pack_started": "2025-07-20 16:15:31",
    "pack_finished": "2025-07-20 16:15:40",
}
UPLOAD = {
    "url": "s3://vex/db1/2025/07/backup_20250720_161523.zip",
    "manifest_key": "db1/2025/07/backup_20250720_161523.zip.manifest.json",
    "upload_started": "2025-07-20 16:15:41",
    "upload_finished": "2025-07-20 16:15:50",
}
CLOSED = {"run_uuid": RUN, "ended": "2025-07-20 16:16:46", "spooled": False}
GOOD = Stages(opened=OPENED, dump=DUMP, pack=PACK, uploads={"s3": UPLOAD}, closed=CLOSED)
SKIPPED = {"skipped": True, "changed": False}
