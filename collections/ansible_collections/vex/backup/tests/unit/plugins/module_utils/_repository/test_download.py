# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keeps a download from beginning; the rest is in tests/integration/test_s3_download.py."""

from __future__ import annotations

import pathlib

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError
from ansible_collections.vex.backup.plugins.module_utils._repository.download import Request, download


@pytest.mark.parametrize("former", ["", "short"])
def test_a_key_that_anybody_has_is_none(tmp_path: pathlib.Path, former: str) -> None:
    """One among several is enough to believe a manifest: an empty one, of a variable that is not set, anybody has."""
    request = Request(
        {}, "vex", "db1/2026/01/backup_20260101_030000.zip", str(tmp_path), manifest_keys=["k" * 16, former]
    )
    with pytest.raises(OptionError, match="can be guessed"):
        download(request, RunLog(None))
