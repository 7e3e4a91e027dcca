-- When people were told that a server is overdue, so that they are told once.
-- undo: ALTER TABLE servidor DROP COLUMN avisado_em
ALTER TABLE servidor
  ADD COLUMN avisado_em datetime NULL COMMENT 'NULL: not overdue, or not told yet' AFTER ativo;
