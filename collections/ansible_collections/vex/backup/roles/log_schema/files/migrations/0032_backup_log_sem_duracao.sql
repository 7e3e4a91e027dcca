-- Drop the column of the search by duration.
-- undo: ALTER TABLE backup_log ADD COLUMN duracao_segundos bigint GENERATED ALWAYS AS (TIMESTAMPDIFF(SECOND, data_inicio, data_encerramento)) STORED AFTER data_encerramento
ALTER TABLE backup_log DROP COLUMN duracao_segundos;
