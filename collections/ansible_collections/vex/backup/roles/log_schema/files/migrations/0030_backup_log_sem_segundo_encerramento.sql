-- Drop the column of the search by the time of day at which a backup ended.
-- undo: ALTER TABLE backup_log ADD COLUMN segundo_encerramento int GENERATED ALWAYS AS (TIME_TO_SEC(data_encerramento)) STORED COMMENT 'of the day, UTC' AFTER data_encerramento
ALTER TABLE backup_log DROP COLUMN segundo_encerramento;
