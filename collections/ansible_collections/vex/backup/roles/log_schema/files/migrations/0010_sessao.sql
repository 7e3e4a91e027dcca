-- Sessions of the web app: of each token, only its hash.
-- undo: DROP TABLE sessao
CREATE TABLE IF NOT EXISTS sessao (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  token_hash char(64) NOT NULL,
  usuario_id bigint unsigned NOT NULL,
  ultimo_uso datetime NOT NULL,
  expira_em datetime NOT NULL,
  revogada_em datetime NULL,
  ip varchar(45) NULL,
  agente varchar(255) NULL,
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_sessao_token_hash (token_hash),
  KEY ix_sessao_usuario_id (usuario_id),
  KEY ix_sessao_expira_em (expira_em),
  KEY ix_sessao_data_criacao (data_criacao),
  CONSTRAINT fk_sessao_usuario FOREIGN KEY (usuario_id) REFERENCES usuario (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
