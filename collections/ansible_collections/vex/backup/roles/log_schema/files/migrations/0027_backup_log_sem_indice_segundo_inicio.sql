-- Drop the index of the search by the time of day at which a backup began: a search reads one covering index.
-- undo: CREATE INDEX ix_backup_log_segundo_inicio_data_inicio ON backup_log (segundo_inicio, data_inicio)
DROP INDEX ix_backup_log_segundo_inicio_data_inicio ON backup_log;
