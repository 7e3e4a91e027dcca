-- Backups by size.
-- undo: DROP INDEX ix_backup_log_tamanho_arquivo_data_inicio ON backup_log
CREATE INDEX ix_backup_log_tamanho_arquivo_data_inicio ON backup_log (tamanho_arquivo, data_inicio);
