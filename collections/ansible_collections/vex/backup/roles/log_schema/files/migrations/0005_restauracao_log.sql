-- Restores and proofs of restore.
-- undo: DROP TABLE restauracao_log
CREATE TABLE IF NOT EXISTS restauracao_log (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  backup_id bigint unsigned NULL COMMENT 'NULL: the archive of a run that is not in backup_log',
  hostname varchar(100) NOT NULL COMMENT 'where it was restored',
  tipo varchar(20) NOT NULL COMMENT 'verificacao, restauracao',
  status tinyint NOT NULL DEFAULT 0 COMMENT '0 running, 1 success, 2 warning, 3 error',
  tabelas int unsigned NULL,
  linhas bigint unsigned NULL,
  bytes bigint unsigned NULL,
  observacao text NULL,
  data_inicio datetime NOT NULL,
  data_encerramento datetime NULL COMMENT 'NULL while running',
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY ix_restauracao_log_backup_id (backup_id),
  KEY ix_restauracao_log_hostname_data_inicio (hostname, data_inicio),
  KEY ix_restauracao_log_status (status),
  KEY ix_restauracao_log_data_criacao (data_criacao),
  CONSTRAINT fk_restauracao_log_backup FOREIGN KEY (backup_id) REFERENCES backup_log (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
