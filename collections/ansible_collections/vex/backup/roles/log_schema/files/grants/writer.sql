-- The privileges of the backup hosts' account in the log database. It has no others.
-- Create the account first, with a password of your own, and require TLS unless it logs in through a socket:
--   CREATE USER 'vex_backup_writer'@'%' IDENTIFIED BY '...' REQUIRE SSL;
-- Then set vex_backup_log_db_ca_cert, which makes connections encrypted and verifies the server.
-- Another database or account name: change it on every line below.
GRANT SELECT ON vex_backup.versao_esquema TO 'vex_backup_writer'@'%';
GRANT SELECT, INSERT, UPDATE ON vex_backup.servidor TO 'vex_backup_writer'@'%';
GRANT SELECT, INSERT, UPDATE ON vex_backup.backup_log TO 'vex_backup_writer'@'%';
GRANT SELECT, INSERT, UPDATE ON vex_backup.upload_s3_log TO 'vex_backup_writer'@'%';
GRANT SELECT, INSERT, UPDATE ON vex_backup.restauracao_log TO 'vex_backup_writer'@'%';
