-- Drop the index of the search by duration: a search reads one covering index.
-- undo: CREATE INDEX ix_backup_log_duracao ON backup_log (duracao_segundos, data_encerramento, data_inicio)
DROP INDEX ix_backup_log_duracao ON backup_log;
