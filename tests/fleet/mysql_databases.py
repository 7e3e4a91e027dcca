"""Databases with features of MySQL alone that backups often lose."""

from __future__ import annotations

from tests.integration.odd_databases import Server

NAME = "only in mysql"

_STATEMENTS = (
    f"CREATE DATABASE `{NAME}` CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci",
    f"USE `{NAME}`",
    "CREATE ROLE IF NOT EXISTS keeper",
    """CREATE TABLE defaults_of_all_kinds (
         id BINARY(16) DEFAULT (UUID_TO_BIN(UUID())) PRIMARY KEY, list JSON DEFAULT (JSON_ARRAY()),
         made TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
         body TEXT DEFAULT (_utf8mb4'ção')
       )""",
    "INSERT INTO defaults_of_all_kinds (made) VALUES ('2025-07-20 16:15:23.123456')",
    """INSERT INTO defaults_of_all_kinds VALUES
         (UNHEX('00FF27225C0A0D1A0000000000000000'), '{"a": [1, null, "😀"]}', NOW(6), '''aspas\\\\')""",
    """CREATE TABLE unseen_key (
         my_row_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY, word VARCHAR(20) INVISIBLE, seen INT,
         INDEX hidden (seen) INVISIBLE, INDEX backwards (seen DESC)
       ) AUTO_INCREMENT = 1000""",
    "INSERT INTO unseen_key (word, seen) VALUES ('oculta', 1), ('três', 2)",
    """CREATE TABLE indexed_json (
         id INT PRIMARY KEY, document JSON, INDEX tags ((CAST(document->'$.tags' AS CHAR(20) ARRAY))),
         INDEX name ((CAST(document->>'$.name' AS CHAR(30)) COLLATE utf8mb4_bin)), INDEX sum_of ((id + 1), (id * 2)),
         CONSTRAINT has_name CHECK (document->>'$.name' IS NOT NULL) NOT ENFORCED
       )""",
    """INSERT INTO indexed_json VALUES (1, '{"name": "ação", "tags": ["um", "três"]}')""",
    """INSERT INTO indexed_json VALUES (2, '{"name": "😀", "tags": []}')""",
    """CREATE TABLE computed (
         a INT, b INT AS (a + 1) VIRTUAL, c INT AS (b * 2) STORED, d VARCHAR(40) AS (CONCAT('é', a)) STORED UNIQUE,
         place POINT NOT NULL SRID 4326, SPATIAL INDEX (place)
       )""",
    "INSERT INTO computed (a, place) VALUES (1, ST_GeomFromText('POINT(-30 -51)', 4326))",
    "INSERT INTO computed (a, place) VALUES (2, ST_GeomFromText('POINT(0 0)', 4326))",
    """CREATE TABLE collated (
         word VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, sharp VARCHAR(20) COLLATE utf8mb4_0900_as_cs,
         japanese VARCHAR(20) COLLATE utf8mb4_ja_0900_as_cs, bits BIT(64), INDEX (word)
       )""",
    "INSERT INTO collated VALUES ('ação', 'Ação', '日本', b'1'), ('ACAO ', '', NULL, ~0)",
    "CREATE TABLE meaning (id INT PRIMARY KEY, embedding VECTOR(3))",
    "INSERT INTO meaning VALUES (1, STRING_TO_VECTOR('[1.5, -2, 0.001]')), (2, NULL)",
    "CREATE TABLE compressed_page (id INT PRIMARY KEY, body TEXT) ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 8",
    "INSERT INTO compressed_page VALUES (1, REPEAT('ção ', 5000))",
    "CREATE DEFINER = keeper SQL SECURITY DEFINER VIEW of_a_role AS SELECT a, d FROM computed",
    """CREATE VIEW recursive_view AS
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)
         SELECT i, ROW_NUMBER() OVER (ORDER BY i DESC) AS place FROM n""",
    "CREATE DEFINER = keeper PROCEDURE by_a_role() SQL SECURITY DEFINER BEGIN SELECT 'ção;' FROM computed; END",
    "CREATE DEFINER = keeper TRIGGER by_a_role BEFORE INSERT ON computed FOR EACH ROW SET NEW.a = NEW.a + 0",
    "CREATE TRIGGER after_it BEFORE INSERT ON computed FOR EACH ROW FOLLOWS by_a_role SET NEW.a = NEW.a * 1",
    "CREATE DEFINER = keeper EVENT by_a_role ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' DISABLE DO SELECT 1",
)
# Without invisible columns and expression defaults, so that MyDumper itself dumps these tables.
PLAIN_NAME = "plain in mysql"
_PLAIN_STATEMENTS = (
    f"CREATE DATABASE `{PLAIN_NAME}` CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_as_cs",
    f"USE `{PLAIN_NAME}`",
    *(one for one in _STATEMENTS[2:] if "defaults_of_all_kinds" not in one and "unseen_key" not in one),
)


def fill(server: Server) -> tuple[str, ...]:
    """Create the databases and a role that owns some objects; return the databases' names."""
    server.execute(*_STATEMENTS)
    server.execute(*_PLAIN_STATEMENTS)
    return NAME, PLAIN_NAME


def drop(server: Server) -> None:
    """Drop the databases and the role."""
    server.execute(f"DROP DATABASE `{NAME}`", f"DROP DATABASE `{PLAIN_NAME}`", "DROP ROLE keeper")
