-- One row at most for each run and destination.
-- undo: ALTER TABLE upload_s3_log DROP KEY uq_upload_s3_log_backup_id_destino
ALTER TABLE upload_s3_log
  ADD UNIQUE KEY uq_upload_s3_log_backup_id_destino (backup_id, destino);
