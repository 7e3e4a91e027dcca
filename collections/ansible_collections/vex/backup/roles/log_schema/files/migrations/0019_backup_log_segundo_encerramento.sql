-- Backups by the time of day at which they ended.
-- undo: DROP INDEX ix_backup_log_segundo_encerramento ON backup_log
CREATE INDEX ix_backup_log_segundo_encerramento
  ON backup_log (segundo_encerramento, data_encerramento, data_inicio);
