-- Who did what, on whom, when, from where. It outlives the users it names, so login is kept beside usuario_id.
-- undo: DROP TABLE auditoria
CREATE TABLE IF NOT EXISTS auditoria (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  usuario_id bigint unsigned NULL,
  login varchar(50) NOT NULL,
  acao varchar(50) NOT NULL,
  alvo varchar(120) NULL,
  detalhe json NULL,
  ip varchar(45) NULL,
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY ix_auditoria_usuario_id (usuario_id),
  KEY ix_auditoria_login_data_criacao (login, data_criacao),
  KEY ix_auditoria_data_criacao (data_criacao),
  CONSTRAINT fk_auditoria_usuario FOREIGN KEY (usuario_id) REFERENCES usuario (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
