# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unit tests of the summary of all hosts."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.plugin_utils.summary import Line, document, line_of, table

START = datetime.datetime(2026, 1, 1, 3)
END = datetime.datetime(2026, 1, 1, 4)


def outcome(**changes: t.Any) -> Line:
    good = {
        "status": 1,
        "status_backup": 1,
        "status_upload": 1,
        "bytes": 6_214_999_999,
        "seconds": 83,
        "key": "db1/a.zip",
    }
    return {**good, "problems": [], **changes}


def test_the_destinations_of_a_host_with_several() -> None:
    s3 = {"name": "s3", "type": "s3", "bucket": "vex", "key": "db1/a.zip", "state": "success"}
    vault = {"name": "vault", "type": "gcs", "bucket": "safe", "key": "db1/a.zip", "state": "error"}
    shown = table([line_of("db1", outcome(destinations=[s3, vault])), line_of("db2", outcome(destinations=[s3]))])
    assert shown.splitlines()[3:] == ["db1: s3: success vex/db1/a.zip", "db1: vault: error safe/db1/a.zip"]


@pytest.mark.parametrize(
    ("known", "status"),
    [
        ({"outcome": outcome()}, "success"),
        ({"outcome": outcome(status=2, status_backup=2)}, "warning"),
        ({"outcome": outcome(status=3, status_backup=3, problems=["Dump the server: no"])}, "error"),
        # The play fails after a good dump whose upload, record or mail failed.
        ({"outcome": outcome(status=3, status_upload=3, problems=["Upload the archive: no"])}, "error"),
        (
            {
                "outcome": outcome(status=3, problems=["the mail could not be delivered"]),
                "failure": "Report the problems",
            },
            "error",
        ),
        ({"failure": "Validating arguments: no"}, "error"),
        ({"unreachable": "no route", "failure": "a task"}, "unreachable"),
        ({"unreachable": "no route", "outcome": outcome()}, "unreachable"),
        ({}, "not run"),
        ({"outcome": outcome(status=None, status_backup=None, bytes=None, key=None)}, "would run"),
    ],
)
def test_status(known: t.Dict[str, t.Any], status: str) -> None:
    line = line_of("db1", **known)
    assert line["status"] == status
    assert bool(line["problems"]) == (status in ("error", "unreachable"))
    whole = document([line], START, END)
    assert whole["ok"] == (status in ("success", "warning"))
    # The summary for programs is not written in check mode.
    counted = {} if status == "would run" else {status: 1}
    assert {name: count for name, count in whole["totals"].items() if count} == counted


def test_summary_is_not_ok_before_the_end() -> None:
    before = document([line_of("db1", outcome())], START, None)
    assert (before["ok"], before["started"], before["finished"]) == (False, "2026-01-01 03:00:00", None)


def test_table() -> None:
    lines = [
        line_of("db1", outcome()),
        line_of("database-2", unreachable="no\n  route"),
        line_of("db3", outcome(bytes=12, key=None, seconds=86_400)),
    ]
    assert table(lines).splitlines() == [
        "host        status       size     duration        key",
        "db1         success      6.21 GB  0:01:23         db1/a.zip",
        "database-2  unreachable  -        -               -",
        "db3         success      0.01 KB  1 day, 0:00:00  -",
        "database-2: no route",
    ]
