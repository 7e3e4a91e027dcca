-- A one-time password must be changed at the first login.
-- undo: ALTER TABLE usuario DROP COLUMN trocar_senha
ALTER TABLE usuario
  ADD COLUMN trocar_senha boolean NOT NULL DEFAULT FALSE COMMENT 'must choose a password at the next login' AFTER ativo;
