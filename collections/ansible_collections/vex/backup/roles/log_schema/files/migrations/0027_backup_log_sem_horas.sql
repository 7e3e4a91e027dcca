-- Drop the columns and indexes of the search by time of day, by length and by size: a search reads one covering index.
-- undo: ALTER TABLE backup_log ADD COLUMN segundo_inicio int GENERATED ALWAYS AS (TIME_TO_SEC(data_inicio)) STORED COMMENT 'of the day, UTC' AFTER data_encerramento, ADD COLUMN segundo_encerramento int GENERATED ALWAYS AS (TIME_TO_SEC(data_encerramento)) STORED COMMENT 'of the day, UTC' AFTER segundo_inicio, ADD COLUMN duracao_segundos bigint GENERATED ALWAYS AS (TIMESTAMPDIFF(SECOND, data_inicio, data_encerramento)) STORED AFTER segundo_encerramento, ADD INDEX ix_backup_log_tamanho_arquivo_data_inicio (tamanho_arquivo, data_inicio), ADD INDEX ix_backup_log_segundo_inicio_data_inicio (segundo_inicio, data_inicio), ADD INDEX ix_backup_log_segundo_encerramento (segundo_encerramento, data_encerramento, data_inicio), ADD INDEX ix_backup_log_duracao (duracao_segundos, data_encerramento, data_inicio)
ALTER TABLE backup_log
  DROP INDEX ix_backup_log_tamanho_arquivo_data_inicio,
  DROP INDEX ix_backup_log_segundo_inicio_data_inicio,
  DROP INDEX ix_backup_log_segundo_encerramento,
  DROP INDEX ix_backup_log_duracao,
  DROP COLUMN segundo_inicio,
  DROP COLUMN segundo_encerramento,
  DROP COLUMN duracao_segundos;
