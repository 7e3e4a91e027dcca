# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several threads that find at once that a store refuses checksum headers; the rest is in test_upload*.py."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

pytest.importorskip("boto3")

from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RunLog
from ansible_collections.vex.backup.plugins.module_utils._store.refusal import Reason, Refused
from ansible_collections.vex.backup.plugins.module_utils._store.s3_checksums import Checksums


def test_the_log_says_it_once(tmp_path: pathlib.Path) -> None:
    sent: t.List[t.Set[str]] = []
    log = tmp_path / "log"
    checksums = Checksums()

    def put(**params: t.Any) -> t.Dict[str, t.Any]:
        sent.append(params.keys() - {"Body"})
        if "ChecksumSHA256" not in params:
            return {}
        if len(sent) == 1:
            # Another thread sends its request before this one is answered, and is answered first.
            checksums.write(put, b"y", RunLog(str(log)), {})
        raise Refused("no", Reason.UNSUPPORTED)

    checksums.write(put, b"x", RunLog(str(log)), {})
    assert sent == [*[{"ChecksumAlgorithm", "ChecksumSHA256"}] * 2, *[{"ContentMD5"}] * 2]
    assert log.read_text("utf-8").count("the store refuses checksum headers") == 1
