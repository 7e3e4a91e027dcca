-- The upload of a run's archive: one row at most for each run, which the unique key holds.
-- undo: DROP TABLE upload_s3_log
CREATE TABLE IF NOT EXISTS upload_s3_log (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  backup_id bigint unsigned NOT NULL,
  nome_arquivo varchar(64) NULL,
  tamanho_arquivo decimal(18,2) NULL COMMENT 'MB (10^6 bytes) of the archive',
  caminho_arquivo varchar(1024) NULL COMMENT 'key in the bucket',
  bucket varchar(512) NULL,
  sha256 char(64) NULL,
  status_upload tinyint NOT NULL DEFAULT 0 COMMENT '0 running, 1 success, 2 warning, 3 error',
  observacao text NULL COMMENT 'warnings and errors, one a line',
  data_inicio datetime NOT NULL,
  data_encerramento datetime NULL COMMENT 'NULL while running',
  removido_em datetime NULL COMMENT 'when retention deleted it from the bucket',
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_upload_s3_log_backup_id (backup_id),
  KEY ix_upload_s3_log_status_upload (status_upload),
  KEY ix_upload_s3_log_data_criacao (data_criacao),
  CONSTRAINT fk_upload_s3_log_backup FOREIGN KEY (backup_id) REFERENCES backup_log (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
