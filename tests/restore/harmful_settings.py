"""The settings that can change what a server shows, sends or stores, each with its most harmful value."""

from __future__ import annotations

from tests.servers.database_server import DatabaseServer
from tests.servers.mysql import MySQL

Settings = dict[str, str]

# What rows a session reads, and how.
READING: Settings = {
    "sql_select_limit": "1",
    "max_join_size": "1",
    "sql_big_selects": "OFF",
    "time_zone": "'-03:00'",
    "lc_time_names": "'pt_BR'",
    "default_week_format": "3",
    "div_precision_increment": "0",
    "default_regex_flags": "'EXTENDED'",
    "group_concat_max_len": "4",
    "max_sort_length": "64",
    "max_length_for_sort_data": "4",
    "transaction_isolation": "'READ-UNCOMMITTED'",
    "tx_isolation": "'READ-UNCOMMITTED'",
    "system_versioning_asof": "'2020-01-01'",
    "use_secondary_engine": "FORCED",
    "query_cache_type": "ON",
    "query_cache_size": "67108864",
    "query_cache_strip_comments": "ON",
    "sql_buffer_result": "ON",
    "big_tables": "ON",
    "tmp_table_size": "1024",
    "tmp_memory_table_size": "0",
    "sort_buffer_size": "32768",
    "join_buffer_size": "128",
    "read_buffer_size": "8192",
    "read_rnd_buffer_size": "1",
    "max_recursive_iterations": "0",
    "cte_max_recursion_depth": "0",
    "windowing_use_high_precision": "OFF",
    "wsrep_dirty_reads": "ON",
    "wsrep_sync_wait": "15",
    "redirect_url": "'mariadb://127.0.0.1:1'",
    "old": "ON",
    "innodb_stats_auto_recalc": "OFF",
    "innodb_stats_on_metadata": "ON",
}

# How a session writes definitions and messages.
SHOWING: Settings = {
    "sql_quote_show_create": "OFF",
    "show_gipk_in_create_table_and_information_schema": "OFF",
    "show_create_table_skip_secondary_engine": "ON",
    "show_create_table_verbosity": "ON",
    "information_schema_stats_expiry": "31536000",
    "explain_format": "'TREE'",
    "explain_json_format_version": "1",
    "end_markers_in_json": "ON",
    "terminology_use_previous": "BEFORE_8_0_26",
    "lc_messages": "'de_DE'",
    "character_set_client": "latin1",
    "character_set_connection": "utf32",
    "character_set_results": "utf16",
    "character_set_server": "utf32",
    "collation_server": "utf32_bin",
    "character_set_database": "ucs2",
    "character_set_filesystem": "utf16",
    "character_set_collations": "'utf8mb4=utf8mb4_bin,latin1=latin1_bin,utf8mb3=utf8mb3_bin'",
    "default_collation_for_utf8mb4": "utf8mb4_general_ci",
    "sql_notes": "OFF",
    "sql_warnings": "ON",
    "note_verbosity": "''",
    "max_error_count": "0",
    "session_track_schema": "ON",
    "session_track_state_change": "ON",
    "session_track_system_variables": "'*'",
    "session_track_transaction_info": "CHARACTERISTICS",
    "session_track_gtids": "ALL_GTIDS",
}

# What ends a session, a statement or a wait, or refuses one.
LIMITS: Settings = {
    "max_execution_time": "1",
    "max_statement_time": "0.2",
    "wait_timeout": "10",
    "interactive_timeout": "10",
    "idle_transaction_timeout": "5",
    "idle_readonly_transaction_timeout": "5",
    "idle_write_transaction_timeout": "5",
    "net_read_timeout": "1",
    "net_write_timeout": "1",
    "net_buffer_length": "1024",
    "lock_wait_timeout": "1",
    "innodb_lock_wait_timeout": "1",
    "low_priority_updates": "ON",
    "max_prepared_stmt_count": "0",
    "max_sp_recursion_depth": "0",
    "max_tmp_tables": "1",
    "parser_max_mem_size": "10000000",
    "max_heap_table_size": "16384",
    "bulk_insert_buffer_size": "0",
    "max_connect_errors": "1",
    "general_log": "ON",
    "log_output": "'TABLE'",
    "slow_query_log": "ON",
    "long_query_time": "0",
    "tx_read_only": "ON",
    "transaction_read_only": "ON",
    "read_only": "ON",
}

# What a session stores, and whether it may.
STORING: Settings = {
    "autocommit": "OFF",
    "completion_type": "'RELEASE'",
    "foreign_key_checks": "ON",
    "unique_checks": "ON",
    "check_constraint_checks": "ON",
    "system_versioning_insert_history": "OFF",
    "system_versioning_alter_history": "ERROR",
    "auto_increment_increment": "7",
    "auto_increment_offset": "3",
    "innodb_strict_mode": "ON",
    "restrict_fk_on_non_standard_key": "ON",
    "sql_require_primary_key": "ON",
    "sql_generate_invisible_primary_key": "ON",
    "explicit_defaults_for_timestamp": "OFF",
    "enforce_storage_engine": "Aria",
    "default_storage_engine": "MyISAM",
    "default_tmp_storage_engine": "MyISAM",
    "default_table_encryption": "ON",
    "innodb_compression_default": "ON",
    "innodb_default_encryption_key_id": "5",
    "column_compression_threshold": "0",
    "column_compression_zlib_wrap": "ON",
    "mhnsw_default_distance": "cosine",
    "mhnsw_default_m": "200",
    "sql_if_exists": "ON",
    "sql_safe_updates": "ON",
    "alter_algorithm": "INSTANT",
    "old_alter_table": "1",
    "keep_files_on_create": "ON",
    "updatable_views_with_limit": "NO",
    "binlog_format": "STATEMENT",
    "binlog_row_image": "MINIMAL",
    "event_scheduler": "ON",
    "wsrep_osu_method": "RSU",
}

# All modes, the ones that stand for several too.
_MODES = (
    "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,NO_UNSIGNED_SUBTRACTION,"
    "NO_DIR_IN_CREATE,ANSI,NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES,STRICT_ALL_TABLES,"
    "NO_ZERO_IN_DATE,NO_ZERO_DATE,TRADITIONAL,HIGH_NOT_PRECEDENCE,PAD_CHAR_TO_FULL_LENGTH"
)
_MODES_OF_MARIADB = (
    "IGNORE_BAD_TABLE_OPTIONS,POSTGRESQL,ORACLE,MSSQL,DB2,MAXDB,NO_KEY_OPTIONS,NO_TABLE_OPTIONS,NO_FIELD_OPTIONS,"
    "MYSQL323,MYSQL40,NO_AUTO_CREATE_USER,EMPTY_STRING_IS_NULL,SIMULTANEOUS_ASSIGNMENT,TIME_ROUND_FRACTIONAL"
)

# The names are those of all products; each server has some of them.
HARMFUL: Settings = {**READING, **SHOWING, **LIMITS, **STORING}
# Sessions of accounts without the privilege to connect always begin with this. Some of these have no global value.
INIT_CONNECT = (
    "SET NAMES latin1, SESSION sql_select_limit = 1, SESSION autocommit = OFF, SESSION sql_auto_is_null = ON,"
    " SESSION sql_quote_show_create = OFF, SESSION foreign_key_checks = ON"
)

# Session variables that can be left alone, by name or by the beginning of the name.
HARMLESS = (
    # Speed, plans, statistics and memory. A limit that is reached fails by name.
    *("analyze_", "aria_", "myisam_", "optimizer_", "range_", "query_alloc_", "query_prealloc_", "join_", "histogram_"),
    *("eq_range_index_dive_limit", "expensive_subquery_limit", "in_predicate_conversion_threshold", "innodb_ddl_"),
    *("innodb_parallel_", "innodb_tmpdir", "internal_tmp_mem_storage_engine", "max_rowid_filter_size", "mrr_"),
    *(
        "max_seeks_for_key",
        "mhnsw_ef_search",
        "preload_buffer_size",
        "rowid_merge_buff_size",
        "select_into_",
        "use_stat",
    ),
    *("set_operations_buffer_size", "transaction_alloc_", "transaction_prealloc_", "thread_pool_", "tcp_nodelay"),
    *("column_compression_zlib_", "connection_memory_", "global_connection_memory_", "max_session_mem_used"),
    *("max_tmp_session_space_usage", "tmp_disk_table_size", "max_points_in_geometry", "secondary_engine_", "new_mode"),
    *("enable_secondary_engine_", "query_cache_wlock_invalidate", "progress_report_time", "min_examined_row_limit"),
    # Read only for a session.
    *("max_allowed_packet", "max_user_connections", "error_count", "warning_count", "external_user", "proxy_user"),
    *("in_transaction", "last_gtid", "gtid_owned", "statement_id"),
    # Logs and replication. An account whose sessions begin with init_connect cannot set most of these.
    *("log_", "profiling", "binlog_", "gtid_", "wsrep_", "group_replication_", "sql_log_", "sql_slave_skip_counter"),
    *("skip_replication", "skip_parallel_replication", "server_id", "max_relay_log_size", "pseudo_", "original_"),
    *(
        "immediate_server_version",
        "rbr_exec_mode",
        "default_master_connection",
        "net_retry_count",
        "require_row_format",
    ),
    # Locks of writers. Nothing else writes while a restore loads, and a dump writes nothing.
    *("deadlock_", "innodb_snapshot_isolation", "innodb_table_locks", "transaction_allow_batching", "xa_detach_"),
    *("max_delayed_threads", "max_insert_delayed_threads"),
    # For statements that neither a dump nor a restore has.
    *("identity", "last_insert_id", "insert_id", "rand_seed", "enable_cascade_triggers", "external_table_"),
    *("generated_random_password_length", "old_passwords", "print_identified_with_as_hex", "resultset_metadata"),
    "standard_compliant_cte",
    # Another name of a variable, or what SET NAMES and USE set.
    *("storage_engine", "collation_connection", "collation_database"),
    # The administrator's choice for the applications: which words an index leaves out, how they encrypt.
    *("innodb_ft_", "block_encryption_mode"),
    # The clock: a restore names each event that the server changes because its time has passed.
    "timestamp",
)


def set_up(server: DatabaseServer, *, without: tuple[str, ...] = ()) -> None:
    """Set every harmful value of the server's variables for sessions that begin later."""
    present = {name.lower() for name, _value in server.execute("SHOW GLOBAL VARIABLES")}
    modes = _MODES if isinstance(server, MySQL) else f"{_MODES},{_MODES_OF_MARIADB}"
    chosen = {"init_connect": f'"{INIT_CONNECT}"', **HARMFUL, "sql_mode": f"'{modes}'"}
    server.execute(
        *(f"SET GLOBAL {name} = {value}" for name, value in chosen.items() if name in present and name not in without)
    )


def session_variables(server: DatabaseServer) -> set[str]:
    """Return the names of the variables that a session of the server has for itself."""
    listed = (
        "SELECT VARIABLE_NAME FROM performance_schema.variables_metadata WHERE VARIABLE_SCOPE LIKE 'SESSION%'"
        if isinstance(server, MySQL)
        else "SELECT LOWER(VARIABLE_NAME) FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_SCOPE LIKE 'SESSION%'"
    )
    return {name for (name,) in server.execute(listed)}
