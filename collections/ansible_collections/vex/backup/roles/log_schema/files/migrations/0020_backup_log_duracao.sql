-- Long runs, by when they ended.
-- undo: DROP INDEX ix_backup_log_duracao ON backup_log
CREATE INDEX ix_backup_log_duracao
  ON backup_log (duracao_segundos, data_encerramento, data_inicio);
