-- Backups by the time of day at which they began.
-- undo: DROP INDEX ix_backup_log_segundo_inicio_data_inicio ON backup_log
CREATE INDEX ix_backup_log_segundo_inicio_data_inicio ON backup_log (segundo_inicio, data_inicio);
