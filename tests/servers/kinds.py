"""Databases with every kind of value and object that dumps lose or alter, on MySQL and on MariaDB."""

from __future__ import annotations

from tests.integration.odd_databases import Server, quoted

# Names that MyDumper of one generation or the other cannot write, read, or tell apart.
NAMES = (
    "tab\tbed",
    "brack[et",
    "lists, 'of' \"names\"",
    "linha\nquebrada",
    "any-schema-create",
    "mydumper_1",
    "Ção",
    "á",
    "100%",
    "$dollar",
)
VALUES, SIZES, BASE, FIRST, CODE, LATIN = "all values", "sizes", "zz_base", "aa_first", "code", "in latin"
DATABASES = (*NAMES, VALUES, SIZES, BASE, FIRST, CODE, LATIN)

# The character sets of each column of text, with bytes that are valid in it.
_TEXTS = {
    "latin1": "80818D8F9DA0E7E3FF00270A5C22",
    "latin2": "A0B1E6FF27",
    "cp1251": "A8C0FF985C27",
    "utf8mb3": "C3A7E282AC27",
    "utf8mb4": "F09F9880C3A72700",
    "utf16": "D83DDE0000E70027",
    "utf32": "0001F60000000027",
    "ucs2": "00E70027005C",
    "sjis": "835C83765C27",
    "gbk": "BF5CC4E327",
    "binary": "00FF275C0A0D1A22",
}
_ALL_BYTES = "".join(f"{number:02X}" for number in range(256))

_VALUES = (
    f"CREATE DATABASE `{VALUES}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    f"USE `{VALUES}`",
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'",
    """CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT, d DOUBLE, rounded FLOAT(7,2), n DECIMAL(65,30),
         z FLOAT ZEROFILL)""",
    """INSERT INTO floats VALUES
         (1, 3.1415927, 0.1, 12345.67, 12345678901234567890123456789012345.123456789012345678901234567890, 1),
         (2, 16777217, 1e308, -0.01, -0.000000000000000000000000000001, 2.5), (3, 1e-30, 5e-324, 0, 0, 0),
         (4, '0', '0', 99999.99, 1, 16777215), (5, 3.4028234e38, 1.7976931348623157e308, NULL, NULL, NULL),
         (6, 1.17549435e-38, 2.2250738585072014e-308, 1, 1, 1), (7, 1.4e-45, 0.30000000000000004, 0.1, 0.1, 0.1)""",
    "CREATE TABLE doubles (id INT PRIMARY KEY, d DOUBLE)",
    "INSERT INTO doubles VALUES (1, '0'), (2, 0.1), (3, 5e-324), (4, -2.2250738585072014e-308), (5, 1e15), (6, NULL)",
    "CREATE TABLE float_key (f FLOAT, id INT, PRIMARY KEY (f, id))",
    "INSERT INTO float_key VALUES (0.1, 1), (0.2, 1), (3.1415927, 2), (16777216, 3)",
    "CREATE TABLE whole (id BIGINT UNSIGNED PRIMARY KEY, t TINYINT, m MEDIUMINT UNSIGNED ZEROFILL, b BIGINT, y YEAR)",
    "INSERT INTO whole VALUES (18446744073709551615, -128, 7, -9223372036854775808, 1901), (0, 127, NULL, NULL, 0)",
    "CREATE TABLE dates (id INT PRIMARY KEY, d DATE, t DATETIME, s TIMESTAMP(6) NULL, h TIME(6), a DATETIME(3))",
    """INSERT INTO dates VALUES
         (1, '2023-02-31', '2023-04-31 10:11:12', '2026-10-25 00:30:00.000001', '-838:59:59', NULL),
         (2, '0000-00-00', '2024-00-10 00:00:00', '1970-01-01 00:00:01', '00:00:00.000001', '9999-12-31 23:59:59.999'),
         (3, '2024-00-10', '0000-00-00 00:00:00', '2038-01-19 03:14:07.999999', '838:59:59', '0000-00-00 00:00:00'),
         (4, '0001-01-01', NULL, '0000-00-00 00:00:00', NULL, '2024-02-29 12:00:00.5')""",
    "CREATE TABLE bytes (id INT PRIMARY KEY, b BLOB, v VARBINARY(300), c BINARY(8), t TINYBLOB, x TEXT)",
    f"""INSERT INTO bytes VALUES (1, 0x{_ALL_BYTES}, 0x{_ALL_BYTES}, 0x00FF, 0x00, 'NULL'), (2, '', '', '', '', ''),
         (3, NULL, NULL, NULL, NULL, NULL), (4, 'a\\r\\nb\\tc', 0x275C27, 0x2000, 0x0A, '\\\\N')""",
    "CREATE TABLE part_one (a INT) ENGINE = MyISAM",
    "INSERT INTO part_one VALUES (1), (2)",
    "CREATE TABLE part_two (a INT) ENGINE = MyISAM",
    "INSERT INTO part_two VALUES (3)",
    "CREATE TABLE both_parts (a INT) ENGINE = MERGE UNION = (part_one, part_two)",
    "CREATE TABLE binary_key (k VARBINARY(20) PRIMARY KEY, n INT)",
    "INSERT INTO binary_key VALUES (0x00, 1), ('', 2), (0xFF275C, 3), ('abc', 4), ('abc ', 5)",
    "CREATE TABLE texts (id INT PRIMARY KEY, "
    + ", ".join(f"in_{name} VARCHAR(40) CHARACTER SET {name}" for name in _TEXTS)
    + ")",
    f"INSERT INTO texts VALUES (1, {', '.join(f'_{name} 0x{value}' for name, value in _TEXTS.items())})",
    "CREATE TABLE bits (id INT PRIMARY KEY, one BIT(1), ten BIT(10), most BIT(64))",
    "INSERT INTO bits VALUES (1, b'1', b'1010101010', ~0), (2, b'0', b'0', b'100000000'), (3, NULL, 39, 0x275C0A0D00)",
    """CREATE TABLE members (id INT PRIMARY KEY, e ENUM('', 'a,b', 'it''s', 'back\\\\slash', 'ç', '1', '0'),
         s SET('x', 'y z', 'ç', '"'), l ENUM('ã', 'a') CHARACTER SET latin1)""",
    "SET SESSION sql_mode = ''",
    """INSERT INTO members VALUES
         (1, '', '', 'ã'), (2, 'no member', 'x,"', 'a'), (3, 'a,b', 'y z,ç', NULL), (4, '0', 3, 1)""",
    "CREATE TABLE documents (id INT PRIMARY KEY, j JSON)",
    """INSERT INTO documents VALUES (1, '{"a": 1.10, "b": [true, null, 18446744073709551615]}')""",
    """INSERT INTO documents VALUES (2, '"ção 😀 \\\\u0000 \\\\" \\\\\\\\"')""",
    """INSERT INTO documents VALUES
         (3, JSON_OBJECT('big', 12345678901234567890, 'é', 0.1)), (4, '[]'), (5, NULL), (6, 'null')""",
    "CREATE TABLE places (id INT PRIMARY KEY, g GEOMETRY, p POINT, c GEOMETRYCOLLECTION)",
    """INSERT INTO places VALUES
         (1, ST_GeomFromText('LINESTRING(0 0,1 1)', 4326), ST_GeomFromText('POINT(1 2)', 3857),
         ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')), (2, NULL, POINT(-0.1, 1e100), NULL)""",
    "CREATE TABLE unseen (id INT PRIMARY KEY, s VARCHAR(5) DEFAULT 'x' INVISIBLE, v INT AS (id + 1) VIRTUAL INVISIBLE)",
    "INSERT INTO unseen (id, s) VALUES (1, 'q'), (2, NULL)",
    "CREATE TABLE unseen_without_key (s INT INVISIBLE DEFAULT 3, t INT)",
    "INSERT INTO unseen_without_key (s, t) VALUES (1, 1), (1, 1), (NULL, NULL)",
    """CREATE TABLE `order by` (`select` INT PRIMARY KEY, `a,b` INT, `c``d` INT, `ç` INT, ` e'f"` INT,
         `per%cent %s` INT)""",
    "INSERT INTO `order by` VALUES (1, 2, 3, 4, 5, 6)",
    "CREATE TABLE `é,[x]\t\n-schema` (id INT)",
    "INSERT INTO `é,[x]\t\n-schema` VALUES (1)",
    "CREATE TABLE `t.00001` (id INT)",
    "INSERT INTO `t.00001` VALUES (1)",
    "CREATE TABLE t (id INT)",
    "INSERT INTO t VALUES (2)",
    "CREATE TABLE mydumper_0 (id INT)",
    "INSERT INTO mydumper_0 VALUES (3)",
    "CREATE TABLE zero_counts (id INT AUTO_INCREMENT PRIMARY KEY, n INT) AUTO_INCREMENT = 5000",
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
    "INSERT INTO zero_counts VALUES (0, 1), (7, 2)",
    "SET SESSION sql_mode = ''",
    "CREATE TABLE isam (a INT AUTO_INCREMENT, b TEXT, KEY (a)) ENGINE = MyISAM COMMENT = 'não; \"transacional\"'",
    "INSERT INTO isam VALUES (9, 'três'), (9, 'três'), (10, NULL)",
    "CREATE TABLE in_memory (a INT) ENGINE = MEMORY",
    "INSERT INTO in_memory VALUES (1)",
    "CREATE TABLE nothing (a INT PRIMARY KEY, b TEXT)",
    """CREATE TABLE parts (a INT, b VARCHAR(10) COLLATE latin1_bin, PRIMARY KEY (a, b)) PARTITION BY RANGE (a)
         SUBPARTITION BY HASH (a) SUBPARTITIONS 2 (PARTITION `p é` VALUES LESS THAN (10) COMMENT = 'x', PARTITION z
         VALUES LESS THAN MAXVALUE)""",
    "INSERT INTO parts VALUES (1, 'a'), (1, 'A'), (20, ''), (-5, 'x')",
    "CREATE TABLE by_key (k VARCHAR(9) PRIMARY KEY, n INT) PARTITION BY KEY (k) PARTITIONS 3",
    "INSERT INTO by_key VALUES ('a', 1), ('b', 2), ('ç', 3)",
    """CREATE TABLE computed (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9) AS (UPPER(a)) STORED,
         c INT AS (LENGTH(a)) VIRTUAL, d DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
         e INT DEFAULT (3 + 4), UNIQUE (b), KEY (c), CONSTRAINT `nó` CHECK (a <> 'zero;'))""",
    "INSERT INTO computed (id, a, d) VALUES (1, 'ção', '2020-01-01 00:00:00'), (2, 'b', NULL)",
    (
        "CREATE TABLE tree (id INT PRIMARY KEY, up INT, CONSTRAINT `fk ç` FOREIGN KEY (up) REFERENCES tree (id)"
        " ON DELETE SET NULL ON UPDATE CASCADE)"
    ),
    "INSERT INTO tree VALUES (2, 2), (1, 2)",
)

_SIZES = (
    f"CREATE DATABASE {SIZES} CHARACTER SET utf8mb4",
    f"USE {SIZES}",
    "CREATE TABLE digit (n INT PRIMARY KEY)",
    "INSERT INTO digit VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
    "CREATE TABLE number (id INT PRIMARY KEY, word VARCHAR(40), KEY (word))",
    """INSERT INTO number SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n,
         CONCAT('linha ', a.n, b.n, c.n, d.n, e.n, ' ção')
         FROM digit a, digit b, digit c, digit d, digit e, digit f WHERE f.n < 2""",
    "CREATE TABLE composite (a INT, b VARCHAR(10), n INT, PRIMARY KEY (a, b))",
    "INSERT INTO composite SELECT id % 100, CONCAT('k', id), id FROM number WHERE id <= 20000",
    "CREATE TABLE text_key (k VARCHAR(20) PRIMARY KEY, n INT)",
    "INSERT INTO text_key SELECT CONCAT('ç', LEFT(SHA2(id, 256), 18)), id FROM number WHERE id <= 20000",
    "CREATE TABLE no_key (n INT, word VARCHAR(20))",
    "INSERT INTO no_key SELECT id % 50, CONCAT('w', id % 1000) FROM number WHERE id <= 20000",
    "CREATE TABLE sparse (id BIGINT PRIMARY KEY, n INT)",
    "INSERT INTO sparse SELECT (id - 1000) * 9000000000000, id FROM number WHERE id <= 2000",
    "CREATE TABLE large_rows (id INT PRIMARY KEY, body LONGBLOB, word LONGTEXT)",
    """INSERT INTO large_rows VALUES
         (1, REPEAT(0x00FF275C0A0D1A22, 250000), 'x'), (2, 0x27, REPEAT('ção; \\n(', 150000))""",
)

# The view of the first database reads views, a table and a function of the last one.
_VIEWS = (
    f"CREATE DATABASE {FIRST} COLLATE utf8mb4_unicode_ci",
    f"CREATE DATABASE {BASE} COLLATE utf8mb4_spanish_ci",
    f"USE {BASE}",
    "CREATE TABLE t (id INT PRIMARY KEY, `é` VARCHAR(20))",
    "INSERT INTO t VALUES (1, 'ä'), (2, 'x;')",
    "CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC SQL SECURITY INVOKER RETURN n * 2",
    "CREATE VIEW v_upon AS SELECT id, `é` AS `ç` FROM t",
    "CREATE VIEW a_upon_v AS SELECT * FROM v_upon WHERE id > 0 WITH LOCAL CHECK OPTION",
    "CREATE ALGORITHM = TEMPTABLE SQL SECURITY INVOKER VIEW counted AS SELECT COUNT(*) AS n, 'ção' AS w FROM a_upon_v",
    f"""CREATE VIEW {FIRST}.over_all AS SELECT {BASE}.twice(id) AS n, `ç` FROM a_upon_v WHERE id < 10
          WITH CASCADED CHECK OPTION""",
    f"CREATE VIEW {FIRST}.and_upon AS SELECT * FROM {FIRST}.over_all UNION SELECT n, w FROM counted",
    f"CREATE DEFINER = 'gone'@'nowhere' VIEW {FIRST}.orphan AS SELECT * FROM {FIRST}.and_upon",
    "SET NAMES latin1",
    f"CREATE VIEW {BASE}.of_latin1 AS SELECT _latin1 0xE7 AS c, 'plain' AS p",
    "SET NAMES utf8mb4",
)

_CODE = (
    f"CREATE DATABASE {CODE} CHARACTER SET utf8mb3 COLLATE utf8mb3_bin",
    f"USE {CODE}",
    "CREATE TABLE t (id INT PRIMARY KEY, n INT, w VARCHAR(30))",
    "INSERT INTO t VALUES (1, 1, 'a')",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,PIPES_AS_CONCAT'",
    "CREATE FUNCTION joined(a VARCHAR(20), b VARCHAR(20)) RETURNS VARCHAR(40) DETERMINISTIC RETURN a || b",
    (
        "CREATE PROCEDURE total(IN a INT, INOUT r INT) READS SQL DATA COMMENT 'it''s; ç' SQL SECURITY INVOKER"
        " BEGIN SELECT SUM(n) + a INTO r FROM t; /* ; */ -- fim\n END"
    ),
    "SET SESSION sql_mode = 'ANSI_QUOTES,IGNORE_SPACE,NO_BACKSLASH_ESCAPES'",
    """CREATE PROCEDURE "aspas ""duplas"" ç" () BEGIN SELECT 'a\\' AS "x y" FROM "t"; END""",
    "SET SESSION sql_mode = ''",
    "CREATE TRIGGER b_second BEFORE INSERT ON t FOR EACH ROW SET NEW.n = NEW.n + 1",
    "CREATE TRIGGER c_first BEFORE INSERT ON t FOR EACH ROW PRECEDES b_second SET NEW.n = NEW.n * 2",
    "CREATE TRIGGER a_third BEFORE INSERT ON t FOR EACH ROW FOLLOWS b_second SET NEW.w = 'ç;\n'",
    "CREATE DEFINER = 'gone'@'nowhere' TRIGGER afterwards AFTER UPDATE ON t FOR EACH ROW SET @x = NEW.id",
    "SET SESSION time_zone = '-03:00', sql_mode = 'ANSI_QUOTES'",
    (
        "CREATE EVENT daily ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' ENDS '2036-01-01 03:00:00'"
        " ON COMPLETION PRESERVE COMMENT 'it''s' DO DELETE FROM \"t\" WHERE id < 0"
    ),
    "SET SESSION time_zone = '+05:30', sql_mode = ''",
    "CREATE EVENT once ON SCHEDULE AT '2036-02-29 12:00:00' DISABLE DO BEGIN SET @a = 'ç'; SET @b = 2; END",
    """CREATE EVENT `às 3` ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2035-01-01 00:00:00' DISABLE ON SLAVE
         DO SELECT 1""",
    "SET SESSION time_zone = 'SYSTEM'",
    "CREATE EVENT local ON SCHEDULE EVERY 1 WEEK STARTS '2035-01-01 00:00:00' DO SELECT 1",
    "SET NAMES latin1",
    "CREATE PROCEDURE of_latin1() SELECT 'plain'",
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "CREATE FUNCTION of_bin() RETURNS INT DETERMINISTIC RETURN 'a' = 'A'",
    "SET NAMES utf8mb4",
)

_LATIN = (
    f"CREATE DATABASE `{LATIN}` CHARACTER SET latin1 COLLATE latin1_general_cs",
    f"USE `{LATIN}`",
    "CREATE TABLE `função` (id INT PRIMARY KEY, `descrição` VARCHAR(40), b BLOB)",
    "INSERT INTO `função` VALUES (1, 'gerência', 0xE7FF00), (2, 'café', 'é')",
    "CREATE PROCEDURE diz(IN `nó` VARCHAR(9)) SELECT CONCAT(`nó`, 'ção')",
)

_MYSQL = (
    f"USE `{VALUES}`",
    "SET SESSION sql_generate_invisible_primary_key = ON",
    "CREATE TABLE generated_key (a INT)",
    "INSERT INTO generated_key VALUES (5), (5), (NULL)",
    "DELETE FROM generated_key WHERE a = 5 LIMIT 1",
    "SET SESSION sql_generate_invisible_primary_key = OFF",
    "CREATE TABLE exactly (id INT PRIMARY KEY, p POINT NOT NULL SRID 4326, u BINARY(16) DEFAULT (UUID_TO_BIN(UUID())))",
    "INSERT INTO exactly (id, p) VALUES (1, ST_GeomFromText('POINT(-23.5 -46.6)', 4326))",
    "INSERT INTO documents VALUES (10, JSON_OBJECT('d', CAST('2024-01-01' AS DATE), 'n', CAST(1.5 AS DECIMAL(5,1))))",
)
_MARIADB = (
    f"USE `{VALUES}`",
    "CREATE TABLE addresses (id UUID PRIMARY KEY, six INET6, four INET4)",
    (
        "INSERT INTO addresses VALUES ('00112233-4455-6677-8899-aabbccddeeff', '2001:db8::ff', '127.0.0.1'),"
        " ('ffffffff-0000-1000-8000-275c0a0d1a00', '::', NULL)"
    ),
    "SET SESSION timestamp = 1700000000.5",
    "CREATE TABLE versioned (id INT PRIMARY KEY, w VARCHAR(9)) WITH SYSTEM VERSIONING",
    "INSERT INTO versioned VALUES (1, 'a'), (2, 'b'), (3, 'ç')",
    "SET SESSION timestamp = 1700000100.123456",
    "UPDATE versioned SET w = 'x' WHERE id = 1",
    "DELETE FROM versioned WHERE id = 3",
    """CREATE TABLE versioned_openly (id INT PRIMARY KEY, w VARCHAR(9), n INT WITHOUT SYSTEM VERSIONING,
         s TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END INVISIBLE,
         PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING""",
    "INSERT INTO versioned_openly (id, w, n) VALUES (1, 'a', 1)",
    "SET SESSION timestamp = 1700000200",
    "UPDATE versioned_openly SET w = 'b'",
    "SET SESSION timestamp = DEFAULT",
    "CREATE TABLE booked (room INT, b DATE, e DATE, PERIOD FOR p (b, e), PRIMARY KEY (room, p WITHOUT OVERLAPS))",
    "INSERT INTO booked VALUES (1, '2024-01-01', '2024-02-01')",
    "CREATE TABLE packed (id INT PRIMARY KEY, body TEXT COMPRESSED, dynamic BLOB) ENGINE = InnoDB",
    "INSERT INTO packed VALUES (1, REPEAT('ção', 1000), COLUMN_CREATE('a', 1, 'b', 'ç'))",
    "CREATE TABLE in_aria (id INT PRIMARY KEY, w TEXT) ENGINE = Aria PAGE_CHECKSUM = 1 TRANSACTIONAL = 1",
    "INSERT INTO in_aria VALUES (1, 'três')",
    "CREATE SEQUENCE plain_sequence",
    "CREATE SEQUENCE used START WITH 100 INCREMENT BY -5 MINVALUE -1000 MAXVALUE 100 CACHE 10 CYCLE",
    "SELECT NEXTVAL(used), NEXTVAL(used)",
    "CREATE SEQUENCE `seqüência` START WITH 9 NOCACHE",
    "DO NEXTVAL(`seqüência`), NEXTVAL(`seqüência`)",
    "CREATE TABLE from_sequence (id INT DEFAULT NEXTVAL(`seqüência`) PRIMARY KEY, w INT)",
    "INSERT INTO from_sequence (w) VALUES (1), (2)",
    "SET SESSION sql_mode = 'ORACLE'",
    f"""CREATE PACKAGE `{CODE}`.parcel AS FUNCTION one RETURN INT; PROCEDURE shout(w VARCHAR(9)); END""",
    f"""CREATE PACKAGE BODY `{CODE}`.parcel AS
          FUNCTION one RETURN INT AS BEGIN RETURN 1; END;
          PROCEDURE shout(w VARCHAR(9)) AS BEGIN SELECT w || '!'; END;
        END""",
    "SET SESSION sql_mode = ''",
)


def fill(server: Server) -> tuple[str, ...]:
    """Create the databases; return their names."""
    ((version,),) = server.execute("SELECT VERSION()")
    own = _MARIADB if "MariaDB" in version else _MYSQL
    for statements in (_VALUES, _SIZES, _VIEWS, _CODE, _LATIN, own):
        server.execute("SET NAMES utf8mb4", "SET SESSION sql_mode = ''", *statements)
    for name in NAMES:
        server.execute(
            f"CREATE DATABASE {quoted(name)}",
            f"USE {quoted(name)}",
            "CREATE TABLE t (id INT PRIMARY KEY, w TEXT)",
            "INSERT INTO t VALUES (1, DATABASE())",
            "CREATE VIEW `v é` AS SELECT w FROM t",
            "CREATE PROCEDURE p() SELECT DATABASE()",
        )
    return DATABASES


def drop(server: Server) -> None:
    """Drop the databases that :func:`fill` created."""
    for name in DATABASES:
        server.execute(f"DROP DATABASE IF EXISTS {quoted(name)}")
