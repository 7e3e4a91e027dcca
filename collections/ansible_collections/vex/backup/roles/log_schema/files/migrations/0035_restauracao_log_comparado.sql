-- The extent of a comparison with the fingerprint of the dumped server.
-- undo: ALTER TABLE restauracao_log DROP COLUMN comparado
ALTER TABLE restauracao_log
  ADD COLUMN comparado json NULL COMMENT 'columns, definitions, sampled_rows, tables_sampled: a JSON object' AFTER bytes;
