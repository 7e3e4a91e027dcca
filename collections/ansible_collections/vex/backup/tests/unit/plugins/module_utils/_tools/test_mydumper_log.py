# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The log of MyDumper, in all its forms."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper_log import condensed, parse_log

FINISHED_LINE = "2026-11-22 18:27:02 [INFO] - Finished dump at: 2026-11-22 18:27:02\n"
# A message in each of MyDumper's three forms, and in GLib's form for libraries.
FORMS: t.Dict[str, t.Callable[[str, str], str]] = {
    "file": lambda level, message: f"2026-11-22 18:27:02 [{level}] - {message}",
    "glib": lambda level, message: (
        f"** Message: 18:27:02.220: {message}"
        if level in ("INFO", "MESSAGE")
        else f"\n** (mydumper:915): {level} **: 18:27:02.470: {message}"
    ),
    "glib recursed": lambda level, message: f"\n** (mydumper:915): {level} (recursed) **: 18:27:02.470: {message}",
    "glib unprefixed": lambda level, message: f"\n** {level} **: 18:27:02.470: {message}",
    "glib domain": lambda level, message: f"\n(mydumper:915): GLib-GIO-{level} **: 18:27:02.470: {message}",
    "json": lambda level, message: json.dumps({"level": level, "event": "e", "message": message}, ensure_ascii=False),
}


@pytest.mark.parametrize("kind", sorted(FORMS))
def test_message_is_read_in_every_form(kind: str) -> None:
    (read,) = parse_log(FORMS[kind]("CRITICAL", "Error dumping schemas (a\u2028b\x85c): Server has gone away"))
    assert read == ("CRITICAL", "Error dumping schemas (a\u2028b\x85c): Server has gone away", False)


def test_line_without_a_level_continues_the_line_before() -> None:
    text = f"before any\n{FINISHED_LINE}\tuse --long-query-guard\n\n{{broken\n" + "[" * 8
    assert [line.message for line in parse_log(text)] == [
        "Finished dump at: 2026-11-22 18:27:02\n\tuse --long-query-guard\n{broken\n[[[[[[[["
    ]


def test_too_deep_json_is_no_message() -> None:
    assert parse_log('{"a":' * 200_000) == []


@pytest.mark.parametrize(
    ("message", "cancelled"),
    [
        ("dumping data for `shop`.`job cancelled`", False),
        ("dumping data for `Shutting down gracefully`.`t`", False),
        ("Thread 3: `shop`.`orders` job cancelled", True),
        ("Thread 3: `shop`.`orders`job cancelled", True),
        ("Shutting down gracefully", True),
    ],
)
@pytest.mark.parametrize("kind", ["file", "json"])
def test_table_names_do_not_count_as_a_cancelled_job(message: str, cancelled: bool, kind: str) -> None:
    (read,) = parse_log(FORMS[kind]("INFO", message))
    assert read.cancelled is cancelled


def test_json_message_names_its_table() -> None:
    event = {"level": "warning", "message": "reconnecting", "db": "bench", "table": "t"}
    assert parse_log(json.dumps(event)) == [("WARNING", "reconnecting (bench.t)", False)]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({}, ("INFO", "", False)),
        ({"level": "info", "message": "m", "db": "d"}, ("INFO", "m (d)", False)),
        ({"message": "m", "table": "t"}, ("INFO", "m (t)", False)),
        ({"message": "m", "status": "cancelled"}, ("INFO", "m", True)),
        ({"message": "m", "status": "canceled"}, ("INFO", "m", True)),
        ({"message": "m", "status": "done"}, ("INFO", "m", False)),
        ({"event": "dump_completed", "message": "m"}, ("INFO", "m", False)),
        ({"event": "dump_completed", "message": "m", "errors": 0}, ("INFO", "m", False)),
        ({"event": "dump_completed", "message": "m", "errors": "0"}, ("INFO", "m", False)),
        ({"event": "dump_completed", "message": "m", "errors": 2}, ("ERROR", "m with 2 errors", False)),
        (
            {"event": "dump_completed", "message": "m", "errors": "2", "status": "cancelled"},
            ("ERROR", "m with 2 errors", True),
        ),
        ({"event": "other", "message": "m", "errors": 2}, ("INFO", "m", False)),
    ],
)
def test_json_events(event: t.Dict[str, t.Any], line: t.Tuple[str, str, bool]) -> None:
    assert parse_log(json.dumps(event)) == [line]


def test_json_with_control_characters() -> None:
    """MyDumper writes the names of tables as they are."""
    assert parse_log('{"level": "ERROR", "message": "a\tb"}') == [("ERROR", "a\tb", False)]


def test_warnings_of_long_rows_are_one_line() -> None:
    rows = [f"2026-11-22 18:27:02 [WARNING] - Row bigger than statement_size for d.{table}\n" for table in "tutt"]
    other = "2026-11-22 18:27:02 [WARNING] - Another warning\n"
    counts = "# Row bigger than statement_size, in a statement of its own: 4 times, d.t (3), d.u (1)\n"
    assert condensed("".join([rows[0], other, *rows[1:], FINISHED_LINE])) == f"{other}{FINISHED_LINE}{counts}"
    assert condensed(f"{other}{FINISHED_LINE}") == f"{other}{FINISHED_LINE}"
