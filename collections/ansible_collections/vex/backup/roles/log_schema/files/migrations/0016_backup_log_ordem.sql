-- The history newest first, with all that it can be searched by: a page, and a count, read nothing but this index.
-- undo: DROP INDEX ix_backup_log_ordem ON backup_log
CREATE INDEX ix_backup_log_ordem
  ON backup_log (data_inicio, id, data_encerramento, hostname, status_backup, tamanho_arquivo);
