-- A one-time password that nobody used ends.
-- undo: ALTER TABLE usuario DROP COLUMN senha_expira_em
ALTER TABLE usuario
  ADD COLUMN senha_expira_em datetime NULL COMMENT 'end of a one-time password; NULL: none' AFTER trocar_senha;
