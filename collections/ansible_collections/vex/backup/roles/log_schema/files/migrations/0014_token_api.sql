-- Tokens with which programs read the web app's API in a user's name: of each, only its hash.
-- undo: DROP TABLE token_api
CREATE TABLE IF NOT EXISTS token_api (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  usuario_id bigint unsigned NOT NULL,
  nome varchar(80) NOT NULL COMMENT 'what it is for',
  token_hash char(64) NOT NULL,
  escopo varchar(20) NOT NULL DEFAULT 'leitura',
  ultimo_uso datetime NULL,
  expira_em datetime NULL COMMENT 'NULL: never',
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_token_api_token_hash (token_hash),
  KEY ix_token_api_usuario_id (usuario_id),
  KEY ix_token_api_data_criacao (data_criacao),
  CONSTRAINT fk_token_api_usuario FOREIGN KEY (usuario_id) REFERENCES usuario (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
