"""Every kind of object beside tables, with every characteristic, and the options of a database."""

from __future__ import annotations

from tests.catalogue.content import ANY, BOTH_MARIADB, MARIADB_11, MYSQL, Content

_TABLE = "CREATE TABLE {t} (id INT PRIMARY KEY, w VARCHAR(20))"
_OF_TRIGGERS = ("BEFORE INSERT", "AFTER INSERT", "BEFORE UPDATE", "AFTER UPDATE", "BEFORE DELETE", "AFTER DELETE")


def _objects(name: str, *statements: str, products: tuple[str, ...] = ANY) -> Content:
    return Content(name, (_TABLE, "INSERT INTO {t} VALUES (1, 'ç'), (2, NULL)", *statements), products)


DATABASES = (
    _objects("Comment of a database", "ALTER DATABASE COMMENT 'it''s; ç'", products=BOTH_MARIADB),
    _objects(
        "Encryption of a database",
        "ALTER DATABASE DEFAULT ENCRYPTION 'Y'",
        "CREATE TABLE {t}__y (id INT)",
        "CREATE TABLE {t}__n (id INT) ENCRYPTION = 'N'",
        products=(MYSQL,),
    ),
)

VIEWS = (
    _objects(
        "Views",
        "CREATE VIEW {t}__v AS SELECT id, w AS `ç` FROM {t} WHERE id > 0",
        "CREATE VIEW {t}__a AS SELECT * FROM {t}__v",
    ),
    _objects(
        "Views with an algorithm",
        *(
            f"CREATE ALGORITHM = {kind} VIEW {{t}}__{kind} AS SELECT id FROM {{t}}"
            for kind in ("UNDEFINED", "MERGE", "TEMPTABLE")
        ),
    ),
    _objects(
        "Views with a check",
        *(
            f"CREATE VIEW {{t}}__{kind} AS SELECT id FROM {{t}} WHERE id > 0 WITH {kind} CHECK OPTION"
            for kind in ("LOCAL", "CASCADED")
        ),
    ),
    _objects(
        "Views with another right",
        "CREATE SQL SECURITY INVOKER VIEW {t}__i AS SELECT id FROM {t}",
        "CREATE DEFINER = 'gone'@'nowhere' VIEW {t}__g AS SELECT id FROM {t}",
    ),
    _objects(
        "Views of unions and windows",
        (
            "CREATE VIEW {t}__u AS SELECT id, 'it''s; ç' AS w FROM {t} UNION ALL SELECT ROW_NUMBER()"
            " OVER (ORDER BY id DESC), w FROM {t}"
        ),
    ),
    _objects(
        "Views of recursive queries",
        (
            "CREATE VIEW {t}__r AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
            " i < 3) SELECT i FROM n"
        ),
    ),
    _objects(
        "Views of functions",
        "CREATE FUNCTION {t}__f(n INT) RETURNS INT DETERMINISTIC RETURN n * 2",
        "CREATE VIEW {t}__a AS SELECT {t}__f(id) AS n FROM {t}",
    ),
    _objects(
        "Views made under another SQL mode",
        "SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
        """CREATE VIEW {t}__v AS SELECT "id" || 'ç' AS "x y" FROM {t}""",
        "SET SESSION sql_mode = ''",
    ),
    _objects(
        "Views made in another character set",
        "SET NAMES latin1",
        "CREATE VIEW {t}__v AS SELECT _latin1 0xE7 AS c, 'plain' AS p",
        "SET NAMES utf8mb4",
    ),
    _objects(
        "Duality views of JSON",
        (
            "CREATE JSON RELATIONAL DUALITY VIEW {t}__d AS SELECT JSON_DUALITY_OBJECT(WITH(INSERT,"
            " UPDATE) '_id': id, 'w': w) FROM {t}"
        ),
        products=(MYSQL,),
    ),
)

ROUTINES = (
    _objects(
        "Functions",
        (
            "CREATE FUNCTION {t}__f(a VARCHAR(20) CHARACTER SET latin1, b INT) RETURNS VARCHAR(40)"
            " DETERMINISTIC COMMENT 'it''s; ç' RETURN CONCAT(a, b, 'ç;')"
        ),
    ),
    _objects(
        "Procedures",
        (
            "CREATE PROCEDURE {t}__p(IN a INT, OUT b TEXT, INOUT `ç` INT) BEGIN SELECT 'x' INTO b; /* ;"
            " */ -- fim\n SET `ç` = a; END"
        ),
    ),
    _objects(
        "Characteristics of routines",
        *(
            f"CREATE PROCEDURE {{t}}__{number}() {text} SELECT 1"
            for number, text in enumerate(
                (
                    "CONTAINS SQL",
                    "NO SQL",
                    "READS SQL DATA",
                    "MODIFIES SQL DATA",
                    "DETERMINISTIC",
                    "SQL SECURITY INVOKER",
                    "COMMENT 'ç'",
                )
            )
        ),
        "CREATE DEFINER = 'gone'@'nowhere' PROCEDURE {t}__g() SELECT 1",
    ),
    _objects(
        "Routines made under another SQL mode",
        "SET SESSION sql_mode = 'ANSI_QUOTES,IGNORE_SPACE,NO_BACKSLASH_ESCAPES'",
        """CREATE PROCEDURE "{t} ""ç\"""() BEGIN SELECT 'a\\' AS "x y" FROM "t"; END""",
        "SET SESSION sql_mode = ''",
    ),
    _objects(
        "Routines made in another character set",
        "SET NAMES latin1",
        "CREATE PROCEDURE {t}__l() SELECT 'plain'",
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
        "CREATE FUNCTION {t}__b() RETURNS INT DETERMINISTIC RETURN 'a' = 'A'",
        "SET NAMES utf8mb4",
    ),
    _objects(
        "Aggregate functions",
        (
            "CREATE AGGREGATE FUNCTION {t}__a(x INT) RETURNS INT DETERMINISTIC BEGIN DECLARE n INT"
            " DEFAULT 0; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN n; LOOP FETCH GROUP NEXT ROW; SET"
            " n = n + x; END LOOP; END"
        ),
        products=BOTH_MARIADB,
    ),
    _objects(
        "Defaults of parameters",
        "CREATE PROCEDURE {t}__p(a INT DEFAULT 1 + 2, b TEXT DEFAULT 'ç') SELECT a, b",
        products=(MARIADB_11,),
    ),
    _objects(
        "Packages",
        "SET SESSION sql_mode = 'ORACLE'",
        "CREATE PACKAGE {t}__k AS FUNCTION one RETURN INT; PROCEDURE shout(w VARCHAR(9)); END",
        (
            "CREATE PACKAGE BODY {t}__k AS FUNCTION one RETURN INT AS BEGIN RETURN 1; END; PROCEDURE"
            " shout(w VARCHAR(9)) AS BEGIN SELECT w || '!'; END; END"
        ),
        "CREATE PROCEDURE {t}__p(a IN INT, b OUT VARCHAR2) AS c INT := 1; BEGIN b := a || c; END",
        "SET SESSION sql_mode = ''",
        products=BOTH_MARIADB,
    ),
    _objects(
        "Libraries",
        "CREATE LIBRARY {t}__l COMMENT 'ç' LANGUAGE JAVASCRIPT AS $$ export function f(n) { return `;$ ${n}` } $$",
        products=(MYSQL,),
    ),
)

TRIGGERS = (
    _objects(
        "Triggers",
        *(
            f"CREATE TRIGGER {{t}}__{number} {when} ON {{t}} FOR EACH ROW BEGIN SET @a = 'ç;'; SET @b = 1; END"
            for number, when in enumerate(_OF_TRIGGERS)
        ),
    ),
    _objects(
        "Order of triggers",
        "CREATE TRIGGER {t}__b BEFORE INSERT ON {t} FOR EACH ROW SET @x = 2",
        "CREATE TRIGGER {t}__c BEFORE INSERT ON {t} FOR EACH ROW PRECEDES {t}__b SET @x = 1",
        "CREATE TRIGGER {t}__a BEFORE INSERT ON {t} FOR EACH ROW FOLLOWS {t}__b SET @x = 3",
    ),
    _objects(
        "Triggers of others, and of another SQL mode",
        "SET SESSION sql_mode = 'ANSI_QUOTES'",
        """CREATE DEFINER = 'gone'@'nowhere' TRIGGER {t}__g AFTER UPDATE ON {t} FOR EACH ROW SET @x = "new"."id\"""",
        "SET SESSION sql_mode = ''",
    ),
    _objects(
        "Triggers that change other tables",
        "CREATE TABLE {t}__log (id INT, w VARCHAR(20))",
        "INSERT INTO {t}__log VALUES (7, 'x')",
        "CREATE TRIGGER {t}__l AFTER INSERT ON {t} FOR EACH ROW INSERT INTO {t}__log VALUES (NEW.id, NEW.w)",
    ),
)

EVENTS = (
    _objects(
        "Events that repeat",
        (
            "CREATE EVENT {t}__e ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' ENDS '2036-01-01"
            " 03:00:00' ON COMPLETION PRESERVE COMMENT 'it''s; ç' DO DELETE FROM {t} WHERE id < 0"
        ),
    ),
    _objects(
        "Events that run once",
        "CREATE EVENT {t}__e ON SCHEDULE AT '2036-02-29 12:00:00' DO BEGIN SET @a = 'ç'; SET @b = 2; END",
    ),
    _objects(
        "Events that are disabled",
        "CREATE EVENT {t}__e ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2035-01-01 00:00:00' DISABLE DO SELECT 1",
        "CREATE EVENT {t}__s ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DISABLE ON SLAVE DO SELECT 1",
    ),
    _objects(
        "Events in another time zone",
        "SET SESSION time_zone = '-03:00'",
        "CREATE EVENT {t}__e ON SCHEDULE EVERY 1 WEEK STARTS '2035-01-01 00:00:00' DO SELECT 1",
        "SET SESSION time_zone = 'SYSTEM'",
        "CREATE EVENT {t}__s ON SCHEDULE EVERY 1 WEEK STARTS '2035-01-01 00:00:00' DO SELECT 1",
        "SET SESSION time_zone = '+00:00'",
    ),
    _objects(
        "Events of others",
        (
            "CREATE DEFINER = 'gone'@'nowhere' EVENT {t}__e ON SCHEDULE EVERY 1 WEEK STARTS '2035-01-01"
            " 00:00:00' DO SELECT 1"
        ),
    ),
)

SEQUENCES = (
    Content(
        "Sequences",
        (
            "CREATE SEQUENCE {t}",
            "CREATE SEQUENCE {t}__down START WITH 100 INCREMENT BY -5 MINVALUE -1000 MAXVALUE 100 CACHE 10 CYCLE",
            "SELECT NEXTVAL({t}__down)",
            "CREATE SEQUENCE {t}__none START WITH 9 NOCACHE",
            "DO NEXTVAL({t}__none)",
        ),
        BOTH_MARIADB,
    ),
    Content(
        "Sequences of other engines",
        (
            "CREATE SEQUENCE {t} ENGINE = MyISAM COMMENT 'it''s; ç'",
            "CREATE SEQUENCE {t}__a START WITH 5 ENGINE = Aria",
            "DO NEXTVAL({t}__a)",
        ),
        BOTH_MARIADB,
    ),
    Content(
        "Sequences as defaults",
        (
            "CREATE SEQUENCE {t}__s START WITH 9 NOCACHE",
            "CREATE TABLE {t} (id INT DEFAULT NEXTVAL({t}__s) PRIMARY KEY, w INT)",
            "INSERT INTO {t} (w) VALUES (1), (2)",
        ),
        BOTH_MARIADB,
    ),
    Content(
        "Sequences without a value left",
        ("CREATE SEQUENCE {t} START WITH 1 MAXVALUE 2 NOCACHE", "DO NEXTVAL({t}), NEXTVAL({t})"),
        BOTH_MARIADB,
    ),
    Content(
        "Sequences of other types",
        ("CREATE SEQUENCE {t} AS TINYINT UNSIGNED START WITH 200 NOCACHE", "DO NEXTVAL({t})"),
        ("MariaDB 11",),
    ),
)
