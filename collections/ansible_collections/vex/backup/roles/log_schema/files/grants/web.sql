-- The privileges of the web app's account: read the log, administer users, and only add to the audit trail.
-- Create the account first, with a password of your own, and require TLS unless it logs in through a socket:
--   CREATE USER 'vex_backup_web'@'%' IDENTIFIED BY '...' REQUIRE SSL;
-- Another database or account name: change it on every line below.
GRANT SELECT ON vex_backup.versao_esquema TO 'vex_backup_web'@'%';
GRANT SELECT ON vex_backup.servidor TO 'vex_backup_web'@'%';
GRANT SELECT ON vex_backup.backup_log TO 'vex_backup_web'@'%';
GRANT SELECT ON vex_backup.upload_s3_log TO 'vex_backup_web'@'%';
GRANT SELECT ON vex_backup.restauracao_log TO 'vex_backup_web'@'%';
GRANT SELECT ON vex_backup.privilegio TO 'vex_backup_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON vex_backup.usuario TO 'vex_backup_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON vex_backup.usuario_privilegio TO 'vex_backup_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON vex_backup.sessao TO 'vex_backup_web'@'%';
GRANT SELECT, INSERT ON vex_backup.auditoria TO 'vex_backup_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON vex_backup.tentativa_login TO 'vex_backup_web'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON vex_backup.token_api TO 'vex_backup_web'@'%';
