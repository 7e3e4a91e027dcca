-- How many backups every server has of each status, and its newest of one status.
-- undo: DROP INDEX ix_backup_log_hostname_status_backup_data_inicio ON backup_log
CREATE INDEX ix_backup_log_hostname_status_backup_data_inicio ON backup_log (hostname, status_backup, data_inicio);
