-- When all data was back, before it was compared: what a recovery takes.
-- undo: ALTER TABLE restauracao_log DROP COLUMN restaurado_em
ALTER TABLE restauracao_log
  ADD COLUMN restaurado_em datetime NULL COMMENT 'when all data was back; NULL: it is not' AFTER data_inicio;
