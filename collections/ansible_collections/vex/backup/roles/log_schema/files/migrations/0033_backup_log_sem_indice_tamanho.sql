-- Drop the index of the search by size: a search reads one covering index.
-- undo: CREATE INDEX ix_backup_log_tamanho_arquivo_data_inicio ON backup_log (tamanho_arquivo, data_inicio)
DROP INDEX ix_backup_log_tamanho_arquivo_data_inicio ON backup_log;
