-- What people may do in the web app; the next step fills it.
-- undo: DROP TABLE privilegio
CREATE TABLE IF NOT EXISTS privilegio (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  nome varchar(13) NOT NULL,
  descricao varchar(90) NOT NULL,
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_privilegio_nome (nome),
  KEY ix_privilegio_data_criacao (data_criacao)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
