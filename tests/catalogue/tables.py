"""Every option of a table, every engine that keeps its rows, and every kind of partitions."""

from __future__ import annotations

from tests.catalogue.content import ANY, BOTH_MARIADB, MYSQL, Content, table

_COLUMNS = "id INT NOT NULL, w VARCHAR(20), KEY (id)"
_ROWS = ("1, 'ç'", "2, ''", "2, NULL")


def _with(option: str, products: tuple[str, ...] = ANY, columns: str = _COLUMNS) -> Content:
    return table(option, columns, *_ROWS, options=option, products=products)


OPTIONS = (
    *(_with(f"ROW_FORMAT = {name}") for name in ("DYNAMIC", "COMPACT", "REDUNDANT")),
    _with("ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 4"),
    _with("ENGINE = MyISAM ROW_FORMAT = FIXED", columns="id INT NOT NULL, w CHAR(20), KEY (id)"),
    _with("AVG_ROW_LENGTH = 100"),
    _with("MIN_ROWS = 5 MAX_ROWS = 1000000"),
    _with("ENGINE = MyISAM CHECKSUM = 1 DELAY_KEY_WRITE = 1 PACK_KEYS = 1"),
    _with("STATS_PERSISTENT = 1 STATS_AUTO_RECALC = 0 STATS_SAMPLE_PAGES = 9"),
    _with("COMPRESSION = 'zlib'", (MYSQL,)),
    _with("AUTOEXTEND_SIZE = 4M", (MYSQL,)),
    _with("TABLESPACE = innodb_file_per_table", (MYSQL,)),
    _with("TABLESPACE = innodb_system", (MYSQL,)),
    _with("PAGE_COMPRESSED = 1 PAGE_COMPRESSION_LEVEL = 5", BOTH_MARIADB),
    _with("SEQUENCE = 0", BOTH_MARIADB),
    _with("ENGINE = Aria PAGE_CHECKSUM = 1 TRANSACTIONAL = 0", BOTH_MARIADB),
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
    table("ENGINE = BLACKHOLE", "id INT, w VARCHAR(20)", *_ROWS, options="ENGINE = BLACKHOLE", products=(MYSQL,)),
    table("ENGINE = ARCHIVE", "id INT, w VARCHAR(20)", *_ROWS, options="ENGINE = ARCHIVE", products=(MYSQL,)),
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
    )
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
