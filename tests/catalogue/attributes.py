"""Every attribute of a column, and every kind of key and constraint."""

from __future__ import annotations

from tests.catalogue.content import BOTH_MARIADB, MARIADB_11, MYSQL, Content, table

_ID = "id INT PRIMARY KEY"

ATTRIBUTES = (
    table(
        "Defaults that are literals",
        f"{_ID}, a INT NOT NULL DEFAULT -1, b VARCHAR(9) DEFAULT 'it''s ç', c BIT(3) DEFAULT b'101'",
        "1, 2, 'x', 1",
    ),
    table(
        "Defaults that are expressions",
        f"{_ID}, a INT DEFAULT (1 + 2), b TEXT DEFAULT (CONCAT('ç', ';')), c DATE DEFAULT (CURDATE())",
        "1, 2, 'x', NULL",
    ),
    table(
        "NOT NULL without a default",
        f"{_ID}, a INT NOT NULL, b TEXT NOT NULL, c TIMESTAMP NOT NULL",
        "1, 2, '', '2024-01-01'",
    ),
    table(
        "Times of creation and update",
        (
            f"{_ID}, a TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), b"
            f" DATETIME DEFAULT NOW() ON UPDATE NOW()"
        ),
        "1, '2024-01-01 00:00:00.000001', '1999-12-31 23:59:59'",
    ),
    table(
        "TIMESTAMP with a zero default",
        f"{_ID}, a TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00', b DATE DEFAULT '0000-00-00'",
        "1, DEFAULT, DEFAULT",
    ),
    Content(
        "AUTO_INCREMENT",
        (
            "CREATE TABLE {t} (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a INT) AUTO_INCREMENT = 5000",
            "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
            "INSERT INTO {t} VALUES (0, 1), (7, 2), (18446744073709551610, 3)",
        ),
    ),
    table(
        "AUTO_INCREMENT in a second column",
        "a INT, id INT AUTO_INCREMENT, PRIMARY KEY (a, id)",
        "1, 5",
        "2, 1",
        options="ENGINE = MyISAM",
    ),
    table(
        "Comments",
        f"{_ID} COMMENT 'it''s; ç\n\\\\ \"😀\"', KEY k (id) COMMENT 'ç; '",
        "1",
        options="COMMENT = '-- ; /* ç'",
    ),
    Content(
        "Invisible columns",
        (
            "CREATE TABLE {t} (id INT PRIMARY KEY, a INT DEFAULT 7 INVISIBLE, b TEXT INVISIBLE)",
            "INSERT INTO {t} (id, a, b) VALUES (1, 2, 'x'), (2, NULL, '')",
        ),
    ),
    Content(
        "Generated columns",
        (
            (
                "CREATE TABLE {t} (id INT PRIMARY KEY, a VARCHAR(9), v INT AS (LENGTH(a)) VIRTUAL, s"
                " VARCHAR(9) AS (UPPER(a)) STORED, KEY (v), UNIQUE (s))"
            ),
            "INSERT INTO {t} (id, a) VALUES (1, 'ção'), (2, NULL)",
        ),
    ),
    Content(
        "Only generated columns",
        ("CREATE TABLE {t} (v INT AS (1 + 2) STORED, w INT AS (v * 2) VIRTUAL)", "INSERT INTO {t} VALUES (), (), ()"),
    ),
    Content(
        "A generated key",
        ("CREATE TABLE {t} (a INT, id INT AS (a * 2) STORED UNIQUE)", "INSERT INTO {t} (a) VALUES (1), (2), (3)"),
    ),
    Content(
        "Invisible generated primary key",
        (
            "SET SESSION sql_generate_invisible_primary_key = ON",
            "CREATE TABLE {t} (a INT)",
            "INSERT INTO {t} VALUES (5), (5), (NULL)",
            "DELETE FROM {t} WHERE a = 5 LIMIT 1",
            "SET SESSION sql_generate_invisible_primary_key = OFF",
        ),
        (MYSQL,),
    ),
    table("Checks", f"{_ID}, a INT CHECK (a > 0), b INT, CONSTRAINT `{{t}} nó` CHECK (a <> b)", "1, 1, 2"),
    table(
        "Checks that are not enforced",
        f"{_ID}, a INT, CONSTRAINT {{t}} CHECK (a > 0) NOT ENFORCED",
        "1, -1",
        products=(MYSQL,),
    ),
    Content(
        "Rows that a check refuses today",
        (
            "SET SESSION check_constraint_checks = OFF",
            "CREATE TABLE {t} (id INT PRIMARY KEY, a INT CHECK (a > 0))",
            "INSERT INTO {t} VALUES (1, -1)",
            "SET SESSION check_constraint_checks = ON",
        ),
        BOTH_MARIADB,
    ),
    table(
        "Columns of length zero",
        "a CHAR(0), b VARCHAR(0), c BINARY(0), d VARBINARY(0)",
        "'', '', '', ''",
        "NULL, '', NULL, ''",
    ),
    table(
        "Checks of a JSON schema",
        f"""{_ID}, j JSON, CHECK (JSON_SCHEMA_VALID('{{"type": "object", "required": ["ç"]}}', j))""",
        """1, '{"ç": 1}'""",
        products=(MYSQL, MARIADB_11),
    ),
    table(
        "COLUMN_FORMAT and STORAGE",
        f"{_ID}, a INT COLUMN_FORMAT FIXED, b INT COLUMN_FORMAT DYNAMIC STORAGE MEMORY",
        "1, 2, 3",
        products=(MYSQL,),
    ),
    table(
        "Attributes of engines",
        f"""{_ID}, a INT SECONDARY_ENGINE_ATTRIBUTE '{{"a": "ç"}}', KEY (a) SECONDARY_ENGINE_ATTRIBUTE '{{"k": 1}}'""",
        "1, 2",
        options="SECONDARY_ENGINE_ATTRIBUTE '{\"b\": 1}'",
        products=(MYSQL,),
    ),
    table(
        "Columns that a second engine leaves out",
        f"{_ID}, a INT NOT SECONDARY",
        "1, 2",
        options="SECONDARY_ENGINE = rapid",
        products=(MYSQL,),
    ),
    table(
        "Columns with a history",
        f"{_ID}, a INT WITH SYSTEM VERSIONING, b INT",
        "1, 2, 3",
        products=BOTH_MARIADB,
    ),
    table(
        "Columns without a history",
        f"{_ID}, a INT WITHOUT SYSTEM VERSIONING",
        "1, 2",
        options="WITH SYSTEM VERSIONING",
        products=BOTH_MARIADB,
    ),
    table(
        "Names of columns",
        (
            "`select` INT PRIMARY KEY, `a``b` INT, `c\"d'e` INT, `f,g h` INT, `per%cent %s` INT, `ção`"
            " INT, `\\` INT, `$` INT"
        ),
        "1, 2, 3, 4, 5, 6, 7, 8",
    ),
    Content(
        "1000 columns",
        (
            f"CREATE TABLE {{t}} ({', '.join(f'c{number} TINYINT' for number in range(1000))})",
            f"INSERT INTO {{t}} VALUES ({', '.join('1' for _ in range(1000))})",
        ),
    ),
)

_COLUMNS = "a INT, b VARCHAR(20), c TEXT, d INT"
_ROWS = ("1, 'ab', 'ção', 1", "1, 'aB', 'x', 2", "2, '', NULL, 3")

KEYS = (
    table("No key", _COLUMNS, *_ROWS, _ROWS[0]),
    table("Composite primary key", f"{_COLUMNS}, PRIMARY KEY (b, a, d)", *_ROWS),
    table(
        "Text as primary key",
        "k VARCHAR(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, n INT",
        "'ç', 1",
        "'d', 2",
        "'', 3",
    ),
    table(
        "Bytes as primary key",
        "k VARBINARY(20) PRIMARY KEY, n INT",
        "0x00, 1",
        "'', 2",
        "0xFF275C, 3",
        "'a ', 4",
        "'a', 5",
    ),
    table("FLOAT as primary key", "k FLOAT PRIMARY KEY, n INT", "0.1, 1", "3.1415927, 2", "16777216, 3"),
    table(
        "DECIMAL as primary key", "k DECIMAL(30,10) PRIMARY KEY, n INT", "0.1, 1", "-12345678901234567890.0000000001, 2"
    ),
    table(
        "DATETIME as primary key",
        "k DATETIME(6) PRIMARY KEY, n INT",
        "'0000-00-00', 1",
        "'2024-01-01 00:00:00.000001', 2",
    ),
    table("ENUM as primary key", "k ENUM('b', 'a') PRIMARY KEY, n INT", "'a', 1", "'b', 2"),
    table("BIT as primary key", "k BIT(40) PRIMARY KEY, n INT", "39, 1", "b'0', 2", "0xFFFFFFFFFF, 3"),
    table("Prefix of a text as primary key", "k TEXT, n INT, PRIMARY KEY (k(3))", "'abcx', 1", "'ção!', 2"),
    table("Unique keys", f'{_COLUMNS}, UNIQUE (d), UNIQUE KEY `ç "k"` (b(1), d)', *_ROWS),
    table("Keys on prefixes", f"{_COLUMNS}, KEY (b(2), c(3))", *_ROWS),
    table("Descending keys", f"{_COLUMNS}, KEY (a DESC, b ASC), PRIMARY KEY (d DESC)", *_ROWS),
    table("FULLTEXT keys", f"{_COLUMNS}, FULLTEXT KEY words (b, c), FULLTEXT (c)", *_ROWS),
    table(
        "FULLTEXT keys with a parser",
        f"{_COLUMNS}, FULLTEXT KEY words (c) WITH PARSER ngram",
        *_ROWS,
        products=(MYSQL,),
    ),
    table(
        "FULLTEXT keys with a column of documents",
        "FTS_DOC_ID BIGINT UNSIGNED NOT NULL, c TEXT, UNIQUE FTS_DOC_ID_INDEX (FTS_DOC_ID), FULLTEXT (c)",
        "7, 'ção ç'",
        "9, NULL",
    ),
    table("FULLTEXT keys of MyISAM", f"{_COLUMNS}, FULLTEXT KEY words (b, c)", *_ROWS, options="ENGINE = MyISAM"),
    table("SPATIAL keys", "p POINT NOT NULL, SPATIAL KEY (p)", "POINT(1, 2)", "POINT(-1, 0)"),
    table(
        "SPATIAL keys of MyISAM",
        "p POINT NOT NULL, SPATIAL KEY (p)",
        "POINT(1, 2)",
        "POINT(-1, 0)",
        options="ENGINE = MyISAM",
    ),
    table("Kinds of keys", f"{_COLUMNS}, KEY h (a) USING HASH, KEY b USING BTREE (d)", *_ROWS),
    table(
        "Kinds of keys in memory",
        "a INT, d INT, KEY h (a) USING HASH, KEY b USING BTREE (d), UNIQUE u (a, d) USING BTREE",
        "1, 2",
        "1, NULL",
        options="ENGINE = MEMORY MAX_ROWS = 1000",
    ),
    table(
        "Keys of expressions", f"{_COLUMNS}, KEY f ((a + d)), UNIQUE KEY u ((LOWER(b)), d)", *_ROWS, products=(MYSQL,)
    ),
    table(
        "Keys of lists in JSON",
        "id INT PRIMARY KEY, j JSON, KEY m ((CAST(j->'$.n' AS UNSIGNED ARRAY)))",
        """1, '{"n": [1, 2]}'""",
        products=(MYSQL,),
    ),
    table("Invisible keys", f"{_COLUMNS}, KEY i (a) INVISIBLE", *_ROWS, products=(MYSQL,)),
    table("Ignored keys", f"{_COLUMNS}, KEY i (a) IGNORED", *_ROWS, products=BOTH_MARIADB),
    table("Keys of long columns", "c TEXT, UNIQUE (c)", "'abc'", "NULL", products=BOTH_MARIADB),
    table(
        "Keys of vectors",
        "id INT PRIMARY KEY, v VECTOR(2) NOT NULL, VECTOR KEY (v) M = 8 DISTANCE = cosine",
        "1, VEC_FromText('[1, 2]')",
        products=(MARIADB_11,),
    ),
    table(
        "Keys of periods",
        "room INT, b DATE, e DATE, PERIOD FOR p (b, e), PRIMARY KEY (room, p WITHOUT OVERLAPS)",
        "1, '2024-01-01', '2024-02-01'",
        products=BOTH_MARIADB,
    ),
    table(
        "Unique keys of periods",
        "room INT, b DATE, e DATE, PERIOD FOR p (b, e), UNIQUE u (room, p WITHOUT OVERLAPS)",
        "1, '2024-01-01', '2024-02-01'",
        products=BOTH_MARIADB,
    ),
    table("Options of keys", f"{_COLUMNS}, KEY k (b) KEY_BLOCK_SIZE = 1024 COMMENT 'ç'", *_ROWS),
    Content(
        "Foreign keys",
        (
            "CREATE TABLE {t} (id INT PRIMARY KEY, a INT UNIQUE, b INT, KEY (b))",
            (
                "CREATE TABLE {t}__a (id INT PRIMARY KEY, up INT, CONSTRAINT `{t} ç` FOREIGN KEY (up)"
                " REFERENCES {t} (a) ON DELETE CASCADE ON UPDATE SET NULL)"
            ),
            (
                "CREATE TABLE {t}__b (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES {t}__a"
                " (id) ON DELETE RESTRICT ON UPDATE NO ACTION)"
            ),
            "ALTER TABLE {t} ADD FOREIGN KEY (b) REFERENCES {t}__b (id)",
            "INSERT INTO {t} VALUES (1, 10, NULL)",
            "INSERT INTO {t}__a VALUES (1, 10)",
            "INSERT INTO {t}__b VALUES (1, 1)",
            "UPDATE {t} SET b = 1",
        ),
    ),
    Content(
        "A foreign key of several columns",
        (
            "CREATE TABLE {t} (a INT, b VARCHAR(9), PRIMARY KEY (a, b))",
            "CREATE TABLE {t}__a (x INT, y VARCHAR(9), FOREIGN KEY `ç` (x, y) REFERENCES {t} (a, b) ON UPDATE CASCADE)",
            "INSERT INTO {t} VALUES (1, 'ç')",
            "INSERT INTO {t}__a VALUES (1, 'ç'), (NULL, 'x')",
        ),
    ),
    Content(
        "A foreign key at its column",
        (
            "CREATE TABLE {t} (id INT PRIMARY KEY)",
            "CREATE TABLE {t}__a (id INT PRIMARY KEY, up INT REFERENCES {t} (id) ON DELETE SET NULL)",
            "INSERT INTO {t} VALUES (1)",
            "INSERT INTO {t}__a VALUES (1, 1)",
        ),
    ),
    Content(
        "A foreign key to its own table",
        (
            "CREATE TABLE {t} (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES {t} (id))",
            "INSERT INTO {t} VALUES (2, 2), (1, 2)",
        ),
    ),
    Content(
        "A foreign key to a key that is not unique",
        (
            "SET SESSION restrict_fk_on_non_standard_key = OFF",
            "CREATE TABLE {t} (id INT PRIMARY KEY, a INT, KEY (a))",
            "CREATE TABLE {t}__a (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES {t} (a))",
            "INSERT INTO {t} VALUES (1, 5)",
            "INSERT INTO {t}__a VALUES (1, 5)",
            "SET SESSION restrict_fk_on_non_standard_key = ON",
        ),
        (MYSQL,),
    ),
    Content(
        "Rows that a foreign key refuses today",
        (
            "SET SESSION foreign_key_checks = OFF",
            "CREATE TABLE {t} (id INT PRIMARY KEY)",
            "CREATE TABLE {t}__a (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES {t} (id))",
            "INSERT INTO {t}__a VALUES (1, 5)",
            "SET SESSION foreign_key_checks = ON",
        ),
    ),
    Content(
        "A foreign key to a table that is gone",
        (
            "SET SESSION foreign_key_checks = OFF",
            "CREATE TABLE {t}__a (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES {t}__gone (id))",
            "INSERT INTO {t}__a VALUES (1, 5)",
            "SET SESSION foreign_key_checks = ON",
        ),
    ),
)
