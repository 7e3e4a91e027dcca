-- Backups by the time of day at which they ended.
-- undo: DROP INDEX ix_backup_log_segundo_encerramento_data_inicio ON backup_log
CREATE INDEX ix_backup_log_segundo_encerramento_data_inicio
  ON backup_log (segundo_encerramento, data_inicio);
