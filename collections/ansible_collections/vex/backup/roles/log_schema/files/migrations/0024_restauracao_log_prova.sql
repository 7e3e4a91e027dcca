-- The newest proof of every server, by one step in the index for each.
-- undo: DROP INDEX ix_restauracao_log_prova ON restauracao_log
CREATE INDEX ix_restauracao_log_prova ON restauracao_log (tipo, status, servidor, data_encerramento);
