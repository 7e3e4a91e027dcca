# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keys of archives, built and parsed."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.backup_key import (
    ARCHIVE_FORMATS,
    COMPANIONS,
    BackupKey,
    archive_beside,
    build,
    hold_of,
    host_of,
    host_prefix,
    incomplete_of,
    manifest_of,
    parse,
    proof_of,
    trial_of,
)
from ansible_collections.vex.backup.plugins.module_utils._common.run_log import RUN_NAME
from ansible_collections.vex.backup.plugins.module_utils._errors import OptionError

KEY = "mysql/db%201/2025/07/backup_20250720_161523.zip"
NAME = "backup_20250720_161523"

# Names as the operating system gives them: undecodable bytes are surrogates.
HOSTNAMES = st.binary(min_size=1).map(lambda name: name.decode("utf-8", "surrogateescape"))
PREFIXES = st.text(st.sampled_from("ab/.%"), max_size=8)
MOMENTS = st.datetimes(datetime.datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


def test_a_key_is_built_and_parsed() -> None:
    assert build("/mysql/", "db 1", NAME, "zip") == KEY
    assert parse(KEY, "mysql") == BackupKey("db 1", NAME, "zip", datetime.datetime(2025, 7, 20, 16, 15, 23))


@given(PREFIXES, HOSTNAMES, MOMENTS, st.sampled_from(ARCHIVE_FORMATS))
def test_every_key_that_is_built_is_parsed(
    prefix: str, hostname: str, taken: datetime.datetime, extension: str
) -> None:
    name = taken.strftime(RUN_NAME)
    key = build(prefix, hostname, name, extension)
    assert parse(key, prefix) == BackupKey(hostname, name, extension, taken)
    assert key.startswith(host_prefix(prefix, hostname))
    assert key.startswith(host_prefix(prefix))


@given(st.text(), PREFIXES)
def test_any_text_can_be_parsed(key: str, prefix: str) -> None:
    parts = parse(key, prefix)
    assert parts is None or key.endswith(f"{parts.name}.{parts.extension}")


@pytest.mark.parametrize(
    "key",
    [
        "mysql/more/db1/2026/01/backup_20260131_030000.zip",
        "mysql/db1/2026/01/backup_20260231_030000.zip",
        "mysql/db1/2026/01/backup_20260131_030000.zip.partial",
        "mysql/db1/2026/01/backup_20260131_030000.tar",
        "mysql/db1/2026/01/backup_\u0662\u0660\u0662\u06660131_030000.zip",
        "mysql/backup_20260131_030000.zip",
        "mysqlx/db1/2026/01/backup_20260131_030000.zip",
        "other/db1/2026/01/backup_20260131_030000.zip",
        manifest_of(KEY),
    ],
)
def test_other_keys_are_no_archives(key: str) -> None:
    assert parse(key, "mysql") is None


@pytest.mark.parametrize(
    ("prefix", "hostname", "expected"),
    [("", None, ""), ("", "db1", "db1/"), ("/a/b/", None, "a/b/"), ("a", "db 1/é", "a/db%201%2F%C3%A9/")],
)
def test_host_prefix(prefix: str, hostname: t.Optional[str], expected: str) -> None:
    assert host_prefix(prefix, hostname) == expected


@pytest.mark.parametrize(
    ("hostname", "name", "extension", "message"),
    [
        ("", NAME, "zip", "the hostname is empty"),
        ("db1", "backup_unopened", "zip", "'backup_unopened' is not the name of a run"),
        ("db1", "backup_20250231_000000", "zip", "is not the name of a run"),
        ("db1", "backup_2025720_161523", "zip", "is not the name of a run"),
        ("db1", NAME, "tar", "'tar' is not an archive's extension: give one of zip, 7z"),
    ],
)
def test_invalid_parts_of_a_key_are_refused(hostname: str, name: str, extension: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        build("mysql", hostname, name, extension)


def test_the_objects_beside_an_archive() -> None:
    beside = [manifest_of(KEY), incomplete_of(KEY), proof_of(KEY), hold_of(KEY)]
    assert beside == [KEY + suffix for suffix in COMPANIONS]
    assert [archive_beside(key) for key in beside] == [KEY] * 4
    assert archive_beside(KEY) is None


def test_a_copy_at_another_place_is_no_backup() -> None:
    assert parse(KEY, "mysql") is not None
    for wrong in (("2025/07", "2025/08"), ("2025/07", "2024/07"), ("db%201", "d%62%201")):
        assert parse(KEY.replace(*wrong), "mysql") is None


def test_the_object_of_a_check_is_no_backup() -> None:
    assert trial_of("mysql", "db 1") == "mysql/db%201/vex-backup-check"
    assert parse(trial_of("mysql", "db 1"), "mysql") is None
    assert archive_beside(trial_of("mysql", "db 1")) is None
    with pytest.raises(OptionError, match="the hostname is empty"):
        trial_of("mysql", "")


def test_the_host_of_a_key() -> None:
    assert host_of(KEY) == host_of(f"deep/er/{KEY}") == "db 1"
    assert host_of(KEY.removeprefix("mysql/")) == "db 1"
    assert host_of("mysql/x.zip") is None
