"""Databases with objects that backups often lose: odd names, odd columns, stored programs with another SQL mode."""

from __future__ import annotations

from typing import Any, Protocol


class Server(Protocol):
    """A server, with a login that has all privileges."""

    def execute(self, *statements: str) -> tuple[tuple[Any, ...], ...]:
        """Execute statements in one session; return the rows of the last one."""


# MySQL's identifiers have no characters above U+FFFF, so the emoji here is below that.
NAMES = (
    "plain",
    "with space",
    'double"quote',
    "single'quote",
    "back`tick",
    "per%cent",
    "format%sent",
    "acentuação",
    "❤️ emoji",
    "mydumper_0",
    "dot.ted",
    "sla/sh",
    "back\\slash",
    "new\nline",
    "com,ma",
    "-dash",
    "#hash",
    "a",
    "a-schema",
    "ç" * 64,
)

# A careless dump loses semicolons, line ends, comments and accents of stored programs.
_PROGRAMS = (
    "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
    """CREATE PROCEDURE soma(IN parcela INT, OUT total INT)
    COMMENT 'soma; de verdade'
BEGIN
  DECLARE anterior INT DEFAULT 0;
  -- comentário; com ponto e vírgula

  SELECT COUNT(*) INTO anterior FROM rows_of_all_kinds;
  SET total = anterior + parcela;
END""",
    """CREATE FUNCTION junta(a VARCHAR(20)) RETURNS VARCHAR(40) DETERMINISTIC
RETURN a || ';\n' || "a" """,
    """CREATE TRIGGER antes BEFORE INSERT ON rows_of_all_kinds FOR EACH ROW
BEGIN
  SET NEW.note = NEW.note || '!';
  SET NEW.id = NEW.id + 0;
END""",
    """CREATE EVENT toda_noite ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' DISABLE COMMENT 'às três' DO
BEGIN
  DELETE FROM rows_of_all_kinds WHERE id < 0;
END""",
    "CREATE DEFINER = 'gone'@'nowhere' SQL SECURITY DEFINER VIEW orphan AS SELECT 1 AS one",
    "CREATE VIEW upon AS SELECT * FROM beneath",
    "SET SESSION sql_mode = DEFAULT",
)

_TABLES = (
    """CREATE TABLE rows_of_all_kinds (
         id INT PRIMARY KEY, note VARCHAR(60), price DECIMAL(20,4), at DATETIME(6), stamp TIMESTAMP NULL,
         bits BIT(9), body LONGBLOB, place POINT, document JSON, kind ENUM('it''s', 'a`b', 'ç'), flags SET('x','y'),
         doubled INT AS (id * 2) STORED, halved INT AS (id DIV 2) VIRTUAL, KEY (note)
       ) CHARACTER SET utf8mb4""",
    """INSERT INTO rows_of_all_kinds (id, note, price, at, stamp, bits, body, place, document, kind, flags) VALUES
         (1, 'olá 😀 "aspas" ''simples'' \\\\ fim', -1.5, '2025-07-20 16:15:23.123456', '2025-07-20 16:15:23',
          b'100000001', UNHEX('00FF27225C0A0D1A00'), POINT(1, 2), '{"chave": "ção 😀"}', 'it''s', 'x,y'),
         (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'a`b', ''),
         (3, '', 0, '1000-01-01', '1970-01-02 00:00:00', b'0', '', POINT(-1, 0.5), '[]', 'ç', 'y')""",
    "CREATE TABLE empty_table (id INT) ENGINE = InnoDB",
    "CREATE TABLE kept_in_myisam (id INT, text_of_it TEXT) ENGINE = MyISAM",
    "INSERT INTO kept_in_myisam VALUES (1, 'não transacional')",
    "CREATE TABLE in_latin1 (word VARCHAR(20)) CHARACTER SET latin1",
    "INSERT INTO in_latin1 VALUES ('coração')",
    """CREATE TABLE parent (id INT PRIMARY KEY, child INT)""",
    """CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id))""",
    "INSERT INTO parent VALUES (1, 1)",
    "INSERT INTO child VALUES (1, 1)",
    "ALTER TABLE parent ADD FOREIGN KEY (child) REFERENCES child (id)",
    """CREATE TABLE in_parts (id INT, year_of INT) PARTITION BY RANGE (year_of)
         (PARTITION old VALUES LESS THAN (2000), PARTITION new VALUES LESS THAN MAXVALUE)""",
    "INSERT INTO in_parts VALUES (1, 1990), (2, 2020)",
    """CREATE TABLE `ação` (
         id INT PRIMARY KEY COMMENT 'identificação', `mãe` INT, word VARCHAR(20) DEFAULT 'não', CHECK (word <> 'é'),
         joined VARCHAR(40) AS (CONCAT(word, ' ção')) STORED, FOREIGN KEY (`mãe`) REFERENCES `ação` (id)
       ) COMMENT 'três' CHARACTER SET utf8mb4""",
    "INSERT INTO `ação` (id, `mãe`) VALUES (1, 1)",
    "CREATE TABLE in_named_parts (word VARCHAR(9)) PARTITION BY LIST COLUMNS (word) (PARTITION `é` VALUES IN ('ã'))",
    "INSERT INTO in_named_parts VALUES ('ã')",
    "CREATE VIEW beneath AS SELECT id, note FROM rows_of_all_kinds WHERE note <> 'ção'",
)

_HARD_TABLES = (
    "CREATE TABLE unseen (id INT, hidden INT DEFAULT 5 INVISIBLE)",
    "INSERT INTO unseen (id, hidden) VALUES (1, 7)",
    "CREATE TABLE `table``with'odd\"names %s` (`column ``%d'\"` INT, `ordem` INT)",
    "INSERT INTO `table``with'odd\"names %s` VALUES (1, 2)",
    "CREATE TABLE `child-schema` (id INT)",
    "INSERT INTO `child-schema` VALUES (5)",
)

# Only MariaDB has sequences.
MARIADB_TABLES = ("CREATE SEQUENCE counter START WITH 100",)


def fill(
    server: Server, own_tables: tuple[str, ...] = MARIADB_TABLES, names: tuple[str, ...] = NAMES
) -> tuple[str, ...]:
    """Create databases of *names* and ``hard``; return the names of all.

    ``hard`` is the database with tables that MyDumper 0.10 cannot dump.

    :param own_tables: statements for more tables in ``hard``
    """
    for name in names:
        _create(server, name, (*_TABLES, *_PROGRAMS))
    _create(server, "hard", (*_TABLES, *_HARD_TABLES, *own_tables, *_PROGRAMS))
    return (*names, "hard")


def drop(server: Server) -> None:
    """Drop the databases that :func:`fill` created."""
    server.execute(*(f"DROP DATABASE IF EXISTS {quoted(name)}" for name in (*NAMES, "hard")))


def quoted(name: str) -> str:
    """Return a name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def _create(server: Server, name: str, statements: tuple[str, ...]) -> None:
    server.execute(f"CREATE DATABASE {quoted(name)} CHARACTER SET utf8mb4", f"USE {quoted(name)}", *statements)
