-- Drop the column of the search by the time of day at which a backup began.
-- undo: ALTER TABLE backup_log ADD COLUMN segundo_inicio int GENERATED ALWAYS AS (TIME_TO_SEC(data_inicio)) STORED COMMENT 'of the day, UTC' AFTER data_encerramento
ALTER TABLE backup_log DROP COLUMN segundo_inicio;
