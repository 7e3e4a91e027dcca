-- The sizes of the tables, with which the next backups of the server are compared.
-- undo: ALTER TABLE backup_log DROP COLUMN tabelas
ALTER TABLE backup_log
  ADD COLUMN tabelas mediumtext CHARACTER SET ascii NULL
  COMMENT 'rows and bytes by database and table: JSON, compressed by zlib, in Base64';
