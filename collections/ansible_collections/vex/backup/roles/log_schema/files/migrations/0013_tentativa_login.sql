-- Logins that were tried, so that guessing can be slowed; the web app removes them after a day.
-- undo: DROP TABLE tentativa_login
CREATE TABLE IF NOT EXISTS tentativa_login (
  id bigint unsigned NOT NULL AUTO_INCREMENT,
  login varchar(50) NOT NULL,
  ip varchar(45) NOT NULL,
  sucesso boolean NOT NULL DEFAULT FALSE COMMENT 'FALSE also while it is being checked',
  data_criacao datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY ix_tentativa_login_login_data_criacao (login, data_criacao),
  KEY ix_tentativa_login_ip_data_criacao (ip, data_criacao),
  KEY ix_tentativa_login_data_criacao (data_criacao)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci;
