"""Contents that do not come back as they were, and that the backup or the restore names."""

from __future__ import annotations

from tests.catalogue.content import BOTH_MARIADB, MYSQL, Content, table

_PARTITIONS = "PARTITION a VALUES LESS THAN (2) DATA DIRECTORY = '{dir}', PARTITION z VALUES LESS THAN MAXVALUE"

NAMED = (
    table("DATA DIRECTORY of a table", "id INT PRIMARY KEY", "1", "2", options="DATA DIRECTORY = '{dir}'"),
    table(
        "DATA DIRECTORY and INDEX DIRECTORY of MyISAM",
        "id INT PRIMARY KEY",
        "1",
        "2",
        options="ENGINE = MyISAM DATA DIRECTORY = '{dir}' INDEX DIRECTORY = '{dir}'",
    ),
    table(
        "DATA DIRECTORY of a partition",
        "id INT PRIMARY KEY",
        "1",
        "2",
        options=f"PARTITION BY RANGE (id) ({_PARTITIONS})",
    ),
    Content(
        "Views of tables that are gone",
        ("CREATE TABLE {t} (id INT)", "CREATE VIEW {t}__v AS SELECT id FROM {t}", "DROP TABLE {t}"),
    ),
    Content(
        "Views of an account that is gone",
        ("CREATE TABLE {t} (id INT)", "CREATE DEFINER = 'gone'@'nowhere' VIEW {t}__v AS SELECT id FROM {t}"),
    ),
    Content(
        "Events whose time has passed",
        (
            "SET SESSION timestamp = 1600000000",
            "CREATE EVENT {t} ON SCHEDULE AT '2020-09-14 00:00:00' DO SELECT 1",
            "SET SESSION timestamp = DEFAULT",
        ),
    ),
    Content(
        "Functions without a characteristic",
        (
            "SET GLOBAL log_bin_trust_function_creators = ON",
            "CREATE FUNCTION {t}() RETURNS INT RETURN 1",
            "SET GLOBAL log_bin_trust_function_creators = OFF",
        ),
    ),
    table(
        "DECIMAL in JSON",
        "id INT PRIMARY KEY, v JSON",
        "1, JSON_OBJECT('n', CAST(1.50 AS DECIMAL(5,2)))",
        products=(MYSQL,),
    ),
    Content(
        "History by transaction",
        (
            (
                "CREATE TABLE {t} (id INT PRIMARY KEY, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,"
                " e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) WITH SYSTEM VERSIONING"
            ),
            "INSERT INTO {t} (id) VALUES (1), (2)",
            "DELETE FROM {t} WHERE id = 1",
        ),
        BOTH_MARIADB,
    ),
    Content(
        "Generated columns of the session's time zone",
        (
            "SET SESSION time_zone = '-03:00'",
            "CREATE TABLE {t} (id INT PRIMARY KEY, n INT, v DATETIME AS (FROM_UNIXTIME(n)) STORED)",
            "INSERT INTO {t} (id, n) VALUES (1, 1700000000)",
            "SET SESSION time_zone = '+00:00'",
        ),
        (MYSQL,),
    ),
    Content(
        "Generated columns of the session's language",
        (
            "SET SESSION lc_time_names = 'pt_BR'",
            "CREATE TABLE {t} (id INT PRIMARY KEY, d DATE, v VARCHAR(40) AS (DATE_FORMAT(d, '%W')) STORED)",
            "INSERT INTO {t} (id, d) VALUES (1, '2024-01-01')",
            "SET SESSION lc_time_names = 'en_US'",
        ),
        (MYSQL,),
    ),
)
