-- Which steps this database has: vex.backup.backup_log_schema writes it, writers and the web app read it.
-- undo: DROP TABLE versao_esquema
CREATE TABLE IF NOT EXISTS versao_esquema (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  numero int unsigned NOT NULL,
  nome varchar(120) NOT NULL,
  sha256 char(64) NOT NULL,
  aplicada_em datetime NOT NULL,
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_versao_esquema_numero (numero),
  KEY ix_versao_esquema_data_criacao (data_criacao)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
