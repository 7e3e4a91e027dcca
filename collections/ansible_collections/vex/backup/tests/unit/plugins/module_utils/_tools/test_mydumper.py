# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MyDumper's arguments, and the outcome of a dump from its log, its metadata and its files.

The captures in ``fixtures/mydumper`` are of 0.10.1 (``v0``) and 1.0.1 (``v1``) on MySQL 9.7.
"""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.vex.backup.plugins.module_utils._common.status import ERROR, SUCCESS, WARNING
from ansible_collections.vex.backup.plugins.module_utils._errors import ProgramMissing
from ansible_collections.vex.backup.plugins.module_utils._mysql.server import BinlogPosition, TableNames
from ansible_collections.vex.backup.plugins.module_utils._tools.mydumper import (
    LEGACY,
    MODERN,
    Dump,
    Evidence,
    Version,
    arguments,
    databases_regex,
    decide,
    environment,
    missing_schemas,
    parse_binlog_position,
    parse_version,
    session_variables,
)

FIXTURES = pathlib.Path(__file__).parent / "fixtures" / "mydumper"
OLD = Version("0.10.1", LEGACY)
NEW = Version("1.0.1", MODERN)
FINISHED_METADATA = "Started dump at: 2026-11-22 18:27:02\nFinished dump at: 2026-11-22 18:27:02\n"
FINISHED_LINE = "2026-11-22 18:27:02 [INFO] - Finished dump at: 2026-11-22 18:27:02\n"
NO_POSITION = "2026-11-22 18:27:02 [WARNING] - Couldn't get master position - ERROR 1064: You have an error\n"
WHOLE = Evidence(0, FINISHED_LINE, FINISHED_METADATA, unfinished_metadata=False, binlog_enabled=False)


def captured(name: str, *, binlog_enabled: bool = False) -> Evidence:
    def read(suffix: str) -> t.Optional[str]:
        path = FIXTURES / f"{name}.{suffix}"
        return path.read_text(encoding="utf-8") if path.exists() else None

    status = (read("rc") or "").split(" :: ")[0]
    # v0-L has no metadata of its own; it was the same as that of v0-ok.
    metadata = FINISHED_METADATA if name == "v0-L" else read("metadata")
    return Evidence(int(status), (read("log") or "") + (read("stderr") or ""), metadata, False, binlog_enabled)


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


LEGACY_METADATA = (
    "Started dump at: 2026-11-22 18:27:02\n"
    "SHOW MASTER STATUS:\n\tLog: binlog.000004\n\tPos: 1374\n\tGTID:{gtid}\n\n"
    "SHOW SLAVE STATUS:\n\tConnection name: x\n\tHost: 10.0.0.1\n\tLog: source-bin.000007\n\tPos: 4\n\tGTID:0-1-9\n\n"
    "Finished dump at: 2026-11-22 18:27:02\n"
)


def test_position_of_a_replicas_source_is_not_used() -> None:
    text = re.sub(r"SHOW MASTER.*?\n\n", "", LEGACY_METADATA, flags=re.DOTALL)
    assert "SHOW SLAVE STATUS" in text
    assert parse_binlog_position(text) is None
    outcome = decide(WHOLE._replace(metadata=text, binlog_enabled=True))
    assert outcome.status == WARNING


MODERN_SOURCES = {
    "0.14 to 0.19": "[master]\n# Channel_Name = ''\nFile = b.000017\nPosition = 241\nExecuted_Gtid_Set = u:1-9,v:1\n",
    "0.20": "[source]\n# Channel_Name = ''\nFile = b.000017\nPosition = 241\nExecuted_Gtid_Set = \"u:1-9,v:1\"\n",
    "1.0, given": '[source]\nexecuted_gtid_set = "u:1-9,v:1"\nSOURCE_LOG_FILE = "b.000017"\nSOURCE_LOG_POS = 241\n',
    "1.0": '[source]\n# executed_gtid_set = "u:1-9,v:1"\n# SOURCE_LOG_FILE = "b.000017"\n# SOURCE_LOG_POS = 241\n',
}
REPLICATION = '[replication]\n# SOURCE_LOG_FILE = "far.000001"\n# SOURCE_LOG_POS = 4\n# executed_gtid_set = "w:1"\n\n'


@pytest.mark.parametrize("source", MODERN_SOURCES.values(), ids=list(MODERN_SOURCES))
@pytest.mark.parametrize("replica_first", [False, True])
def test_binlog_position_is_that_of_the_server_itself(source: str, replica_first: bool) -> None:
    table = "[`a`.`b`]\nreal_table_name=b\nrows = 1\nfile = no.000001\nposition = 1\n"
    text = f"# Started dump at: x\n{REPLICATION if replica_first else ''}{source}\n{REPLICATION}{table}"
    assert parse_binlog_position(text) == BinlogPosition("b.000017", "241", "u:1-9,v:1")


@pytest.mark.parametrize(
    "text", [REPLICATION, "", '[source]\n# SOURCE_LOG_FILE = ""\n# SOURCE_LOG_POS = \n', "[master]\nFile = b.1\n"]
)
def test_metadata_without_a_binlog_position(text: str) -> None:
    assert parse_binlog_position(text) is None


def test_binlog_position_of_a_capture() -> None:
    assert parse_binlog_position((FIXTURES / "v1-clean.metadata").read_text(encoding="utf-8")) == BinlogPosition(
        "binlog.000001", "5433", "cea346f8-e69f-11f1-b405-3a5b2f7091c2:1-20"
    )


def test_aliases_of_a_capture_are_resolved() -> None:
    text = (FIXTURES / "v1-weird.metadata").read_text(encoding="utf-8")
    files = [
        "metadata",
        "shop-schema-create.sql",
        "shop.customers-schema.sql",
        "shop.log_myisam-schema.sql",
        "shop.v-schema.sql",
        "shop.v-schema-view.sql",
        "mydumper_0.a b-schema.sql",
    ]
    expected: t.Dict[str, TableNames] = {
        "shop": TableNames(["customers", "log_myisam"], ["v"]),
        "we ird-é": TableNames(["a b"], []),
    }
    assert missing_schemas(NEW, expected, files, text) == []
    # A view's placeholder is not counted as a table's schema file.
    assert missing_schemas(NEW, expected, [name for name in files if "customers" not in name], text) == [
        "1 of 3 tables"
    ]
    assert missing_schemas(NEW, expected, [name for name in files if "view" not in name], text) == ["1 of 1 views"]
    expected["shop"] = TableNames(["customers", "log_myisam", "orders"], ["v"])
    assert missing_schemas(NEW, expected, [*files, "shop.orders-schema.sql"], text) == ["shop.orders"]


def test_tables_of_the_same_name_in_two_databases() -> None:
    text = "[`a`.`t`]\nreal_table_name=t\nrows = 1\n"
    expected: t.Dict[str, TableNames] = {"a": TableNames(["t"], []), "b": TableNames(["t"], [])}
    assert missing_schemas(NEW, expected, ["a.t-schema.sql"], text) == ["b.t", "1 of 2 tables"]


def test_schemas_of_names_with_spaces_and_of_sequences() -> None:
    text = "[`a`.`mydumper_0`]\nreal_table_name= t \nrows = 1\n\n[`a`.`s`]\nreal_table_name=s\nis_sequence = 1\n"
    files = ["a.mydumper_0-schema.sql", "a.s-schema-sequence.sql"]
    assert missing_schemas(NEW, {"a": TableNames([" t ", "s"], [])}, files, text) == []


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("mydumper 0.10.0, built against MySQL 10.11.14", Version("0.10.0", LEGACY)),
        ("mydumper 0.10.7-2, built against MySQL 5.7.35", Version("0.10.7", LEGACY)),
        ("mydumper v0.20.0-1, built against MySQL 8.0.40 with SSL support", Version("0.20.0", MODERN)),
        ("mydumper1 v1.0.1-3, built against MySQL 9.7.4", NEW),
    ],
)
def test_supported_versions(output: str, version: Version) -> None:
    assert parse_version(output) == version


@pytest.mark.parametrize("number", ["0.9.5", "0.11.1", "0.19.3"])
def test_unsupported_versions_are_refused(number: str) -> None:
    with pytest.raises(ProgramMissing, match=f"mydumper {number} is not supported.*install 0.10.x, or 0.20 or later"):
        parse_version(f"mydumper {number}, built against MySQL 5.7")


def test_output_without_a_version_is_refused() -> None:
    with pytest.raises(ProgramMissing, match="holds no version"):
        parse_version("mydumper: error while loading shared libraries")


DUMP = Dump(
    databases=["shop"],
    output="/d/out",
    log="/d/log",
    option_file="/p/client.cnf",
    threads=4,
    long_query_guard=60,
    product="mysql",
    server_version="9.7.4",
    routines=True,
    events=True,
    triggers=True,
    non_transactional_tables=False,
)
COMMON = [
    "--defaults-file=/p/client.cnf",
    "--outputdir=/d/out",
    "--logfile=/d/log",
    "--threads=4",
    "--long-query-guard=60",
    "--verbose=3",
]


def test_arguments_of_0_10() -> None:
    own = ["--complete-insert", "--chunk-filesize=64"]
    assert arguments(OLD, DUMP) == [*COMMON, "--database=shop", *own]
    assert arguments(OLD, DUMP._replace(databases=["a,b"])) == [*COMMON, "--database=a,b", *own]
    assert arguments(Version("0.10.9", LEGACY), DUMP) == [*COMMON, "--database=shop", "--complete-insert"]


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


def test_arguments_of_newer_versions() -> None:
    everything = ["--routines", "--events", "--triggers", "--server-version=mysql-9.7.4"]
    assert arguments(NEW, DUMP) == [*COMMON, "--database=shop", *everything]
    mixed = DUMP._replace(
        databases=["a,b"], routines=False, events=False, triggers=False, non_transactional_tables=True
    )
    assert arguments(NEW, mixed) == [
        *COMMON,
        r"--regex=\A(?-i:a\,b)\.",
        "--server-version=mysql-9.7.4",
        "--trx-tables=0",
    ]


def test_several_databases_are_one_regular_expression() -> None:
    assert arguments(OLD, DUMP._replace(databases=["a", "b c"]))[-3] == r"--regex=\A(?-i:a|b\ c)\."


NAMES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=12)


@given(st.lists(NAMES, min_size=1, max_size=3), NAMES, NAMES)
def test_regular_expression_matches_only_the_databases(databases: t.List[str], other: str, table: str) -> None:
    # MyDumper's own flags. Python can only remove a flag that was set.
    pattern = re.compile(databases_regex(databases), re.IGNORECASE | re.MULTILINE)
    for name in databases:
        assert pattern.search(f"{name}.{table}")
        assert pattern.search(f"{name}.(null)")
    if "." not in other and other not in databases:
        named = [name for name in databases if f"{other}.{table}.".startswith(f"{name}.")]
        assert bool(pattern.search(f"{other}.{table}")) is bool(named)


def test_regular_expression_is_case_sensitive() -> None:
    pattern = re.compile(databases_regex(["shop"]), re.IGNORECASE | re.MULTILINE)
    assert pattern.search("shop.orders")
    assert not pattern.search("SHOP.orders")
    assert not pattern.search("old\nshop.orders")


def test_session_variables() -> None:
    assert session_variables(NEW, "mysql", "9.7.4") == {"explain_format": "TRADITIONAL"}
    assert session_variables(NEW, "mysql", "8.4.0") == {}
    assert session_variables(NEW, "mariadb", "11.8.2") == {}
    assert session_variables(OLD, "mysql", "9.7.4") == {}


def test_environment_allows_names_that_are_not_ascii() -> None:
    assert environment() == {"CHARSET": "UTF-8", "LC_ALL": "C.UTF-8"}


def test_files_and_metadata_of_0_10_are_read_in_their_own_form() -> None:
    text = LEGACY_METADATA.format(gtid="0-7-226")
    assert parse_binlog_position(text) == BinlogPosition("binlog.000004", "1374", "0-7-226")
    expected = {"shop": TableNames(["orders", "items"], [])}
    assert missing_schemas(OLD, expected, ["shop.orders-schema.sql"], text) == ["shop.items"]
