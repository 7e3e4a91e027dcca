"""Every type of column of the servers' manuals, with its limits."""

from __future__ import annotations

from tests.catalogue.content import BOTH_MARIADB, MARIADB_11, MYSQL, Content, table, values

_INTEGERS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INT": 32, "BIGINT": 64}
_ALL_BYTES = "0x" + "".join(f"{number:02X}" for number in range(256))
_TEXT = "'', ' ', 'a ', 'ção', '😀', 'NULL', '\\\\N', 'it''s', '\\\"', '\\\\', 'a\\nb\\r\\tc', '%_'"
_BYTES = "'', 0x00, 0xFF, 0x275C22, 0x0A0D1A09, 0x2020"


def _integers() -> list[Content]:
    found = []
    for kind, bits in _INTEGERS.items():
        least, most, whole = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 2**bits - 1
        found += [
            values(kind, str(least), "-1", "0", "1", str(most)),
            values(f"{kind} UNSIGNED", "0", "1", str(whole)),
            values(f"{kind}(5) ZEROFILL", "0", "7", str(whole)),
        ]
    return found


def _times() -> list[Content]:
    found = []
    for digits in range(7):
        fraction = f".{'9' * digits}" if digits else ""
        found += [
            values(
                f"TIME({digits})",
                f"'-838:59:59{'.' + '0' * digits if digits else ''}'",
                "'00:00:00'",
                f"'23:59:59{fraction}'",
            ),
            values(f"DATETIME({digits})", "'0000-00-00'", "'1000-01-01'", f"'9999-12-31 23:59:59{fraction}'"),
            values(f"TIMESTAMP({digits})", "'0000-00-00'", "'1970-01-01 00:00:01'", f"'2038-01-19 03:14:07{fraction}'"),
        ]
    return found


def _texts() -> list[Content]:
    sized = [values(kind, *_TEXT.split(", ")) for kind in ("CHAR(9)", "VARCHAR(9)", "NCHAR(9)", "NVARCHAR(9)")]
    kinds = ("TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT")
    return [*sized, *(values(kind, *_TEXT.split(", "), "REPEAT('ção', 50)") for kind in kinds)]


def _bytes() -> list[Content]:
    short = [values(kind, *_BYTES.split(", ")) for kind in ("BINARY(5)", "VARBINARY(5)")]
    kinds = ("TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "VARBINARY(300)")
    return [*short, *(values(kind, *_BYTES.split(", "), f"SUBSTR({_ALL_BYTES}, 2)") for kind in kinds)]


_SHAPES = {
    "POINT": "POINT(1 -2.5)",
    "LINESTRING": "LINESTRING(0 0, 80 1e-10)",
    "POLYGON": "POLYGON((0 0, 9 0, 9 9, 0 0), (5 1, 6 1, 6 2, 5 1))",
    "MULTIPOINT": "MULTIPOINT(0 0, 1 1)",
    "MULTILINESTRING": "MULTILINESTRING((0 0, 1 1), (2 2, 3 3))",
    "MULTIPOLYGON": "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
    "GEOMETRYCOLLECTION": "GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))",
    "GEOMETRY": "POINT(0.1 0.2)",
}

CONTENTS = (
    *_integers(),
    values("BOOLEAN", "TRUE", "FALSE", "2"),
    values("SERIAL", "1", "18446744073709551614")._replace(
        statements=("CREATE TABLE {t} (id SERIAL)", "INSERT INTO {t} VALUES (1), (18446744073709551614)")
    ),
    values("DECIMAL(65,30)", "0", f"'{'9' * 35}.{'9' * 30}'", f"'-{'0' * 35}.{'0' * 29}1'"),
    values("DECIMAL(65)", f"'{'9' * 65}'", f"'-{'9' * 65}'"),
    values("DECIMAL(10,2) UNSIGNED ZEROFILL", "0", "1.5", "99999999.99"),
    values("FLOAT", "0.1", "3.1415927", "16777217", "1.4e-45", "-3.4028234e38", "1e10"),
    values("FLOAT(53)", "0.1", "5e-324", "1e308"),
    values("FLOAT(7,3)", "0.001", "-9999.999", "1"),
    values("FLOAT UNSIGNED ZEROFILL", "0", "2.5", "3e38"),
    values("DOUBLE", "0.1", "5e-324", "-1.7976931348623157e308", "0.30000000000000004", "1e15", "123456789012345680"),
    values("DOUBLE(20,6)", "0.000001", "-12345678901234.125"),
    values("DOUBLE UNSIGNED ZEROFILL", "0", "1e300", "1.2336237766807595e-124", "0.1"),
    values("REAL", "0.1", "-1e-300"),
    values("BIT(1)", "b'0'", "b'1'"),
    values("BIT(9)", "0", "39", "256", "511"),
    values("BIT(64)", "0", "~0", "0x275C0A0D00"),
    values("DATE", "'0000-00-00'", "'0001-01-01'", "'2024-02-29'", "'2024-00-10'", "'2024-10-00'", "'9999-12-31'"),
    values("YEAR", "0", "1901", "2155", "'2024'"),
    *_times(),
    *_texts(),
    *_bytes(),
    values(
        "ENUM('', 'a,b', 'it''s', '\\\\', 'ç', '0')",
        "1",
        "'a,b'",
        "'it''s'",
        "4",
        "'ç'",
        "'0'",
        "'not a member'",
        name="ENUM",
    ),
    values("SET('x', 'y z', 'ç', '\"', '%')", "0", "1", "'x,ç'", "31", name="SET"),
    values(
        f"SET({', '.join(repr(f'm{number}') for number in range(64))})", "0", "~0", "1 << 63", name="SET of 64 members"
    ),
    values(
        "JSON",
        *(
            """'{"a": [1, null, true, 1.5, "ção 😀"], "": {}}'""",
            "'[]'",
            "'null'",
            "'\"\\\\u0000\\\\\\\\\"'",
            "'-0.5e-10'",
        ),
        *("'18446744073709551615'", "'\"it''s\"'"),
    ),
    *(values(kind, f"ST_GeomFromText('{text}')", f"ST_GeomFromText('{text}', 4326)") for kind, text in _SHAPES.items()),
    table(
        "JSON of dates and bytes",
        "id INT PRIMARY KEY, v JSON",
        "1, JSON_OBJECT('d', CAST('2024-01-01' AS DATE), 't', CAST('10:11:12.5' AS TIME(1)))",
        "2, JSON_ARRAY(CAST('2024-01-01 10:11:12.000001' AS DATETIME(6)), CAST(1 AS UNSIGNED), 0.1e0)",
        "3, JSON_ARRAY(CAST('abc' AS BINARY), 0xFF00, b'101')",
        products=(MYSQL,),
    ),
    table(
        "POINT with an SRID",
        "id INT PRIMARY KEY, v POINT NOT NULL SRID 4326",
        "1, ST_GeomFromText('POINT(-23.5 -46.6)', 4326)",
        products=(MYSQL,),
    ),
    table(
        "POINT with REF_SYSTEM_ID",
        "id INT PRIMARY KEY, v POINT REF_SYSTEM_ID = 101",
        "1, ST_GeomFromText('POINT(1 1)', 101)",
        products=BOTH_MARIADB,
    ),
    values(
        "VECTOR(3)",
        "STRING_TO_VECTOR('[1.5, -2, 0.001]')",
        "STRING_TO_VECTOR('[0, 3e37, 1e-37]')",
        products=(MYSQL,),
        name="VECTOR of MySQL",
    ),
    values(
        "VECTOR(3)",
        "VEC_FromText('[1.5, -2, 0.001]')",
        "VEC_FromText('[0, 3e38, 1e-38]')",
        products=(MARIADB_11,),
        name="VECTOR of MariaDB",
    ),
    values(
        "UUID",
        "'00112233-4455-6677-8899-aabbccddeeff'",
        "'ffffffff-0000-1000-8000-275c0a0d1a00'",
        products=BOTH_MARIADB,
    ),
    values("INET4", "'0.0.0.0'", "'255.39.92.10'", products=BOTH_MARIADB),
    values("INET6", "'::'", "'2001:db8::275c:a0d'", "'::ffff:1.2.3.4'", products=BOTH_MARIADB),
    *(
        values(f"{kind} COMPRESSED", "''", "'short'", "REPEAT('ção', 80)", products=BOTH_MARIADB)
        for kind in (
            "TINYTEXT",
            "TEXT",
            "MEDIUMTEXT",
            "LONGTEXT",
            "TINYBLOB",
            "BLOB",
            "LONGBLOB",
            "VARCHAR(300)",
            "VARBINARY(300)",
        )
    ),
    values("BLOB", "COLUMN_CREATE('a', 1, 'b', 'ç', 'c', 1.5e0)", products=BOTH_MARIADB, name="Dynamic columns"),
)
