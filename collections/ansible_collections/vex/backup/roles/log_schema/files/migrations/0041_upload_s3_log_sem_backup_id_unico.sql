-- A run may have several uploads. The key of the migration before finds them, also for the foreign key.
-- undo: ALTER TABLE upload_s3_log ADD UNIQUE KEY uq_upload_s3_log_backup_id (backup_id)
ALTER TABLE upload_s3_log
  DROP KEY uq_upload_s3_log_backup_id;
