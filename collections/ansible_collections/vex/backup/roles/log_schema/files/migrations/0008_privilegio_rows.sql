-- The two privileges that the system has.
-- undo: DELETE FROM privilegio WHERE nome IN ('Administrador', 'Cliente')
INSERT INTO privilegio (nome, descricao) VALUES
  ('Administrador', 'Acompanha os backups e administra os usuários do sistema'),
  ('Cliente', 'Acompanha os backups');
