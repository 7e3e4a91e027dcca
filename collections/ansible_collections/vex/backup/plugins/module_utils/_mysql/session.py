# Copyright: Vex Backup contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The session variables that decide what a server shows, sends and accepts, with the values that this product needs.

The settings of a server, of an account or of ``init_connect`` change what a session reads: with ``sql_select_limit``,
each table ends after so many rows. So every session, a tool's too, sets these variables first. Values are SQL literals.

Left alone: limits of memory and disk space, which the administrator sets and which fail by name; what only changes the
speed; and what the applications of a server expect of it: ``block_encryption_mode``, with which they encrypt generated
columns, and ``innodb_ft_enable_stopword``, which decides the words of a full-text index.
"""

from __future__ import annotations

import contextlib
import types
import typing as t

from ansible_collections.vex.backup.plugins.module_utils._errors import SessionRefused, WrongServer

# connection.py keeps the reason of a failed import, and every module reports it before it calls this code.
with contextlib.suppress(ImportError):
    import pymysql.err

if t.TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

Variables = t.Mapping[str, str]

# What tells one server from another at the same address; each product skips the comment of the other. MariaDB makes its
# server_uid of the host's hardware address and the port.
PLACE = (
    "CONCAT_WS('|', /*!80000 @@server_uuid, */ /*M!110402 @@server_uid, */ @@hostname, @@port, @@datadir, @@pid_file)"
)
ANOTHER_SERVER = "this is another server than the one that was checked"

# A server can ignore the character set that a client asks for at the login, so the session asks again.
_NAMES = "NAMES utf8mb4 COLLATE utf8mb4_general_ci"
# Zero is a key like any other, and a date that one server took is a date for all. MyDumper 1.x writes its mode into its
# files, so that dumping needs the mode of loading.
_SQL_MODE = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION"
# In this mode, MariaDB shows and keeps the options of a table that its engine does not know, such as those of a former
# engine.
UNKNOWN_OPTIONS = "IGNORE_BAD_TABLE_OPTIONS"
# In a mode of MariaDB, the empty string is NULL.
_EMPTY = "X''"
_NO_LIMIT = "18446744073709551615"
_DAY = "86400"
_WEEK = "604800"

_EVERY_SESSION = {
    "sql_mode": f"'{_SQL_MODE}'",
    "autocommit": "'ON'",
    "completion_type": "'NO_CHAIN'",
    # MariaDB before 11.1 has only the names with tx.
    "transaction_isolation": "'REPEATABLE-READ'",
    "tx_isolation": "'REPEATABLE-READ'",
    "transaction_read_only": "'OFF'",
    "tx_read_only": "'OFF'",
    # Limits that end a result, a statement or an idle session.
    "sql_select_limit": _NO_LIMIT,
    "max_join_size": _NO_LIMIT,
    "sql_big_selects": "'ON'",
    "max_execution_time": "0",
    "max_statement_time": "0",
    "wait_timeout": _WEEK,
    "idle_transaction_timeout": "0",
    "idle_readonly_transaction_timeout": "0",
    "idle_write_transaction_timeout": "0",
    "net_read_timeout": _DAY,
    "net_write_timeout": _DAY,
    # What the functions of views and generated columns return.
    "time_zone": "'+00:00'",
    "lc_time_names": "'en_US'",
    "default_week_format": "0",
    "div_precision_increment": "4",
    "default_regex_flags": _EMPTY,
    "group_concat_max_len": "67108864",
    "max_sort_length": "8192",
    "sql_auto_is_null": "'OFF'",
    # Copies each result to a temporary table. MySQL also writes it into the definition of a view.
    "sql_buffer_result": "'OFF'",
    # The meaning of a character set without a collation, and of the name utf8.
    "character_set_collations": _EMPTY,
    "default_collation_for_utf8mb4": "'utf8mb4_0900_ai_ci'",
    "old_mode": "'UTF8_IS_UTF8MB3'",
    "lc_messages": "'en_US'",
    # Warnings tell of views that cannot be used, and of events whose time has passed.
    "sql_notes": "'ON'",
    "max_error_count": "1024",
    # A node of a Galera cluster: no data from a node that lost its cluster, no wait for writes behind a lock of ours.
    "wsrep_dirty_reads": "'OFF'",
    "wsrep_sync_wait": "0",
}

# To describe a server, to dump it, to count and to compare.
LOOK: Variables = types.MappingProxyType(
    {
        **_EVERY_SESSION,
        # A change of a table waits for one session of a dump, and others wait behind that change: nothing ends both.
        "lock_wait_timeout": "60",
        # Old rows instead of the present ones.
        "system_versioning_asof": "DEFAULT",
        "use_secondary_engine": "'OFF'",
        "sql_quote_show_create": "'ON'",
        "show_gipk_in_create_table_and_information_schema": "'ON'",
        "show_create_table_skip_secondary_engine": "'OFF'",
        "show_create_table_verbosity": "'OFF'",
        # A hash of a password may hold any bytes.
        "print_identified_with_as_hex": "'ON'",
        # The words in which the definitions of events are shown.
        "terminology_use_previous": "'NONE'",
        "information_schema_stats_expiry": "0",
        # MyDumper 1.0.1 crashes with TREE, the default of MySQL 9.
        "explain_format": "'TRADITIONAL'",
    }
)

# To create objects and to insert rows as they were dumped.
LOAD: Variables = types.MappingProxyType(
    {
        **_EVERY_SESSION,
        "sql_mode": f"CONCAT('{_SQL_MODE}' /*M!100000 , ',{UNKNOWN_OPTIONS}' */)",
        "foreign_key_checks": "'OFF'",
        "unique_checks": "'OFF'",
        "check_constraint_checks": "'OFF'",
        # The rows of a table with a history come with their times.
        "system_versioning_insert_history": "'ON'",
        "restrict_fk_on_non_standard_key": "'OFF'",
        "innodb_strict_mode": "'OFF'",
        "sql_require_primary_key": "'OFF'",
        "sql_generate_invisible_primary_key": "'OFF'",
        "explicit_defaults_for_timestamp": "'ON'",
        "enforce_storage_engine": "NULL",
        # Options that a definition leaves out when they have these values.
        "innodb_compression_default": "'OFF'",
        "innodb_default_encryption_key_id": "1",
        "mhnsw_default_distance": "'euclidean'",
        "mhnsw_default_m": "6",
        # The counter of a table follows its last row.
        "auto_increment_increment": "1",
        "auto_increment_offset": "1",
        "sql_if_exists": "'OFF'",
        # Servers store the expressions of a table, and triggers, as they would show them.
        "sql_quote_show_create": "'ON'",
        "sql_safe_updates": "'OFF'",
        "lock_wait_timeout": _DAY,
        "max_heap_table_size": "1073741824",
        "parser_max_mem_size": _NO_LIMIT,
        "innodb_lock_wait_timeout": "3600",
        # Servers refuse some tables with defaults from a sequence otherwise.
        "binlog_format": "'ROW'",
        "wsrep_osu_method": "'TOI'",
    }
)

# An account without privileges for them can load when they have the wanted values already.
_PRIVILEGED = frozenset(
    (
        "binlog_format",
        "enforce_storage_engine",
        "explicit_defaults_for_timestamp",
        "innodb_strict_mode",
        "max_error_count",
        "restrict_fk_on_non_standard_key",
        "default_collation_for_utf8mb4",
        "sql_generate_invisible_primary_key",
        "sql_require_primary_key",
    )
)
# Of these, only one value does harm.
_HARMFUL = {"binlog_format": "STATEMENT", "max_error_count": "0"}
_LIMITS_OF_LISTS = ("sql_select_limit", "max_join_size", "sql_big_selects")
_WRONG_VALUE = 1231
_UNKNOWN_TIME_ZONE = 1298


def prepare(connection: Connection[Cursor], purpose: Variables, instance: str = "") -> t.Dict[str, str]:
    """Set the variables of a purpose in a new session.

    :param purpose: :data:`LOOK` or :data:`LOAD`
    :param instance: as for :func:`statement`
    :returns: the variables that another session of the same account must set, with their values
    :raises SessionRefused: when the server refuses a value that the session needs and does not have
    :raises WrongServer: when the server is not that instance
    """
    with connection.cursor() as cursor:
        # These would also cut off or refuse the list of variables.
        limits = ", ".join(f"{name} = {_EVERY_SESSION[name]}" for name in _LIMITS_OF_LISTS)
        cursor.execute(f"SET SESSION {limits} /*M!100101 , max_statement_time = 0 */")
        names = ", ".join(f"'{name}'" for name in purpose)
        cursor.execute(f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})")
        present = {_text(name).lower(): _text(value) for name, value in cursor.fetchall()}
        variables = choose(purpose, present)
        try:
            cursor.execute(statement(variables, instance))
        except pymysql.err.MySQLError as error:
            if error.args[0] == _UNKNOWN_TIME_ZONE:
                raise WrongServer(ANOTHER_SERVER) from None
            variables = _settable(cursor, variables, present)
            cursor.execute(statement(variables, instance))
    return variables


def choose(purpose: Variables, present: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Return the variables of a purpose to set on a server.

    :param present: the variables that the server has, with the values that it shows
    """
    return {
        name: value
        for name, value in purpose.items()
        if name in present and not (name in _PRIVILEGED and _has(present, name, value))
    }


def statement(variables: Variables, instance: str = "") -> str:
    """Return the statement that sets the variables, as the first of a session.

    :param instance: the server on which the statement succeeds, as in ``Server.instance``; on another it fails with
        :data:`ANOTHER_SERVER` as an unknown time zone. Empty for any server
    """
    values = dict(variables)
    if instance:
        is_same = f"LEFT(SHA2({PLACE}, 256), 16) = '{instance}'"
        values["time_zone"] = f"IF({is_same}, {_EVERY_SESSION['time_zone']}, '{ANOTHER_SERVER}')"
    return f"SET {', '.join([_NAMES, *(f'SESSION {name} = {value}' for name, value in values.items())])}"


def _settable(cursor: Cursor, variables: Variables, present: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Return the variables that the account may set, without those that have the wanted value and must not be set."""
    accepted = {}
    for name, value in variables.items():
        try:
            cursor.execute(f"SET SESSION {name} = {value}")
        except pymysql.err.MySQLError as error:
            # A MariaDB that does not know a value of old_mode behaves as if it were set.
            if _has(present, name, value) or (name == "old_mode" and error.args[0] == _WRONG_VALUE):
                continue
            raise SessionRefused(
                f"the server's session has {name} = {present[name]!r} and must have {value}, which the server refuses: "
                f"{error.args[1]}. Remedy: GRANT the account one of the named privileges ON *.*, or SET GLOBAL "
                f"{name} = {value}"
            ) from None
        accepted[name] = value
    return accepted


def _has(present: t.Mapping[str, str], name: str, value: str) -> bool:
    if name in _HARMFUL:
        return present[name] != _HARMFUL[name]
    return present[name] == ("" if value in ("NULL", _EMPTY) else value.strip("'"))


def _text(value: t.Union[str, bytes]) -> str:
    return value.decode() if isinstance(value, bytes) else value
