-- Backups of one status, newest first.
-- undo: DROP INDEX ix_backup_log_status_backup_data_inicio ON backup_log
CREATE INDEX ix_backup_log_status_backup_data_inicio ON backup_log (status_backup, data_inicio);
