# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a dump, from MyDumper's exit status, log and metadata."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    LEGACY,
    Evidence,
    decide,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.captured_dumps import (
    FINISHED_LINE,
    FINISHED_METADATA,
    FIXTURES,
    NO_POSITION,
    WHOLE,
    captured,
)


@pytest.mark.parametrize("name", ["v0-ok", "v0-L", "v1-clean", "v1-weird"])
def test_complete_dumps_are_successes(name: str) -> None:
    assert decide(captured(name)) == (SUCCESS, [], [])


@pytest.mark.parametrize("name", ["v0-ok", "v0-L"])
def test_missing_binlog_position_is_a_warning(name: str) -> None:
    status, warnings, errors = decide(captured(name, binlog_enabled=True))
    assert (status, errors) == (WARNING, [])
    assert warnings == ["the server writes a binary log, but the dump has no binlog position"]


@pytest.mark.parametrize("name", ["v1-clean", "v1-weird"])
def test_present_binlog_position_is_no_warning(name: str) -> None:
    assert decide(captured(name, binlog_enabled=True)) == (SUCCESS, [], [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("v0-term", "MyDumper was ended by signal 15"),
        ("v0-killconn", "Could not read data from bench.sbtest3: Lost connection"),
        ("v0-denied", "Access denied for user 'nobody'"),
        ("v0-nodb", "Unknown database 'nope'"),
        ("v0-weird", "its metadata was not written"),
        ("v1-term", "MyDumper stopped before the end: Shutting down gracefully"),
        ("v1-killconn", "could not read table data during dump (bench.sbtest4)"),
        ("v1-denied", "Access denied for user 'nobody'"),
        ("v1-nodb", "Could not select database: nope"),
        ("v1-multi", "Invalid byte sequence in conversion input"),
        ("v1-json", "Non transactional table found: `shop`.`log_myisam`"),
        ("v1-ok", "Non transactional table found: `shop`.`log_myisam`"),
        ("v1-L", "Non transactional table found: `shop`.`log_myisam`"),
    ],
)
@pytest.mark.parametrize("binlog_enabled", [False, True])
def test_failed_dumps_are_errors_with_their_reason(name: str, reason: str, binlog_enabled: bool) -> None:
    outcome = decide(captured(name, binlog_enabled=binlog_enabled))
    assert outcome.status == ERROR
    assert reason in outcome.errors[0]


def test_every_capture_is_used_by_a_test() -> None:
    names = {path.stem for path in FIXTURES.iterdir()}
    source = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert names
    assert {name for name in names if f'"{name}"' not in source} == set()


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
form = st.sampled_from(sorted(FORMS))
level = st.sampled_from(["INFO", "WARNING", "MESSAGE", "DEBUG"])
# A server allows all characters in a name, a line break included.
words = st.one_of(st.text(max_size=20), st.sampled_from(["Finished dump at: 2026", "dumping data for `a`.`b`", '{"']))
line = st.builds(lambda kind, weight, message: FORMS[kind](weight, message), form, level, words)
any_line = st.one_of(line, words, st.just(FINISHED_LINE), st.just(NO_POSITION))
fatal_line = st.builds(
    lambda kind, weight, message: FORMS[kind](weight, message), form, st.sampled_from(["ERROR", "CRITICAL"]), words
)
cancelled_line = st.one_of(
    st.builds(
        lambda kind, message: FORMS[kind]("INFO", message),
        st.sampled_from(["file", "glib", "json"]),
        st.sampled_from(
            ["Shutting down gracefully", "dump job cancelled", "Thread 1: job canceled", "Backup cancelled"]
        ),
    ),
    st.just('{"level":"INFO","event":"dump_job","status":"cancelled","message":"","db":"bench"}'),
    st.builds(
        '{{"level":"INFO","event":"dump_completed","message":"","errors":"{}"}}'.format, st.integers(min_value=1)
    ),
)
metadata = st.one_of(
    st.none(),
    st.just(FINISHED_METADATA),
    st.just((FIXTURES / "v1-clean.metadata").read_text(encoding="utf-8")),
    st.text(max_size=40),
)
status = st.integers(min_value=-64, max_value=255)


def log_with(lines: t.List[str], added: t.List[str]) -> str:
    return "\n".join([*lines[: len(lines) // 2], *added, *lines[len(lines) // 2 :]])


@given(st.lists(any_line, max_size=8), fatal_line, status, metadata, st.booleans(), st.booleans())
def test_fatal_line_is_an_error(
    lines: t.List[str], fatal: str, returncode: int, text: t.Optional[str], partial: bool, binlog_enabled: bool
) -> None:
    evidence = Evidence(returncode, log_with(lines, [fatal]), text, partial, binlog_enabled)
    assert decide(evidence).status == ERROR


@given(st.lists(any_line, max_size=8), cancelled_line, status, metadata, st.booleans(), st.booleans())
def test_cancelled_dump_is_an_error(
    lines: t.List[str], fatal: str, returncode: int, text: t.Optional[str], partial: bool, binlog_enabled: bool
) -> None:
    evidence = Evidence(returncode, log_with(lines, [fatal]), text, partial, binlog_enabled)
    assert decide(evidence).status == ERROR


@given(st.lists(any_line, max_size=8), st.one_of(st.integers(-64, -1), st.integers(129, 255)), metadata, st.booleans())
def test_death_by_a_signal_is_an_error(
    lines: t.List[str], returncode: int, text: t.Optional[str], binlog_enabled: bool
) -> None:
    log = log_with([*lines, FINISHED_LINE], [])
    assert decide(Evidence(returncode, log, text, False, binlog_enabled)).status == ERROR


@given(st.lists(any_line, max_size=8), status, st.booleans(), st.booleans())
def test_missing_metadata_is_an_error(lines: t.List[str], returncode: int, partial: bool, binlog_enabled: bool) -> None:
    log = log_with([*lines, FINISHED_LINE], [])
    assert decide(Evidence(returncode, log, None, partial, binlog_enabled)).status == ERROR
    assert decide(Evidence(returncode, log, FINISHED_METADATA, True, binlog_enabled)).status == ERROR


@given(st.text(), status, st.text(), st.booleans(), st.booleans(), st.lists(st.text(), max_size=2))
def test_any_text_is_an_error_without_an_exception(
    log: str, returncode: int, text: str, partial: bool, binlog_enabled: bool, names: t.List[str]
) -> None:
    outcome = decide(Evidence(returncode, log, text, partial, binlog_enabled, names))
    assert outcome.status == ERROR
    assert outcome.errors


@given(st.lists(line.filter(lambda text: "cancel" not in text.lower() and "shutting" not in text.lower())))
def test_plain_messages_do_not_change_the_outcome(lines: t.List[str]) -> None:
    quiet = [text for text in lines if "WARNING" not in text]
    assert decide(WHOLE._replace(log=log_with(quiet, [FINISHED_LINE]))) == (SUCCESS, [], [])


@pytest.mark.parametrize("errors", ["0", 0])
def test_summary_without_errors_is_a_success(errors: object) -> None:
    event = {"level": "INFO", "event": "dump_completed", "message": "dump completed", "errors": errors}
    assert decide(WHOLE._replace(log=FINISHED_LINE + json.dumps(event))) == (SUCCESS, [], [])


def test_warnings_are_reported_except_harmless_ones() -> None:
    log = (
        FORMS["file"]("WARNING", "Using --trx-tables options, binlog coordinates will not be accurate if you are")
        + "\n"
        + FORMS["glib"]("WARNING", "Killed a query that was running for 61s")
        + f"\n{FINISHED_LINE}"
    )
    assert decide(WHOLE._replace(log=log)) == (WARNING, ["Killed a query that was running for 61s"], [])


def test_table_name_does_not_make_a_warning_harmless() -> None:
    message = "Table `Using --trx-tables option, binlog coordinates will not be accurate` is gone"
    assert decide(WHOLE._replace(log=FORMS["file"]("WARNING", message) + f"\n{FINISHED_LINE}")).status == WARNING


def test_exit_status_1_needs_a_warning_that_explains_it() -> None:
    assert decide(WHOLE._replace(returncode=1)) == (ERROR, [], ["MyDumper exited with 1 and printed no reason"])
    explained = WHOLE._replace(returncode=1, log=NO_POSITION + FINISHED_LINE)
    assert decide(explained) == (SUCCESS, [], [])
    assert decide(explained._replace(binlog_enabled=True)).status == WARNING


@pytest.mark.parametrize("returncode", [2, 127, 128])
def test_other_exit_statuses_are_errors(returncode: int) -> None:
    assert decide(WHOLE._replace(returncode=returncode, log=NO_POSITION + FINISHED_LINE)).status == ERROR


def test_log_without_its_end_is_an_error() -> None:
    for log in ("", "2026-11-22 18:27:02 [INFO] - dumping data for `a`.`Finished dump at:`\n"):
        assert decide(WHOLE._replace(log=log)).errors == ["the dump is not complete: its log has no 'Finished dump'"]


def test_table_name_does_not_count_as_the_end_of_the_metadata() -> None:
    text = "# Started dump at: 2026-11-22 18:28:18\n\n[`a`.`b`]\nreal_table_name=Finished dump at:\nrows = 1\n"
    assert decide(WHOLE._replace(metadata=text)).errors == [
        "the dump is not complete: its metadata has no 'Finished dump'"
    ]


def test_output_without_a_log_form_is_the_first_error() -> None:
    evidence = Evidence(
        1, "option parsing failed: Unknown option --x\n", None, unfinished_metadata=True, binlog_enabled=True
    )
    assert decide(evidence).errors == [
        "option parsing failed: Unknown option --x",
        "the dump is not complete: its metadata is still metadata.partial",
    ]


def test_missing_schemas_are_errors() -> None:
    evidence = WHOLE._replace(missing_schemas=["shop.orders"])
    assert decide(evidence) == (ERROR, [], ["no schema was dumped for shop.orders"])


def test_warning_does_not_explain_an_exit_status_of_0_10() -> None:
    evidence = Evidence(
        returncode=1,
        log="2026-11-22 18:27:02 [WARNING] - Row bigger than statement_size for d.t\n"
        "2026-11-22 18:27:02 [INFO] - Finished dump at: 2026-11-22 18:27:02\n",
        metadata=FINISHED_METADATA,
        unfinished_metadata=False,
        binlog_enabled=False,
    )
    assert decide(evidence).status == WARNING
    assert decide(evidence._replace(generation=LEGACY)).status == ERROR
