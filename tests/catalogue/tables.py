"""Every option of a table, every engine that keeps its rows, and every kind of partitions."""

from __future__ import annotations

from tests.catalogue.content import ANY, BOTH_MARIADB, MARIADB_11, MYSQL, Content, table

_COLUMNS = "id INT NOT NULL, w VARCHAR(20), KEY (id)"
_ROWS = ("1, 'ç'", "2, ''", "2, NULL")
# Debian 12 has MariaDB's engines in packages that the tests' machine does not have.
_WITH_PLUGINS = (MYSQL, MARIADB_11)


def _with(option: str, products: tuple[str, ...] = ANY, columns: str = _COLUMNS) -> Content:
    return table(option, columns, *_ROWS, options=option, products=products)


OPTIONS = (
    *(_with(f"ROW_FORMAT = {name}") for name in ("DYNAMIC", "COMPACT", "REDUNDANT")),
    _with("ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 4"),
    _with("ENGINE = MyISAM ROW_FORMAT = FIXED", columns="id INT NOT NULL, w CHAR(20), KEY (id)"),
    _with("AVG_ROW_LENGTH = 100"),
    _with("MIN_ROWS = 5 MAX_ROWS = 1000000"),
    _with("ENGINE = MyISAM CHECKSUM = 1 DELAY_KEY_WRITE = 1 PACK_KEYS = 1"),
    _with("ENGINE = MyISAM ROW_FORMAT = DYNAMIC PACK_KEYS = 0"),
    _with("ENGINE = MEMORY MIN_ROWS = 5 MAX_ROWS = 1000"),
    _with("STATS_PERSISTENT = 1 STATS_AUTO_RECALC = 0 STATS_SAMPLE_PAGES = 9"),
    _with("COMPRESSION = 'zlib'", (MYSQL,)),
    _with("COMPRESSION = 'lz4'", (MYSQL,)),
    _with("COMPRESSION = 'none'", (MYSQL,)),
    _with("ENCRYPTION = 'Y'", (MYSQL,)),
    _with("ENCRYPTION = 'N'", (MYSQL,)),
    _with("SECONDARY_ENGINE = rapid", (MYSQL,)),
    _with("AUTOEXTEND_SIZE = 4M", (MYSQL,)),
    _with("TABLESPACE = innodb_file_per_table", (MYSQL,)),
    _with("TABLESPACE = innodb_system", (MYSQL,)),
    _with("PAGE_COMPRESSED = 1 PAGE_COMPRESSION_LEVEL = 5", BOTH_MARIADB),
    _with("ENCRYPTED = YES", (MARIADB_11,)),
    _with("ENCRYPTED = YES ENCRYPTION_KEY_ID = 7", (MARIADB_11,)),
    _with("ENCRYPTED = YES PAGE_COMPRESSED = 1", (MARIADB_11,)),
    _with("ENCRYPTION_KEY_ID = 7", BOTH_MARIADB),
    _with("ENCRYPTED = NO", BOTH_MARIADB),
    Content(
        "Options of another engine",
        (
            "CREATE TABLE {t} (id INT) PAGE_COMPRESSED = 1 PAGE_COMPRESSION_LEVEL = 5",
            "ALTER TABLE {t} ENGINE = MyISAM",
            "SET SESSION sql_mode = 'IGNORE_BAD_TABLE_OPTIONS'",
            "CREATE TABLE {t}__u (id INT `A` = '/* x */', KEY (id) `B` = 'it''s') `C` = 1",
            "SET SESSION sql_mode = ''",
            "INSERT INTO {t} VALUES (1)",
        ),
        BOTH_MARIADB,
    ),
    _with("SEQUENCE = 0", BOTH_MARIADB),
    _with("ENGINE = Aria PAGE_CHECKSUM = 1 TRANSACTIONAL = 0", BOTH_MARIADB),
    *(_with(f"ENGINE = Aria ROW_FORMAT = {name} PAGE_CHECKSUM = 0", BOTH_MARIADB) for name in ("DYNAMIC", "FIXED")),
    _with("ENGINE = Aria CHECKSUM = 1 DELAY_KEY_WRITE = 1 PAGE_CHECKSUM = 1", BOTH_MARIADB),
    table(
        "ENGINE = CSV IETF_QUOTES = YES",
        "id INT NOT NULL, w VARCHAR(20) NOT NULL",
        "1, 'ç\"'",
        "2, ''",
        options="ENGINE = CSV IETF_QUOTES = YES",
        products=BOTH_MARIADB,
    ),
    _with("ENGINE = Aria TRANSACTIONAL = 1 ROW_FORMAT = PAGE PAGE_CHECKSUM = 1", BOTH_MARIADB),
    _with("WITH SYSTEM VERSIONING", BOTH_MARIADB),
    _with("CONNECTION = 'ç; it''s'"),
    _with("CHARACTER SET latin1 COLLATE latin1_general_cs"),
)

ENGINES = (
    *(_with(f"ENGINE = {name}") for name in ("InnoDB", "MyISAM", "MEMORY")),
    table(
        "ENGINE = CSV",
        "id INT NOT NULL, w VARCHAR(20) NOT NULL, x BLOB NOT NULL",
        "1, 'ç\"', 0x2C0A0D5C00FF",
        "2, '', ''",
        options="ENGINE = CSV",
    ),
    table("ENGINE = BLACKHOLE", "id INT, w VARCHAR(20)", *_ROWS, options="ENGINE = BLACKHOLE", products=_WITH_PLUGINS),
    table("ENGINE = ARCHIVE", "id INT, w VARCHAR(20)", *_ROWS, options="ENGINE = ARCHIVE", products=_WITH_PLUGINS),
    Content(
        "ENGINE = MERGE",
        (
            "CREATE TABLE {t}__a (a INT) ENGINE = MyISAM",
            "CREATE TABLE {t}__b (a INT) ENGINE = MyISAM",
            "INSERT INTO {t}__a VALUES (1), (2)",
            "INSERT INTO {t}__b VALUES (3)",
            "CREATE TABLE {t} (a INT) ENGINE = MERGE UNION = ({t}__a, {t}__b) INSERT_METHOD = LAST",
        ),
    ),
)

_HISTORY = (
    "SET SESSION timestamp = 1700000000.5",
    "INSERT INTO {t} (id, w) VALUES (1, 'a'), (2, 'b')",
    "SET SESSION timestamp = 1700000100.123456",
    "UPDATE {t} SET w = 'x' WHERE id = 1",
    "DELETE FROM {t} WHERE id = 2",
    "SET SESSION timestamp = DEFAULT",
)

_BY_RANGE = "RANGE (id) (PARTITION a VALUES LESS THAN (2){}, PARTITION z VALUES LESS THAN MAXVALUE{})"
PARTITIONS = tuple(
    table(
        f"PARTITION BY {name}",
        "id INT NOT NULL, w VARCHAR(20), KEY (id)",
        *_ROWS,
        options=f"PARTITION BY {text}",
        products=products,
    )
    for name, text, products in (
        (
            "RANGE",
            "RANGE (id) (PARTITION `p é` VALUES LESS THAN (2) COMMENT = 'ç;', PARTITION z VALUES LESS THAN MAXVALUE)",
            ANY,
        ),
        (
            "RANGE COLUMNS",
            (
                "RANGE COLUMNS (w, id) (PARTITION a VALUES LESS THAN ('ç', 5), PARTITION z VALUES LESS"
                " THAN (MAXVALUE, MAXVALUE))"
            ),
            ANY,
        ),
        ("LIST", "LIST (id) (PARTITION a VALUES IN (1), PARTITION b VALUES IN (2, NULL))", ANY),
        ("LIST with a default", "LIST (id) (PARTITION a VALUES IN (1), PARTITION b DEFAULT)", BOTH_MARIADB),
        ("LIST COLUMNS", "LIST COLUMNS (w) (PARTITION a VALUES IN ('ç', NULL), PARTITION b VALUES IN (''))", ANY),
        ("HASH", "HASH (id) PARTITIONS 3", ANY),
        ("LINEAR HASH", "LINEAR HASH (id) PARTITIONS 3", ANY),
        ("KEY", "KEY (id) PARTITIONS 3", ANY),
        ("LINEAR KEY", "LINEAR KEY ALGORITHM = 1 (id) PARTITIONS 2", ANY),
        (
            "RANGE and HASH",
            (
                "RANGE (id) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION a VALUES LESS THAN (2),"
                " PARTITION z VALUES LESS THAN MAXVALUE)"
            ),
            ANY,
        ),
        (
            "RANGE and LINEAR KEY with names",
            (
                "RANGE (id) SUBPARTITION BY LINEAR KEY (id) (PARTITION a VALUES LESS THAN (2)"
                " (SUBPARTITION `s é` COMMENT = 'ç', SUBPARTITION t), PARTITION z VALUES LESS THAN MAXVALUE"
                " (SUBPARTITION u, SUBPARTITION v))"
            ),
            ANY,
        ),
        ("RANGE of an expression", "RANGE (ABS(id) DIV 2) (PARTITION a VALUES LESS THAN (MOD(9, 5)))", ANY),
        ("LIST COLUMNS of several", "LIST COLUMNS (id, w) (PARTITION a VALUES IN ((1, 'ç'), (2, ''), (2, NULL)))", ANY),
        ("RANGE with limits of rows", _BY_RANGE.format(" MAX_ROWS = 9 MIN_ROWS = 1", " NODEGROUP = 3"), ANY),
        ("RANGE in tablespaces", _BY_RANGE.format(" TABLESPACE = innodb_file_per_table", ""), (MYSQL,)),
        ("KEY with an algorithm", "KEY ALGORITHM = 2 (id, w) (PARTITION a, PARTITION b COMMENT 'ç')", ANY),
    )
)

PARTITIONS += (
    table("PARTITION BY KEY of the primary key", "id INT PRIMARY KEY, w INT", "1, 2", options="PARTITION BY KEY ()"),
    table(
        "PARTITION BY RANGE of times",
        "t TIMESTAMP, d DATE",
        "'2024-01-01', NULL",
        options="PARTITION BY RANGE (UNIX_TIMESTAMP(t)) (PARTITION a VALUES LESS THAN (UNIX_TIMESTAMP('2024-06-01')))",
    ),
    *(
        table(
            f"PARTITION BY HASH, ENGINE = {engine}",
            _COLUMNS,
            *_ROWS,
            options=f"ENGINE = {engine} PARTITION BY HASH (id) PARTITIONS 2",
            products=BOTH_MARIADB,
        )
        for engine in ("MyISAM", "Aria", "MEMORY")
    ),
)

_HISTORIES = tuple(
    Content(
        name,
        (
            "SET SESSION timestamp = 1700000000",
            f"CREATE TABLE {{t}} ({columns}) WITH SYSTEM VERSIONING {options}",
            *_HISTORY,
        ),
        BOTH_MARIADB,
    )
    for name, columns, options in (
        ("History in hidden columns", "id INT PRIMARY KEY, w VARCHAR(9)", ""),
        ("History without a key", "id INT, w VARCHAR(9)", ""),
        (
            "History in named columns",
            (
                "id INT PRIMARY KEY, w VARCHAR(9), s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e"
                " TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE, PERIOD FOR SYSTEM_TIME (s, e)"
            ),
            "",
        ),
        (
            "History in partitions",
            "id INT PRIMARY KEY, w VARCHAR(9)",
            "PARTITION BY SYSTEM_TIME (PARTITION p HISTORY, PARTITION n CURRENT)",
        ),
        (
            "History in partitions by number",
            "id INT PRIMARY KEY, w VARCHAR(9)",
            (
                "PARTITION BY SYSTEM_TIME LIMIT 100 SUBPARTITION BY KEY (id) SUBPARTITIONS 2"
                " (PARTITION p HISTORY, PARTITION q HISTORY, PARTITION n CURRENT)"
            ),
        ),
        (
            "History of an application-time period",
            "id INT, w VARCHAR(9), b DATE DEFAULT '2024-01-01', e DATE DEFAULT '2024-02-01', PERIOD FOR p (b, e)",
            "",
        ),
        (
            "History in partitions by time",
            "id INT PRIMARY KEY, w VARCHAR(9)",
            "PARTITION BY SYSTEM_TIME INTERVAL 1 DAY STARTS '2023-01-01 00:00:00' AUTO PARTITIONS 3",
        ),
    )
)
PERIODS = (
    *_HISTORIES,
    Content(
        "Application-time periods",
        (
            "CREATE TABLE {t} (id INT, b DATE, e DATE, PERIOD FOR p (b, e))",
            "INSERT INTO {t} VALUES (1, '2024-01-01', '2024-02-01')",
        ),
        BOTH_MARIADB,
    ),
)
