-- What the web app searches a time of day and a long run by: neither is a range of times.
-- undo: ALTER TABLE backup_log DROP COLUMN segundo_inicio, DROP COLUMN segundo_encerramento, DROP COLUMN duracao_segundos
ALTER TABLE backup_log
  ADD COLUMN segundo_inicio int GENERATED ALWAYS AS (TIME_TO_SEC(data_inicio)) STORED
    COMMENT 'of the day, UTC' AFTER data_encerramento,
  ADD COLUMN segundo_encerramento int GENERATED ALWAYS AS (TIME_TO_SEC(data_encerramento)) STORED
    COMMENT 'of the day, UTC' AFTER segundo_inicio,
  ADD COLUMN duracao_segundos bigint
    GENERATED ALWAYS AS (TIMESTAMPDIFF(SECOND, data_inicio, data_encerramento)) STORED AFTER segundo_encerramento;
