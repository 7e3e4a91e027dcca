-- What makes a restore one row, however often it is written, and whose backup it was, should that one's row be lost.
-- undo: ALTER TABLE restauracao_log DROP COLUMN run_uuid, DROP COLUMN servidor
ALTER TABLE restauracao_log
  ADD COLUMN run_uuid char(36) NULL COMMENT 'of the restore; NULL: written by no release' AFTER id,
  ADD COLUMN servidor varchar(100) NULL COMMENT 'whose backup it was' AFTER backup_id,
  ADD UNIQUE KEY uq_restauracao_log_run_uuid (run_uuid);
