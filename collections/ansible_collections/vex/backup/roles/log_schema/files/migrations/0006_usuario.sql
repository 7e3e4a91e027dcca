-- People who use the web app.
-- undo: DROP TABLE usuario
CREATE TABLE IF NOT EXISTS usuario (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  nome varchar(120) NOT NULL,
  login varchar(50) NOT NULL,
  senha varchar(255) NOT NULL COMMENT 'bcrypt hash',
  ativo boolean NOT NULL DEFAULT TRUE,
  ultimo_acesso datetime NULL,
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_usuario_login (login),
  KEY ix_usuario_data_criacao (data_criacao)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
