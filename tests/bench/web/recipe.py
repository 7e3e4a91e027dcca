"""The SQL statements that make a million backups inside MariaDB.

``{now}`` is the time of the newest run, UTC. Random values are checksums of the row's identity, so that every build
gives the same rows.
"""

from __future__ import annotations

SERVERS = 500
BACKUPS = 1_000_000
# One night more than needed: of today, only the runs that have begun are kept.
NIGHTS = BACKUPS // SERVERS + 1
# The newest 20,000 runs have their logs.
NIGHTS_WITH_LOGS = 40
# Runs in progress.
RUNNING = 6

# Each server has a dump size (40 MB to 400 GB) and a start time between 21:00 and 04:00 in São Paulo.
HOSTS = f"""
CREATE TEMPORARY TABLE host AS SELECT
  seq AS number,
  CONCAT(ELT(seq % 5 + 1, 'db', 'erp', 'crm', 'bi', 'loja'), '-', LPAD(seq DIV 5 + 1, 3, '0')) AS hostname,
  POW(10, 1.6 + CRC32(CONCAT(seq, 'size')) % 1000 / 250) AS megabytes,
  CRC32(CONCAT(seq, 'minute')) % 420 * 60 AS second_of_day,
  ELT(seq % 3 + 1, 'vendas, estoque, financeiro', 'crm, crm_auditoria', 'loja, pagamentos, sessoes') AS names,
  ELT(seq % 4 + 1, '8.0.43', '8.4.6', '10.6.22-MariaDB', '10.11.14-MariaDB') AS version
FROM seq_0_to_{SERVERS - 1}
"""

RUNS = f"""
CREATE TEMPORARY TABLE run AS SELECT
  night.seq AS night, hostname, names, version,
  DATE('{{now}}') - INTERVAL night.seq DAY
    + INTERVAL second_of_day + CRC32(CONCAT(night.seq, ' ', number)) % 97 SECOND AS started,
  ROUND(megabytes * (1.5 - night.seq / 4000) * (0.98 + CRC32(CONCAT(number, 's', night.seq)) % 41 / 1000), 2) AS size,
  CRC32(CONCAT('status', number, 'x', night.seq)) % 100 AS chance
FROM host CROSS JOIN seq_0_to_{NIGHTS - 1} AS night
HAVING started < '{{now}}'
"""

BACKUP_ROWS = f"""
INSERT INTO backup_log (run_uuid, hostname, nome_database, bancos, nome_arquivo, tamanho_arquivo, status_backup,
  etapa, versao_servidor, ferramenta, observacao, log_execucao, log_dump, inicio_dump, fim_dump, inicio_compactacao,
  fim_compactacao, coordenadas_binlog, data_inicio, data_encerramento, data_criacao)
SELECT UUID(), hostname, names, CONCAT('["', REPLACE(names, ', ', '", "'), '"]'),
  CONCAT('backup_', DATE_FORMAT(started, '%Y%m%d_%H%i%s'), '.zip'),
  size, IF(chance < 96, 1, IF(chance < 98, 2, 3)), IF(chance < 98, 'mail', 'dump'), version, 'mydumper 0.20.2-2',
  CASE WHEN chance < 96 THEN NULL
    WHEN chance < 98 THEN '[WARNING] Could not read data from `vendas`.`itens`: table definition has changed'
    ELSE '[ERROR] Lost connection to server during query\\n[ERROR] no schema for `financeiro`.`lancamentos`' END,
  IF(night < {NIGHTS_WITH_LOGS},
    REPEAT(CONCAT(started, ' [INFO] - archive: testing backup, 128 files of 4096\\n'), 60), NULL),
  IF(night < {NIGHTS_WITH_LOGS},
    REPEAT(CONCAT(started, ' [INFO] - Thread 2: dumping data for `vendas`.`itens` into vendas.itens.00001.sql.zst\\n'),
      130), NULL),
  started + INTERVAL 2 SECOND, started + INTERVAL 2 + size DIV 120 SECOND,
  IF(chance < 98, started + INTERVAL 3 + size DIV 120 SECOND, NULL),
  IF(chance < 98, started + INTERVAL 4 + size DIV 60 SECOND, NULL),
  'binlog.000417:15730662', started, started + INTERVAL 6 + size DIV 50 SECOND, started
FROM run ORDER BY started
"""

RUNNING_ROWS = f"""
UPDATE backup_log SET status_backup = 0, etapa = 'dump', tamanho_arquivo = NULL, fim_dump = NULL,
  inicio_compactacao = NULL, fim_compactacao = NULL, data_encerramento = NULL
ORDER BY id DESC LIMIT {RUNNING}
"""

UPLOAD_ROWS = """
INSERT INTO upload_s3_log (backup_id, nome_arquivo, tamanho_arquivo, caminho_arquivo, bucket, sha256, status_upload,
  data_inicio, data_encerramento, data_criacao)
SELECT id, nome_arquivo, ROUND(tamanho_arquivo * 0.44, 2), CONCAT('mysql/', hostname, '/', nome_arquivo),
  'empresa-backups', SHA2(run_uuid, 256), IF(CRC32(run_uuid) % 100, 1, 3), fim_compactacao, data_encerramento,
  fim_compactacao
FROM backup_log WHERE status_backup IN (1, 2) ORDER BY id
"""


def statements(now: str) -> list[str]:
    """Return the statements that fill the empty log tables, in order.

    :param now: ``YYYY-MM-DD HH:MM:SS``, UTC
    """
    return [HOSTS, RUNS.format(now=now), BACKUP_ROWS, RUNNING_ROWS, UPLOAD_ROWS]
