-- The destination of an upload: a run has an upload to each of its destinations. Earlier ones were to one, now `s3`.
-- undo: ALTER TABLE upload_s3_log DROP COLUMN destino
ALTER TABLE upload_s3_log
  ADD COLUMN destino varchar(64) NOT NULL DEFAULT 's3' COMMENT 'name of the destination in the configuration' AFTER backup_id;
