-- How many sizes of a backup are alarming.
-- undo: ALTER TABLE backup_log DROP COLUMN alarmes
ALTER TABLE backup_log
  ADD COLUMN alarmes int unsigned NULL COMMENT 'alarms of sizes; NULL when they were not compared';
