-- The kind of store that a destination is.
-- undo: ALTER TABLE upload_s3_log DROP COLUMN tipo_destino
ALTER TABLE upload_s3_log
  ADD COLUMN tipo_destino varchar(16) NOT NULL DEFAULT 's3' COMMENT 's3, gcs, azure, directory' AFTER destino;
