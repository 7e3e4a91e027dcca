-- Who has which privilege.
-- undo: DROP TABLE usuario_privilegio
CREATE TABLE IF NOT EXISTS usuario_privilegio (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  usuario_id bigint unsigned NOT NULL,
  privilegio_id bigint unsigned NOT NULL,
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY uq_usuario_privilegio (usuario_id, privilegio_id),
  KEY ix_usuario_privilegio_privilegio_id (privilegio_id),
  KEY ix_usuario_privilegio_data_criacao (data_criacao),
  CONSTRAINT fk_usuario_privilegio_usuario FOREIGN KEY (usuario_id) REFERENCES usuario (id) ON DELETE CASCADE,
  CONSTRAINT fk_usuario_privilegio_privilegio FOREIGN KEY (privilegio_id) REFERENCES privilegio (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
