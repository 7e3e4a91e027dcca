# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The versions of MyDumper, and the outcome of a dump from its exit status, log and metadata."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._tools.dump_driver import LEGACY, MODERN, Driver
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    Evidence,
    environment,
    failures,
    parse_version,
)
from ansible_collections.vex.backup.tests.unit.plugins.module_utils._tools.captured_dumps import (
    DRIVERS,
    FINISHED_LINE,
    FINISHED_METADATA,
    FIXTURES,
    NEW,
    OLD,
    WHOLE,
    captured,
)

every_driver = pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.generation)


@pytest.mark.parametrize(
    ("output", "text", "generation"),
    [
        ("mydumper 0.10.0, built against MySQL 10.11.14", "0.10.0", LEGACY),
        ("mydumper 0.10.7-2, built against MySQL 5.7.35", "0.10.7", LEGACY),
        ("mydumper v0.20.0-1, built against MySQL 8.0.40 with SSL support", "0.20.0", MODERN),
        ("mydumper1 v1.0.1-3, built against MySQL 9.7.4", "1.0.1", MODERN),
    ],
)
def test_supported_versions(output: str, text: str, generation: str) -> None:
    version = parse_version(output)
    assert (version.text, version.driver.generation) == (text, generation)


@pytest.mark.parametrize("number", ["0.9.5", "0.11.1", "0.19.3"])
def test_unsupported_versions_are_refused(number: str) -> None:
    with pytest.raises(
        ProgramMissing, match=f"^mydumper {number} is not supported: .* after; install 0.10.x, or 0.20 or later$"
    ):
        parse_version(f"mydumper {number}, built against MySQL 5.7")


def test_output_without_a_version_is_refused() -> None:
    shown = "x" * 200
    message = (
        f"^mydumper --version printed '{shown}', which holds no version; install MyDumper 0.10.x, or 0.20 or later$"
    )
    with pytest.raises(ProgramMissing, match=message):
        parse_version(f" {shown}yz")


def test_environment_allows_names_that_are_not_ascii() -> None:
    assert environment() == {"CHARSET": "UTF-8", "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("name", ["v0-ok", "v0-L", "v1-clean", "v1-weird"])
def test_complete_dumps_have_no_failure(name: str) -> None:
    assert failures(*captured(name)) == []


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
def test_failed_dumps_have_their_reason(name: str, reason: str) -> None:
    assert any(reason in message for message in failures(*captured(name)))


def test_every_capture_is_used_by_a_test() -> None:
    names = {path.stem for path in FIXTURES.iterdir()}
    source = pathlib.Path(__file__).read_text(encoding="utf-8")
    assert names
    assert {name for name in names if f'"{name}"' not in source} == set()


# The lines that MyDumper 1.0.1 writes when a worker's connection is killed. It ends with status 0 then, and reads the
# rows again, outside of the snapshot.
KILLED_WORKER = [
    "[WARNING] - Thread 2: Failed to execute query: Lost connection to server during query (2013)",
    "[WARNING] - Thread 3: Error dumping table (shop.orders) data: Server has gone away (2006)",
    "[WARNING] - Retrying last failed executed statement",
    "[WARNING] - Thread 1: Reconnecting to the database",
]


@every_driver
@pytest.mark.parametrize("line", KILLED_WORKER)
def test_lost_connection_of_a_worker_is_a_failure(driver: Driver, line: str) -> None:
    log = f"2026-11-22 18:27:01 {line}\n{FINISHED_LINE}"
    assert failures(driver, WHOLE._replace(log=log)) == [line.partition(" - ")[2]]


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
driver_of_any_kind = st.sampled_from(DRIVERS)
form = st.sampled_from(sorted(FORMS))
level = st.sampled_from(["INFO", "WARNING", "MESSAGE", "DEBUG"])
# A server allows all characters in a name, a line break included.
words = st.one_of(st.text(max_size=20), st.sampled_from(["Finished dump at: 2026", "dumping data for `a`.`b`", '{"']))
line = st.builds(lambda kind, weight, message: FORMS[kind](weight, message), form, level, words)
any_line = st.one_of(line, words, st.just(FINISHED_LINE))
bad_line = st.builds(
    lambda kind, weight, message: FORMS[kind](weight, message),
    form,
    st.sampled_from(["ERROR", "CRITICAL", "WARNING"]),
    words,
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


@given(driver_of_any_kind, st.lists(any_line, max_size=8), bad_line, status, metadata, st.booleans())
def test_line_of_trouble_is_a_failure(
    driver: Driver, lines: t.List[str], bad: str, returncode: int, text: t.Optional[str], partial: bool
) -> None:
    assert failures(driver, Evidence(returncode, log_with(lines, [bad]), text, partial))


@given(driver_of_any_kind, st.lists(any_line, max_size=8), cancelled_line, status, metadata, st.booleans())
def test_cancelled_dump_is_a_failure(
    driver: Driver, lines: t.List[str], bad: str, returncode: int, text: t.Optional[str], partial: bool
) -> None:
    assert failures(driver, Evidence(returncode, log_with(lines, [bad]), text, partial))


@given(
    driver_of_any_kind, st.lists(any_line, max_size=8), st.one_of(st.integers(-64, -1), st.integers(129, 255)), metadata
)
def test_death_by_a_signal_is_a_failure(
    driver: Driver, lines: t.List[str], returncode: int, text: t.Optional[str]
) -> None:
    assert failures(driver, Evidence(returncode, log_with([*lines, FINISHED_LINE], []), text, False))


@given(driver_of_any_kind, st.lists(any_line, max_size=8), status, st.booleans())
def test_missing_metadata_is_a_failure(driver: Driver, lines: t.List[str], returncode: int, partial: bool) -> None:
    log = log_with([*lines, FINISHED_LINE], [])
    assert failures(driver, Evidence(returncode, log, None, partial))
    assert failures(driver, Evidence(returncode, log, FINISHED_METADATA, True))


@given(driver_of_any_kind, st.text(), status, st.text(), st.booleans())
def test_any_text_is_a_failure_without_an_exception(
    driver: Driver, log: str, returncode: int, text: str, partial: bool
) -> None:
    assert failures(driver, Evidence(returncode, log, text, partial))


@given(
    driver_of_any_kind,
    st.lists(line.filter(lambda text: "cancel" not in text.lower() and "shutting" not in text.lower())),
)
def test_plain_messages_are_no_failures(driver: Driver, lines: t.List[str]) -> None:
    quiet = [text for text in lines if "WARNING" not in text]
    assert failures(driver, WHOLE._replace(log=log_with(quiet, [FINISHED_LINE]))) == []


@pytest.mark.parametrize("errors", ["0", 0])
def test_summary_without_errors_is_no_failure(errors: object) -> None:
    event = {"level": "INFO", "event": "dump_completed", "message": "dump completed", "errors": errors}
    assert failures(NEW, WHOLE._replace(log=FINISHED_LINE + json.dumps(event))) == []


@pytest.mark.parametrize(
    ("driver", "message"),
    [
        (OLD, "Executing in no-locks mode, snapshot will not be consistent"),
        (NEW, "Using --trx-tables options, binlog coordinates will not be accurate if you are writing to"),
    ],
)
@pytest.mark.parametrize("kind", sorted(FORMS))
def test_known_warnings_are_harmless(driver: Driver, message: str, kind: str) -> None:
    log = f"{FORMS[kind]('WARNING', message)}\n{FINISHED_LINE}"
    assert failures(driver, WHOLE._replace(log=log)) == []
    (other,) = (one for one in DRIVERS if one is not driver)
    assert failures(other, WHOLE._replace(log=log)) == [message]


@every_driver
@pytest.mark.parametrize(
    "message", ["Row bigger than statement_size for d.t", "Broken table detected, please review: d.v"]
)
def test_warnings_of_both_generations_are_harmless(driver: Driver, message: str) -> None:
    log = f"{FORMS['file']('WARNING', message)}\n{FINISHED_LINE}"
    assert failures(driver, WHOLE._replace(log=log)) == []


@every_driver
def test_other_warnings_are_failures(driver: Driver) -> None:
    log = f"{FORMS['glib']('WARNING', 'Killed a query that was running for 61s')}\n{FINISHED_LINE}"
    assert failures(driver, WHOLE._replace(log=log)) == ["Killed a query that was running for 61s"]


@pytest.mark.parametrize(
    ("driver", "harmless"),
    [(NEW, "Using --trx-tables option, binlog coordinates will not be accurate"), (OLD, "Executing in no-locks mode")],
)
def test_table_name_does_not_make_a_warning_harmless(driver: Driver, harmless: str) -> None:
    message = f"Table `{harmless}` is gone"
    log = f"{FORMS['file']('WARNING', message)}\n{FINISHED_LINE}"
    assert failures(driver, WHOLE._replace(log=log)) == [message]


@every_driver
@pytest.mark.parametrize("returncode", [1, 2, 127, 128])
def test_exit_status_without_a_reason_is_a_failure(driver: Driver, returncode: int) -> None:
    assert failures(driver, WHOLE._replace(returncode=returncode)) == [
        f"MyDumper exited with {returncode} and printed no reason"
    ]


@every_driver
def test_log_without_its_end_is_a_failure(driver: Driver) -> None:
    for log in ("", "2026-11-22 18:27:02 [INFO] - dumping data for `a`.`Finished dump at:`\n"):
        assert failures(driver, WHOLE._replace(log=log)) == ["the dump is not complete: its log has no 'Finished dump'"]


@every_driver
def test_table_name_does_not_count_as_the_end_of_the_metadata(driver: Driver) -> None:
    text = "# Started dump at: 2026-11-22 18:28:18\n\n[`a`.`b`]\nreal_table_name=Finished dump at:\nrows = 1\n"
    assert failures(driver, WHOLE._replace(metadata=text)) == [
        "the dump is not complete: its metadata has no 'Finished dump'"
    ]


@every_driver
def test_output_without_a_log_form_is_the_first_reason(driver: Driver) -> None:
    evidence = Evidence(1, "option parsing failed: Unknown option --x\n", None, unfinished_metadata=True)
    assert failures(driver, evidence) == [
        "option parsing failed: Unknown option --x",
        "the dump is not complete: its metadata is still metadata.partial",
    ]


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (-9, "MyDumper was ended by signal 9"),
        (137, "MyDumper was ended by signal 9"),
        (129, "MyDumper was ended by signal 1"),
        (128, "MyDumper exited with 128 and printed no reason"),
    ],
)
def test_exit_status_of_a_signal(status: int, failure: str) -> None:
    assert failures(NEW, WHOLE._replace(returncode=status)) == [failure]
