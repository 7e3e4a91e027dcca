-- Which servers are expected to run backups, and when, so that a missed run can be seen.
-- undo: DROP TABLE servidor
CREATE TABLE IF NOT EXISTS servidor (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  hostname varchar(100) NOT NULL,
  versao_servidor varchar(50) NULL,
  agenda varchar(120) NULL COMMENT 'cron expression; NULL: run by hand',
  fuso varchar(64) NOT NULL DEFAULT 'UTC' COMMENT 'time zone of agenda',
  tolerancia_minutos int unsigned NOT NULL DEFAULT 60,
  ativo boolean NOT NULL DEFAULT TRUE,
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_servidor_hostname (hostname),
  KEY ix_servidor_data_criacao (data_criacao)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
