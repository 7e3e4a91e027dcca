-- The exact names of the databases, which nome_database, joined by commas, cannot give back.
-- undo: ALTER TABLE backup_log DROP COLUMN bancos
ALTER TABLE backup_log
  ADD COLUMN bancos json NULL COMMENT 'names of the databases, a JSON array' AFTER nome_database;
