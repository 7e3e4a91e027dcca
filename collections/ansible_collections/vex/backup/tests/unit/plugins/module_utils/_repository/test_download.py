# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that a download refuses; the rest is in tests/integration/test_s3_download.py."""

from __future__ import annotations

import pathlib

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._repository.download import DownloadRequest, download
from ansible_collections.vex.backup.plugins.module_utils._store.destination import Destination
from ansible_collections.vex.backup.plugins.module_utils._store.s3_client import S3Settings


@pytest.mark.parametrize("former", ["", "short"])
def test_a_short_manifest_key_is_refused(tmp_path: pathlib.Path, former: str) -> None:
    """One key among several is enough to accept a manifest, and anybody can sign with an empty one."""
    request = DownloadRequest(
        destination=Destination("s3", "s3", "vex", S3Settings()),
        key="db1/2026/01/backup_20260101_030000.zip",
        prefix=None,
        hostname=None,
        name=None,
        at=None,
        dest=str(tmp_path),
        manifest_only=False,
        manifest_keys=["k" * 16, former],
        thaw=False,
        thaw_timeout=0,
        parallel=1,
        patience=0,
        timeout=None,
        check_mode=False,
    )
    with pytest.raises(OptionError, match="can be guessed"):
        download(request, RunLog(None))
