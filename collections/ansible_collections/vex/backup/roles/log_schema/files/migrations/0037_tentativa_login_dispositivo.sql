-- The browser of an attempt, when its user has logged in with it before: errors of others do not count there.
-- undo: ALTER TABLE tentativa_login DROP COLUMN dispositivo
ALTER TABLE tentativa_login
  ADD COLUMN dispositivo char(64) NULL COMMENT 'hash of the cookie of a known browser; NULL: unknown' AFTER ip;
