-- Drop the index of the search by the time of day at which a backup ended: a search reads one covering index.
-- undo: CREATE INDEX ix_backup_log_segundo_encerramento ON backup_log (segundo_encerramento, data_encerramento, data_inicio)
DROP INDEX ix_backup_log_segundo_encerramento ON backup_log;
